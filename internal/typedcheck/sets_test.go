package typedcheck

const setData = "SADD @a x y z; SADD @b y z w"

var ofSets = family{name: "sets", wrong: "SET", examples: []example{
	{method: "SAdd", args: args(a, "x", "new", 5), data: setData},
	{method: "SCard", args: args(a), data: setData},
	{method: "SDiff", args: args(a, b), data: setData, normal: unordered},
	{method: "SDiffStore", args: args(c, a, b), data: setData},
	{method: "SInter", args: args(a, b), data: setData, normal: unordered},
	{method: "SInterCard", args: args(0, a, b), data: setData},
	{method: "SInterCard", args: args(1, a, b), data: setData},
	{method: "SInterStore", args: args(c, a, b), data: setData},
	{method: "SIsMember", args: args(a, "x"), data: setData},
	{method: "SIsMember", args: args(a, "w"), data: setData},
	{method: "SMIsMember", args: args(a, "x", "w", "z"), data: setData},
	{method: "SMembers", args: args(a), data: setData, normal: unordered},
	{method: "SMembers", args: args(a), data: "SADD @a 3 1 2"},
	{method: "SMembersMap", args: args(a), data: setData},
	{method: "SMove", args: args(a, b, "x"), data: setData},
	{method: "SMove", args: args(a, b, "v"), data: setData},
	{method: "SPop", args: args(a), data: "SADD @a x"},
	{method: "SPopN", args: args(a, 5), data: setData, normal: unordered},
	{method: "SPopN", args: args(a, 0), data: setData},
	{method: "SRandMember", args: args(a), data: "SADD @a x"},
	{method: "SRandMemberN", args: args(a, 5), data: setData, normal: unordered},
	{method: "SRandMemberN", args: args(a, -3), data: "SADD @a x"},
	{method: "SRem", args: args(a, "x", "w"), data: setData},
	{method: "SScan", args: args(a, 0, "", 0), data: setData, normal: unordered},
	{method: "SScan", args: args(a, 0, "[xy]", 10), data: setData, normal: unordered},
	{method: "SUnion", args: args(a, b), data: setData, normal: unordered},
	{method: "SUnionStore", args: args(c, a, b), data: setData},
}}
