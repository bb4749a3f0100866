package typedcheck

import (
	"regexp"
	"time"

	"github.com/redis/go-redis/v9"
)

// dumped is the payload of DUMP for the string "value", of redis-server 7.0.
const dumped = "\x00\x05value\n\x00\x81\xf6\xc18\xc1\xaa\x9bn"

var ofKeys = family{name: "keys", wrong: "SADD", examples: []example{
	{method: "Copy", args: args(a, b, 0, false), data: "SET @a v"},
	{method: "Copy", args: args(a, b, 0, false), data: "SET @a v; SET @b w"},
	{method: "Copy", args: args(a, b, 0, true), data: "SET @a v; SET @b w"},
	{method: "Copy", args: args(a, b, 1, true), data: "SET @a v", fails: true},
	{method: "DebugObject", args: args(a), data: "SET @a value", normal: withoutAddress},
	{method: "Del", args: args(a, b, c), data: "SET @a v; SET @c w"},
	{method: "Dump", args: args(a), data: "SET @a value"},
	{method: "Dump", args: args(a), data: "HSET @a f v"},
	{method: "Exists", args: args(a, b, a), data: "SET @a v"},
	{method: "Expire", args: args(a, time.Hour), data: "SET @a v"},
	{method: "Expire", args: args(a, 1500*time.Millisecond), data: "SET @a v"},
	{method: "Expire", args: args(a, -time.Hour), data: "SET @a v"},
	{method: "ExpireAt", args: args(a, future), data: "SET @a v"},
	{method: "ExpireGT", args: args(a, time.Hour), data: "SET @a v EX 100"},
	{method: "ExpireGT", args: args(a, time.Hour), data: "SET @a v"},
	{method: "ExpireLT", args: args(a, time.Hour), data: "SET @a v"},
	{method: "ExpireNX", args: args(a, time.Hour), data: "SET @a v EX 100"},
	{method: "ExpireTime", args: args(a), data: "SET @a v EXAT 4102444800"},
	{method: "ExpireTime", args: args(a), data: "SET @a v"},
	{method: "ExpireXX", args: args(a, time.Hour), data: "SET @a v EX 100"},
	{method: "MemoryUsage", args: args(a), data: "SET @a value"},
	{method: "MemoryUsage", args: args(a, 0), data: "RPUSH @a x y z"},
	{method: "Migrate", args: args("127.0.0.1", "1", a, 0, time.Second)},
	{method: "Migrate", args: args("127.0.0.1", "1", a, 0, time.Second), data: "SET @a v", fails: true},
	{method: "Move", args: args(a, 1), data: "SET @a v", fails: true},
	{method: "ObjectEncoding", args: args(a), data: "SET @a 12"},
	{method: "ObjectEncoding", args: args(a), data: "RPUSH @a x"},
	{method: "ObjectFreq", args: args(a), data: "SET @a v", fails: true},
	{method: "ObjectIdleTime", args: args(a), data: "SET @a v", normal: blurred},
	{method: "ObjectRefCount", args: args(a), data: "SET @a value"},
	{method: "PExpire", args: args(a, 1500*time.Second), data: "SET @a v"},
	{method: "PExpireAt", args: args(a, future), data: "SET @a v"},
	{method: "PExpireTime", args: args(a), data: "SET @a v PXAT 4102444800123"},
	{method: "PExpireTime", args: args(a), data: "SET @a v"},
	{method: "PTTL", args: args(a), data: "SET @a v EX 1000", normal: blurred},
	{method: "PTTL", args: args(a), data: "SET @a v"},
	{method: "Persist", args: args(a), data: "SET @a v EX 1000"},
	{method: "Persist", args: args(a), data: "SET @a v"},
	{method: "Rename", args: args(a, b), data: "SET @a v; SET @b w"},
	{method: "RenameNX", args: args(a, b), data: "SET @a v"},
	{method: "RenameNX", args: args(a, b), data: "SET @a v; SET @b w"},
	{method: "Restore", args: args(a, 0, dumped)},
	{method: "Restore", args: args(a, time.Hour, dumped), data: "SET @a v", fails: true},
	{method: "Restore", args: args(a, 0, "no payload"), fails: true},
	{method: "RestoreReplace", args: args(a, time.Hour, dumped), data: "SET @a v"},
	{method: "Sort", args: args(a, &redis.Sort{}), data: "RPUSH @a 3 1 2"},
	{method: "Sort", args: args(a, &redis.Sort{Offset: 1, Count: 2, Order: "DESC", Alpha: true}), data: "RPUSH @a x z y"},
	{method: "Sort", args: args(a, &redis.Sort{}), data: "RPUSH @a x y", fails: true},
	{method: "Sort", args: args(a, &redis.Sort{By: "nosort"}), data: "RPUSH @a x y"},
	{method: "Sort", args: args(a, &redis.Sort{By: "@weight_*"}), data: "RPUSH @a 3 1 2", fails: true},
	{method: "Sort", args: args(a, &redis.Sort{Get: []string{"#"}}), data: "RPUSH @a 3 1 2", fails: true},
	{method: "SortInterfaces", args: args(a, &redis.Sort{Order: "DESC"}), data: "ZADD @a 1 10 2 9"},
	{method: "SortRO", args: args(a, &redis.Sort{}), data: "RPUSH @a 3 1 2"},
	{method: "SortRO", args: args(a, &redis.Sort{Get: []string{"#"}}), data: "RPUSH @a 3 1 2", fails: true},
	{method: "SortStore", args: args(a, b, &redis.Sort{}), data: "RPUSH @a 3 1 2"},
	{method: "SPublish", args: args(a, "message")},
	{method: "TTL", args: args(a), data: "SET @a v EX 1000", normal: blurred},
	{method: "TTL", args: args(a), data: "SET @a v"},
	{method: "Touch", args: args(a, b), data: "SET @a v"},
	{method: "Type", args: args(a), data: "XADD @a 1-1 f v"},
	{method: "Unlink", args: args(a, b), data: "SET @a v"},
}}

var changing = regexp.MustCompile(`at:0x[0-9a-f]+|lru(_seconds_idle)?:[0-9]+`)

// withoutAddress drops from DEBUG OBJECT what is another thing each time.
func withoutAddress(values []any) {
	values[0] = changing.ReplaceAllString(values[0].(string), "")
}
