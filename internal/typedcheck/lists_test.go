package typedcheck

import (
	"time"

	"github.com/redis/go-redis/v9"
)

const listData = "RPUSH @a one two three two five"

var ofLists = family{name: "lists", wrong: "SET", examples: []example{
	{method: "BLMPop", args: args(time.Second, "left", 2, b, a), data: listData},
	{method: "BLMove", args: args(a, b, "LEFT", "RIGHT", time.Second), data: listData},
	{method: "BLPop", args: args(time.Second, b, a), data: listData},
	{method: "BRPop", args: args(time.Second, a, b), data: listData},
	{method: "BRPopLPush", args: args(a, b, time.Second), data: listData},
	{method: "LIndex", args: args(a, -2), data: listData},
	{method: "LIndex", args: args(a, 9), data: listData, fails: true},
	{method: "LInsert", args: args(a, "BEFORE", "two", "x"), data: listData},
	{method: "LInsert", args: args(a, "beside", "two", "x"), data: listData, fails: true},
	{method: "LInsertAfter", args: args(a, "two", "x"), data: listData},
	{method: "LInsertBefore", args: args(a, "nine", "x"), data: listData},
	{method: "LLen", args: args(a), data: listData},
	{method: "LMPop", args: args("right", 3, b, a), data: listData},
	{method: "LMPop", args: args("left", 1, a), data: listData},
	{method: "LMove", args: args(a, b, "RIGHT", "LEFT"), data: listData},
	{method: "LPop", args: args(a), data: listData},
	{method: "LPopCount", args: args(a, 3), data: listData},
	{method: "LPopCount", args: args(a, 0), data: listData},
	{method: "LPopCount", args: args(a, -1), data: listData, fails: true},
	{method: "LPos", args: args(a, "two", redis.LPosArgs{}), data: listData},
	{method: "LPos", args: args(a, "two", redis.LPosArgs{Rank: -1, MaxLen: 3}), data: listData},
	{method: "LPos", args: args(a, "nine", redis.LPosArgs{}), data: listData, fails: true},
	{method: "LPosCount", args: args(a, "two", 0, redis.LPosArgs{}), data: listData},
	{method: "LPosCount", args: args(a, "nine", 1, redis.LPosArgs{Rank: 2}), data: listData},
	{method: "LPush", args: args(a, "x", 7, 2.5), data: listData},
	{method: "LPushX", args: args(a, "x"), data: listData},
	{method: "LRange", args: args(a, 1, -2), data: listData},
	{method: "LRange", args: args(a, 7, 9), data: listData},
	{method: "LRem", args: args(a, -2, "two"), data: listData},
	{method: "LSet", args: args(a, 1, "x"), data: listData},
	{method: "LSet", args: args(a, 9, "x"), data: listData, fails: true},
	{method: "LTrim", args: args(a, 1, 2), data: listData},
	{method: "RPop", args: args(a), data: listData},
	{method: "RPopCount", args: args(a, 9), data: listData},
	{method: "RPopLPush", args: args(a, b), data: listData},
	{method: "RPush", args: args(a, "x", []byte("y")), data: listData},
	{method: "RPushX", args: args(a, "x"), data: listData},
}}
