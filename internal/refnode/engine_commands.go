package refnode

import "strings"

// engineCommands are the commands that the engine runs as they are.
var engineCommands = set(`
	copy del exists expire expireat expiretime keys persist pexpire pexpireat pexpiretime pttl rename
	renamenx touch ttl type unlink
	append bitcount bitop bitpos decr decrby get getbit getdel getex getrange getset incr incrby
	incrbyfloat mget mset msetnx psetex set setbit setex setnx setrange strlen substr
	hdel hexists hget hgetall hincrby hincrbyfloat hkeys hlen hmget hmset hrandfield hscan hset hsetnx
	hstrlen hvals
	lindex linsert llen lmove lmpop lpop lpos lpush lpushx lrange lrem lset ltrim rpop rpoplpush rpush
	rpushx
	sadd scard sdiff sdiffstore sinter sintercard sinterstore sismember smembers smismember smove spop
	srandmember srem sscan sunion sunionstore
	zadd zcard zcount zdiff zdiffstore zincrby zinter zintercard zinterstore zlexcount zmpop zmscore zpopmax zpopmin zrandmember
	zrange zrangebylex zrangebyscore zrangestore zrank zrem zremrangebylex zremrangebyrank zremrangebyscore
	zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan zscore zunion zunionstore
	geoadd geodist geopos georadius georadius_ro georadiusbymember georadiusbymember_ro geosearch
	xack xadd xautoclaim xclaim xdel xgroup|create xgroup|createconsumer xgroup|delconsumer
	xgroup|destroy xinfo|consumers xinfo|groups xinfo|stream xlen xpending xrange xread xreadgroup
	xrevrange xtrim
`)

// scriptCommands are those that scripts may call besides.
var scriptCommands = set(`dbsize echo ping randomkey time`)

func set(words string) map[string]bool {
	all := map[string]bool{}
	for _, word := range strings.Fields(words) {
		all[word] = true
	}
	return all
}

func inEngine(name string) bool { return engineCommands[name] }

func scriptable(name string) bool { return engineCommands[name] || scriptCommands[name] }
