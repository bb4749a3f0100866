package typedcheck

import "github.com/redis/go-redis/v9"

const geoData = "GEOADD @a 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 12.758489 38.788135 edge1 17.241510 38.788135 edge2"

var (
	byMember = redis.GeoSearchQuery{Member: "Palermo", Radius: 200, RadiusUnit: "km", Sort: "DESC", Count: 2}
	byPlace  = redis.GeoSearchQuery{Longitude: 15, Latitude: 37, Radius: 200, RadiusUnit: "km", Sort: "ASC"}
	byBox    = redis.GeoSearchQuery{Longitude: 15, Latitude: 37, BoxWidth: 400, BoxHeight: 400, BoxUnit: "km", Sort: "ASC", Count: 3, CountAny: true}
	everyWay = redis.GeoRadiusQuery{Radius: 200, Unit: "km", WithCoord: true, WithDist: true, WithGeoHash: true, Sort: "ASC"}
)

var ofGeo = family{name: "geo", wrong: "SET", examples: []example{
	{method: "GeoAdd", args: args(a, &redis.GeoLocation{Name: "Rome", Longitude: 12.5, Latitude: 41.9}), data: geoData},
	{method: "GeoAdd", args: args(a, &redis.GeoLocation{Name: "nowhere", Longitude: 200, Latitude: 41.9}), data: geoData, fails: true},
	{method: "GeoDist", args: args(a, "Palermo", "Catania", "km"), data: geoData},
	{method: "GeoDist", args: args(a, "Palermo", "none", "m"), data: geoData, fails: true},
	{method: "GeoHash", args: args(a, "Palermo", "none", "Catania"), data: geoData},
	{method: "GeoPos", args: args(a, "Palermo", "none", "Catania"), data: geoData},
	{method: "GeoRadius", args: args(a, 15, 37, &everyWay), data: geoData},
	{method: "GeoRadius", args: args(a, 15, 37, &redis.GeoRadiusQuery{Radius: 200, Unit: "km", Sort: "ASC"}), data: geoData},
	{method: "GeoRadius", args: args(a, 15, 37, &redis.GeoRadiusQuery{Radius: 200, WithDist: true, Sort: "DESC", Count: 1}), data: geoData},
	{method: "GeoRadius", args: args(a, 15, 37, &redis.GeoRadiusQuery{Radius: 200, Store: b}), data: geoData, fails: true},
	{method: "GeoRadiusByMember", args: args(a, "Palermo", &everyWay), data: geoData},
	{method: "GeoRadiusByMember", args: args(a, "none", &everyWay), data: geoData, fails: true},
	{method: "GeoRadiusByMemberStore", args: args(a, "Palermo", &redis.GeoRadiusQuery{Radius: 200, Unit: "km", StoreDist: b}), data: geoData},
	{method: "GeoRadiusStore", args: args(a, 15, 37, &redis.GeoRadiusQuery{Radius: 200, Unit: "km", Store: b}), data: geoData},
	{method: "GeoSearch", args: args(a, &byMember), data: geoData},
	{method: "GeoSearch", args: args(a, &byPlace), data: geoData},
	{method: "GeoSearch", args: args(a, &byBox), data: geoData, normal: unordered},
	{method: "GeoSearchLocation", args: args(a, &redis.GeoSearchLocationQuery{GeoSearchQuery: byPlace, WithCoord: true, WithDist: true, WithHash: true}), data: geoData},
	{method: "GeoSearchLocation", args: args(a, &redis.GeoSearchLocationQuery{GeoSearchQuery: byMember, WithDist: true}), data: geoData},
	{method: "GeoSearchLocation", args: args(a, &redis.GeoSearchLocationQuery{GeoSearchQuery: byBox, WithHash: true}), data: geoData, normal: unordered},
	{method: "GeoSearchLocation", args: args(a, &redis.GeoSearchLocationQuery{GeoSearchQuery: byPlace, WithCoord: true}), data: geoData},
	{method: "GeoSearchLocation", args: args(a, &redis.GeoSearchLocationQuery{GeoSearchQuery: byPlace}), data: geoData, fails: true},
	{method: "GeoSearchStore", args: args(a, b, &redis.GeoSearchStoreQuery{GeoSearchQuery: byPlace, StoreDist: true}), data: geoData},
}}
