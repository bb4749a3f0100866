package typedcheck

import "github.com/redis/go-redis/v9"

// do is an example of Do.
func do(data string, words ...any) example {
	return example{method: "Do", args: words, data: data, also: allOfCmd}
}

// anyOrder is do, for replies in any order.
func anyOrder(data string, words ...any) example {
	return example{method: "Do", args: words, data: data, normal: unordered}
}

var ofDo = family{name: "do", wrong: "SADD", examples: []example{
	do("SET @a v", "get", a),
	do("SET @a 42", "GET", a),
	do("SET @a v", "Set", a, 5, "GET"),
	failing(do("SET @a v", "set", a, 5, "NX")),
	do("", "set", a, 5, "EX", 100),
	do("SET @a 5", "incr", a),
	do("SET @a 5", "incrbyfloat", a, 0.5),
	do("SET @a 1; SET @c 3", "mget", a, b, c),
	do("", "mset", a, 1, b, 2),
	do("SET @a v", "exists", a, b),
	do("SET @a v", "expire", a, 100),
	do("SET @a v", "type", a),
	do("SET @a v", "object", "encoding", a),
	failing(do("SET @a v", "object", "none", a)),
	do("SET @a v", "dump", a),
	do(lcsData, "lcs", a, b, "IDX", "WITHMATCHLEN"),
	do("", "bitfield", a, "SET", "u8", 0, 255, "OVERFLOW", "FAIL", "INCRBY", "u8", 0, 1),
	do("HSET @a f v", "hget", a, "f"),
	do(hashData, "hgetall", a),
	do(hashData, "hmget", a, "f1", "none"),
	do("HSET @a f v", "hrandfield", a, 1, "WITHVALUES"),
	do(hashData, "hscan", a, 0),
	do(hashData, "hincrbyfloat", a, "f3", 1),
	do(listData, "lrange", a, 0, -1),
	do(listData, "lpop", a, 2),
	do(listData, "lmpop", 2, b, a, "LEFT", "COUNT", 2),
	do(listData, "blpop", b, a, "0.01"),
	failing(do("SET @b x", "blpop", a, "0.01")),
	failing(do("SET @b x", "blmpop", 0.01, 1, a, "LEFT")),
	do(listData, "lpos", a, "two", "COUNT", 0),
	do("SADD @a 1 2 3", "smembers", a),
	anyOrder("SADD @a x y z", "smembers", a),
	do("SADD @a x", "smismember", a, "x", "y"),
	do("SADD @a x", "spop", a, 2),
	anyOrder(setData, "sunion", a, b),
	do(scores, "zrange", a, 0, -1, "WITHSCORES"),
	do(scores, "zscore", a, "high"),
	do(scores, "zscore", a, "two"),
	failing(do(scores, "zscore", a, "none")),
	do(scores, "zmscore", a, "two", "none", "low"),
	do(scores, "zpopmin", a),
	do(scores, "zpopmax", a, 2),
	do(scores, "zmpop", 1, a, "MAX", "COUNT", 2),
	failing(do("SET @b x", "bzmpop", 0.01, 1, a, "MAX")),
	do(scores, "bzpopmin", a, 0.01),
	do(scores, "zadd", a, "INCR", 2.5, "two"),
	failing(do(scores, "zadd", a, "NX", "INCR", 2.5, "two")),
	do("ZADD @a 1 m", "zrandmember", a, -2, "WITHSCORES"),
	do(geoData, "geopos", a, "Palermo", "none"),
	do(geoData, "geosearch", a, "FROMLONLAT", 15, 37, "BYRADIUS", 200, "km", "ASC", "WITHCOORD", "WITHDIST", "WITHHASH"),
	do(geoData, "geodist", a, "Palermo", "Catania"),
	do(streamData, "xrange", a, "-", "+"),
	do(streamData, "xread", "COUNT", 2, "STREAMS", a, b, 0, 0),
	failing(do(streamData, "xread", "BLOCK", 10, "STREAMS", a, "$")),
	do(groupData, "xreadgroup", "GROUP", "g", "bob", "STREAMS", a, ">"),
	do(goneData, "xautoclaim", a, "g", "bob", 0, 0),
	do(groupData, "xpending", a, "g"),
	do(groupData, "xinfo", "stream", a),
	do(groupData, "xinfo", "groups", a),
	failing(do(groupData, "xinfo", "none", a)),
	do("RPUSH @a 3 1 2", "sort", a),
	do("SET @a v", "memory", "usage", a),
	failing(do("SET @a v", "restore", a, 0, dumped)),
	do("SET @a v", "restore", a, 0, dumped, "REPLACE"),
	do("SET @a v", "eval", "return {1, 'two', false}", 1, a),
	do("HSET @a f v", "eval", getall, 1, a),
	do("", "fcall", "typed_map", 1, a),
	failing(do("", "get")),
	failing(do("", "get", a, "too many")),
	failing(do("", "no.such.command", a)),
	do("SET @a v", "GETDEL", []byte(a)),
}}

// allOfCmd asks for a reply in each form that there is.
func allOfCmd(cmd redis.Cmder) any {
	c := cmd.(*redis.Cmd)
	var all []any
	add := func(v any, err error) { all = append(all, v, err) }
	add(c.Text())
	add(c.Int())
	add(c.Int64())
	add(c.Uint64())
	add(c.Float64())
	add(c.Bool())
	add(c.Slice())
	add(c.StringSlice())
	add(c.Int64Slice())
	add(c.Float64Slice())
	add(c.BoolSlice())
	return all
}
