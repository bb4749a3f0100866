package typedcheck

import (
	"math"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	scores = "ZADD @a 1 one 2.5 two 3 three 3 threes -inf low +inf high; ZADD @b 10 two 20 three 1e300 four"
	lex    = "ZADD @a 0 a 0 b 0 c 0 d 0 e"
)

var ofSortedSets = family{name: "sorted sets", wrong: "SET", examples: []example{
	{method: "BZMPop", args: args(time.Second, "max", 2, b, a), data: scores},
	{method: "BZMPop", args: args(time.Second, "min", 2, c, a), data: scores},
	{method: "BZPopMax", args: args(time.Second, b, a), data: scores},
	{method: "BZPopMin", args: args(time.Second, c, a), data: scores},
	{method: "ZAdd", args: args(a, redis.Z{Score: 1.5, Member: "new"}, redis.Z{Score: 2, Member: "one"}), data: scores},
	{method: "ZAdd", args: args(a, redis.Z{Score: math.NaN(), Member: "new"}), data: scores, fails: true},
	{method: "ZAddArgs", args: args(a, redis.ZAddArgs{Ch: true, GT: true, Members: []redis.Z{{Score: 9, Member: "one"}, {Score: 1, Member: "two"}}}), data: scores},
	{method: "ZAddArgs", args: args(a, redis.ZAddArgs{NX: true, GT: true, Members: []redis.Z{{Score: 9, Member: "one"}}}), data: scores},
	{method: "ZAddArgsIncr", args: args(a, redis.ZAddArgs{Members: []redis.Z{{Score: 0.25, Member: "two"}}}), data: scores},
	{method: "ZAddArgsIncr", args: args(a, redis.ZAddArgs{NX: true, Members: []redis.Z{{Score: 1, Member: "two"}}}), data: scores, fails: true},
	{method: "ZAddArgsIncr", args: args(a, redis.ZAddArgs{Members: []redis.Z{{Score: math.Inf(-1), Member: "high"}}}), data: scores, fails: true},
	{method: "ZAddGT", args: args(a, redis.Z{Score: 9, Member: "one"}), data: scores},
	{method: "ZAddLT", args: args(a, redis.Z{Score: 0, Member: "one"}), data: scores},
	{method: "ZAddNX", args: args(a, redis.Z{Score: 9, Member: "one"}, redis.Z{Score: 9, Member: "new"}), data: scores},
	{method: "ZAddXX", args: args(a, redis.Z{Score: 9, Member: "one"}, redis.Z{Score: 9, Member: "new"}), data: scores},
	{method: "ZCard", args: args(a), data: scores},
	{method: "ZCount", args: args(a, "(1", "+inf"), data: scores},
	{method: "ZCount", args: args(a, "x", "y"), data: scores, fails: true},
	{method: "ZDiff", args: args(a, b), data: scores},
	{method: "ZDiffStore", args: args(c, a, b), data: scores},
	{method: "ZDiffWithScores", args: args(a, b), data: scores},
	{method: "ZIncrBy", args: args(a, 1.25, "two"), data: scores},
	{method: "ZIncrBy", args: args(a, 1, "high"), data: scores},
	{method: "ZIncrBy", args: args(a, 3e-10, "one"), data: scores},
	{method: "ZInter", args: args(&redis.ZStore{Keys: []string{a, b}, Weights: []float64{2, 3}, Aggregate: "MAX"}), data: scores},
	{method: "ZInterCard", args: args(0, a, b), data: scores},
	{method: "ZInterCard", args: args(1, a, b), data: scores},
	{method: "ZInterStore", args: args(c, &redis.ZStore{Keys: []string{a, b}, Weights: []float64{2, 0.5}}), data: scores},
	{method: "ZInterWithScores", args: args(&redis.ZStore{Keys: []string{a, b}}), data: scores},
	{method: "ZLexCount", args: args(a, "[b", "(e"), data: lex},
	{method: "ZLexCount", args: args(a, "b", "e"), data: lex, fails: true},
	{method: "ZMPop", args: args("min", 3, c, a), data: scores},
	{method: "ZMPop", args: args("max", 1, a), data: scores},
	{method: "ZMScore", args: args(a, "one", "none", "high", "low"), data: scores},
	{method: "ZPopMax", args: args(a), data: scores},
	{method: "ZPopMax", args: args(a, 3), data: scores},
	{method: "ZPopMin", args: args(a), data: scores},
	{method: "ZPopMin", args: args(a, 3), data: scores},
	{method: "ZRandMember", args: args(a, 9), data: scores, normal: unordered},
	{method: "ZRandMember", args: args(a, -3), data: "ZADD @a 1 one"},
	{method: "ZRandMemberWithScores", args: args(a, 9), data: scores, normal: unordered},
	{method: "ZRandMemberWithScores", args: args(a, -2), data: "ZADD @a 1 one"},
	{method: "ZRange", args: args(a, 1, -2), data: scores},
	{method: "ZRangeArgs", args: args(redis.ZRangeArgs{Key: a, Start: "(1", Stop: 3, ByScore: true, Offset: 1, Count: 1}), data: scores},
	{method: "ZRangeArgs", args: args(redis.ZRangeArgs{Key: a, Start: "[b", Stop: "+", ByLex: true, Rev: true}), data: lex},
	{method: "ZRangeArgs", args: args(redis.ZRangeArgs{Key: a, Start: "x", Stop: "y", ByScore: true}), data: scores, fails: true},
	{method: "ZRangeArgsWithScores", args: args(redis.ZRangeArgs{Key: a, Start: 0, Stop: -1, Rev: true}), data: scores},
	{method: "ZRangeByLex", args: args(a, &redis.ZRangeBy{Min: "-", Max: "[c"}), data: lex},
	{method: "ZRangeByScore", args: args(a, &redis.ZRangeBy{Min: "1", Max: "(3", Offset: 0, Count: 10}), data: scores},
	{method: "ZRangeByScoreWithScores", args: args(a, &redis.ZRangeBy{Min: "-inf", Max: "+inf"}), data: scores},
	{method: "ZRangeStore", args: args(c, redis.ZRangeArgs{Key: a, Start: 0, Stop: 2}), data: scores},
	{method: "ZRangeWithScores", args: args(a, 0, -1), data: scores},
	{method: "ZRangeWithScores", args: args(a, 0, -1), data: "ZADD @a 0.1 a 1e21 b 123456789012345678 c -0.0 d 1e-7 e"},
	{method: "ZRank", args: args(a, "two"), data: scores},
	{method: "ZRank", args: args(a, "none"), data: scores, fails: true},
	{method: "ZRankWithScore", args: args(a, "two"), data: scores, fails: true}, // of 7.2: this server says that the syntax is wrong
	{method: "ZRem", args: args(a, "two", "none"), data: scores},
	{method: "ZRemRangeByLex", args: args(a, "[b", "[c"), data: lex},
	{method: "ZRemRangeByRank", args: args(a, 0, 1), data: scores},
	{method: "ZRemRangeByScore", args: args(a, "-inf", "(3"), data: scores},
	{method: "ZRevRange", args: args(a, 0, 2), data: scores},
	{method: "ZRevRangeByLex", args: args(a, &redis.ZRangeBy{Min: "-", Max: "(d"}), data: lex},
	{method: "ZRevRangeByScore", args: args(a, &redis.ZRangeBy{Min: "1", Max: "3"}), data: scores},
	{method: "ZRevRangeByScoreWithScores", args: args(a, &redis.ZRangeBy{Min: "1", Max: "+inf", Offset: 1, Count: 2}), data: scores},
	{method: "ZRevRangeWithScores", args: args(a, 0, -1), data: scores},
	{method: "ZRevRank", args: args(a, "two"), data: scores},
	{method: "ZRevRankWithScore", args: args(a, "two"), data: scores, fails: true}, // of 7.2
	{method: "ZScan", args: args(a, 0, "", 0), data: scores},
	{method: "ZScan", args: args(a, 0, "t*", 100), data: scores},
	{method: "ZScore", args: args(a, "two"), data: scores},
	{method: "ZScore", args: args(a, "low"), data: scores},
	{method: "ZScore", args: args(a, "none"), data: scores, fails: true},
	{method: "ZUnion", args: args(redis.ZStore{Keys: []string{a, b}, Aggregate: "MIN"}), data: scores},
	{method: "ZUnionStore", args: args(c, &redis.ZStore{Keys: []string{a, b}, Weights: []float64{1, -1}}), data: scores},
	{method: "ZUnionWithScores", args: args(redis.ZStore{Keys: []string{a, b}, Weights: []float64{2, 1}}), data: scores},
}}
