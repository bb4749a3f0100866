package typedcheck

import "github.com/redis/go-redis/v9"

const hashData = "HSET @a f1 1 f2 two f3 3.5"

func newMapped() any { return new(mapped) }

var ofHashes = family{name: "hashes", wrong: "SET", examples: []example{
	{method: "HDel", args: args(a, "f1", "f9"), data: hashData},
	{method: "HExists", args: args(a, "f1"), data: hashData},
	{method: "HExists", args: args(a, "f9"), data: hashData},
	{method: "HGet", args: args(a, "f2"), data: hashData, also: allOfString},
	{method: "HGet", args: args(a, "f9"), data: hashData, fails: true},
	{method: "HGetAll", args: args(a), data: hashData, also: scanned(newMapped)},
	{method: "HGetAll", args: args(a), data: "HSET @a f1 text", also: scanned(newMapped)},
	{method: "HIncrBy", args: args(a, "f1", 4), data: hashData},
	{method: "HIncrBy", args: args(a, "f2", 4), data: hashData, fails: true},
	{method: "HIncrByFloat", args: args(a, "f3", -0.25), data: hashData},
	{method: "HIncrByFloat", args: args(a, "f2", 1), data: hashData, fails: true},
	{method: "HKeys", args: args(a), data: hashData},
	{method: "HLen", args: args(a), data: hashData},
	{method: "HMGet", args: args(a, "f1", "f9", "f2"), data: hashData, also: scanned(newMapped)},
	{method: "HMSet", args: args(a, "f1", 5, "f4", 4.5), data: hashData},
	{method: "HMSet", args: args(a, map[string]any{"f1": 1})},
	{method: "HRandField", args: args(a, 5), data: hashData, normal: unordered},
	{method: "HRandField", args: args(a, -3), data: "HSET @a f1 1"},
	{method: "HRandField", args: args(a, 0), data: hashData},
	{method: "HRandFieldWithValues", args: args(a, 5), data: hashData, normal: unordered},
	{method: "HRandFieldWithValues", args: args(a, -2), data: "HSET @a f1 1"},
	{method: "HScan", args: args(a, 0, "", 0), data: hashData},
	{method: "HScan", args: args(a, 0, "f[12]", 100), data: hashData},
	{method: "HScanNoValues", args: args(a, 0, "", 0), data: hashData, fails: true}, // of 7.4
	{method: "HSet", args: args(a, "f1", 5, "f4", 4.5), data: hashData},
	{method: "HSet", args: args(a, []string{"f1", "5", "f5", "x"}), data: hashData},
	{method: "HSet", args: args(a, mapped{One: 1, Two: "2", Three: 3})},
	{method: "HScanNoValues", args: args(a, 0, "", 0), data: hashData, fails: true}, // of 7.4
	{method: "HSet", args: args(a, "f1"), fails: true},
	{method: "HSetNX", args: args(a, "f1", 5), data: hashData},
	{method: "HSetNX", args: args(a, "f4", 5), data: hashData},
	{method: "HStrLen", args: args(a, "f2"), data: hashData},
	{method: "HVals", args: args(a), data: hashData, also: func(cmd redis.Cmder) any {
		var values []string
		err := cmd.(*redis.StringSliceCmd).ScanSlice(&values)
		return args(values, err)
	}},
}}
