package typedcheck

import (
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	streamData = "XADD @a 1-1 f v; XADD @a 2-1 f w g x; XADD @a 3-1 f y; XADD @b 7-7 h z"
	groupData  = streamData + "; XGROUP CREATE @a g 0; XREADGROUP GROUP g alice COUNT 2 STREAMS @a >"
	idleData   = groupData + "; XCLAIM @a g bob 0 1-1 IDLE 1000000 RETRYCOUNT 7"
	goneData   = groupData + "; XDEL @a 1-1"
)

// claim takes what alice has, from the beginning.
var claim = redis.XAutoClaimArgs{Stream: a, Group: "g", Consumer: "carol", Start: "0", Count: 10}

var ofStreams = family{name: "streams", wrong: "SET", examples: []example{
	{method: "XAck", args: args(a, "g", "1-1", "9-9"), data: groupData},
	{method: "XAdd", args: args(&redis.XAddArgs{Stream: a, ID: "4-1", Values: map[string]any{"f": 1}}), data: streamData},
	{method: "XAdd", args: args(&redis.XAddArgs{Stream: a, ID: "5-*", Values: []any{"f", 1, "g", "two"}, MaxLen: 2, Approx: true, Limit: 1}), data: streamData},
	{method: "XAdd", args: args(&redis.XAddArgs{Stream: a, ID: "1-1", Values: []string{"f", "1"}}), data: streamData, fails: true},
	{method: "XAdd", args: args(&redis.XAddArgs{Stream: c, ID: "1-1", NoMkStream: true, Values: []string{"f", "1"}}), data: streamData, fails: true},
	{method: "XAdd", args: args(&redis.XAddArgs{Stream: a, ID: "4-1", MinID: "3", Values: []string{"f", "1"}}), data: streamData},
	{method: "XAutoClaim", args: args(&claim), data: groupData},
	{method: "XAutoClaim", args: args(&redis.XAutoClaimArgs{Stream: a, Group: "g", Consumer: "carol", Start: "0", Count: 1}), data: groupData},
	{method: "XAutoClaim", args: args(&redis.XAutoClaimArgs{Stream: a, Group: "g", Consumer: "carol", Start: "0", MinIdle: time.Hour}), data: groupData},
	{method: "XAutoClaim", args: args(&claim), data: goneData},
	{method: "XAutoClaimJustID", args: args(&claim), data: groupData},
	{method: "XAutoClaimJustID", args: args(&claim), data: goneData},
	{method: "XAutoClaimWithDeleted", args: args(&claim), data: groupData},
	{method: "XAutoClaimWithDeleted", args: args(&claim), data: goneData},
	{method: "XClaim", args: args(&redis.XClaimArgs{Stream: a, Group: "g", Consumer: "carol", Messages: []string{"1-1", "2-1", "9-9"}}), data: groupData},
	{method: "XClaim", args: args(&redis.XClaimArgs{Stream: a, Group: "g", Consumer: "carol", Messages: []string{"1-1", "2-1"}}), data: goneData},
	{method: "XClaim", args: args(&redis.XClaimArgs{Stream: a, Group: "none", Consumer: "carol", Messages: []string{"1-1"}}), data: groupData, fails: true},
	{method: "XClaimJustID", args: args(&redis.XClaimArgs{Stream: a, Group: "g", Consumer: "carol", Messages: []string{"1-1", "2-1"}}), data: groupData},
	{method: "XDel", args: args(a, "1-1", "9-9"), data: streamData},
	{method: "XDel", args: args(a, "x"), data: streamData, fails: true},
	{method: "XGroupCreate", args: args(a, "h", "$"), data: groupData},
	{method: "XGroupCreate", args: args(a, "g", "0"), data: groupData, fails: true},
	{method: "XGroupCreateConsumer", args: args(a, "g", "bob"), data: groupData},
	{method: "XGroupCreateConsumer", args: args(a, "none", "bob"), data: groupData, fails: true},
	{method: "XGroupCreateMkStream", args: args(c, "g", "0")},
	{method: "XGroupDelConsumer", args: args(a, "g", "alice"), data: groupData},
	{method: "XGroupDestroy", args: args(a, "g"), data: groupData},
	{method: "XGroupDestroy", args: args(a, "none"), data: groupData},
	{method: "XGroupSetID", args: args(a, "g", "2-1"), data: groupData},
	{method: "XInfoConsumers", args: args(a, "g"), data: idleData, normal: blurred},
	{method: "XInfoConsumers", args: args(a, "none"), data: groupData, fails: true},
	{method: "XInfoGroups", args: args(a), data: groupData + "; XGROUP CREATE @a h 2-0; XGROUP CREATE @a i 3-1 ENTRIESREAD 3"},
	{method: "XInfoGroups", args: args(a), data: streamData},
	{method: "XInfoStream", args: args(a), data: groupData},
	{method: "XInfoStream", args: args(a), data: "XADD @a 1-1 f v; XDEL @a 1-1"},
	{method: "XInfoStreamFull", args: args(a, 0), data: idleData, normal: blurred},
	{method: "XInfoStreamFull", args: args(a, 1), data: idleData + "; XGROUP CREATE @a h $; XGROUP CREATECONSUMER @a h dave", normal: blurred},
	{method: "XInfoStreamFull", args: args(a, 10), data: streamData},
	{method: "XLen", args: args(a), data: streamData},
	{method: "XPending", args: args(a, "g"), data: idleData},
	{method: "XPending", args: args(a, "g"), data: streamData + "; XGROUP CREATE @a g 0"},
	{method: "XPending", args: args(a, "none"), data: streamData, fails: true},
	{method: "XPendingExt", args: args(&redis.XPendingExtArgs{Stream: a, Group: "g", Start: "-", End: "+", Count: 10}), data: idleData, normal: blurred},
	{method: "XPendingExt", args: args(&redis.XPendingExtArgs{Stream: a, Group: "g", Idle: time.Minute, Start: "-", End: "+", Count: 10, Consumer: "bob"}), data: idleData, normal: blurred},
	{method: "XPendingExt", args: args(&redis.XPendingExtArgs{Stream: a, Group: "g", Start: "-", End: "+", Count: 10, Consumer: "nobody"}), data: idleData},
	{method: "XRange", args: args(a, "-", "+"), data: streamData},
	{method: "XRange", args: args(a, "(1-1", "2"), data: streamData},
	{method: "XRange", args: args(a, "8", "9"), data: streamData},
	{method: "XRangeN", args: args(a, "-", "+", 2), data: streamData},
	{method: "XRead", args: args(&redis.XReadArgs{Streams: []string{a, b, "1", "0"}, Block: -1}), data: streamData},
	{method: "XRead", args: args(&redis.XReadArgs{Streams: []string{a, "0"}, Count: 1, Block: 10 * time.Millisecond}), data: streamData},
	{method: "XRead", args: args(&redis.XReadArgs{Streams: []string{a, "$"}, Block: 10 * time.Millisecond}), data: streamData, fails: true},
	{method: "XRead", args: args(&redis.XReadArgs{Streams: []string{a}, ID: "2-1", Block: -1}), data: streamData},
	{method: "XReadGroup", args: args(&redis.XReadGroupArgs{Group: "g", Consumer: "alice", Streams: []string{a, ">"}, Block: -1}), data: groupData},
	{method: "XReadGroup", args: args(&redis.XReadGroupArgs{Group: "g", Consumer: "alice", Streams: []string{a, "0"}, Count: 5, Block: -1}), data: groupData},
	{method: "XReadGroup", args: args(&redis.XReadGroupArgs{Group: "g", Consumer: "alice", Streams: []string{a, "0"}, Block: -1}), data: goneData},
	{method: "XReadGroup", args: args(&redis.XReadGroupArgs{Group: "g", Consumer: "bob", Streams: []string{a, ">"}, NoAck: true, Block: 10 * time.Millisecond}), data: groupData + "; XGROUP SETID @a g $", fails: true},
	{method: "XReadGroup", args: args(&redis.XReadGroupArgs{Group: "none", Consumer: "bob", Streams: []string{a, ">"}, Block: 10 * time.Millisecond}), data: groupData, fails: true},
	{method: "XReadStreams", args: args(a, b, "0", "0"), data: streamData},
	{method: "XRevRange", args: args(a, "+", "-"), data: streamData},
	{method: "XRevRangeN", args: args(a, "+", "-", 1), data: streamData},
	{method: "XTrimMaxLen", args: args(a, 1), data: streamData},
	{method: "XTrimMaxLenApprox", args: args(a, 1, 10), data: streamData},
	{method: "XTrimMinID", args: args(a, "3"), data: streamData},
	{method: "XTrimMinIDApprox", args: args(a, "3", 10), data: streamData},
}}
