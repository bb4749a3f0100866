package typedcheck

import "github.com/redis/go-redis/v9"

// withoutKeys are commands that have no key, and that any one node can answer.
var withoutKeys = family{name: "without keys", examples: []example{
	{method: "ACLCat", normal: unordered},
	{method: "ACLCatArgs", args: args(&redis.ACLCatArgs{Category: "bitmap"}), normal: unordered},
	{method: "ACLDryRun", args: args("default", "get", "k")},
	{method: "ACLDryRun", args: args("nobody", "get", "k"), fails: true},
	{method: "ACLList", normal: unordered},
	{method: "ACLUsers"},
	{method: "ACLWhoAmI"},
	{method: "ClientGetName", fails: true},
	{method: "ClusterKeySlot", args: args("some key")},
	{method: "ClusterSlaves", args: args("none"), fails: true},
	{method: "Command"},
	{method: "CommandGetKeys", args: args("mset", "x", 1, "y", 2)},
	{method: "CommandGetKeys", args: args("ping"), fails: true},
	{method: "CommandGetKeysAndFlags", args: args("lmove", "x", "y", "left", "left")},
	{method: "CommandList", args: args(nil), normal: unordered},
	{method: "CommandList", args: args(&redis.FilterBy{Pattern: "xr*"}), normal: unordered},
	{method: "Echo", args: args("hello")},
	{method: "Eval", args: args("return {1, 'two', false}", []string{})},
	{method: "Ping"},
	{method: "Publish", args: args("channel", "message")},
	{method: "Time", normal: blurred},
	{method: "Do", args: args("echo", "hello")},
}}
