package typedcheck

import (
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// future is a time that no key lives to see.
var future = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// The two texts of the documentation of LCS.
const lcsData = "SET @a ohmytext; SET @b mynewtext"

var ofStrings = family{name: "strings", wrong: "RPUSH", examples: []example{
	{method: "Append", args: args(a, "more"), data: "SET @a some"},
	{method: "Decr", args: args(a), data: "SET @a 10"},
	{method: "Decr", args: args(a), data: "SET @a text", fails: true},
	{method: "DecrBy", args: args(a, 3), data: "SET @a 10"},
	{method: "DecrBy", args: args(a, 3), data: "SET @a -9223372036854775808", fails: true},
	{method: "Get", args: args(a), data: "SET @a hello", also: allOfString},
	{method: "Get", args: args(a), data: "SET @a 42", also: allOfString},
	{method: "Get", args: args(a), data: "SET @a -3.25", also: allOfString},
	{method: "Get", args: args(a), data: "SET @a 1", also: allOfString},
	{method: "Get", args: args(a), data: "SET @a 2026-01-02T03:04:05Z", also: allOfString},
	{method: "Get", args: args(a), data: "SETRANGE @a 3 \x00\xff"},
	{method: "Get", args: args(a), data: "SETRANGE @a 300000 x"},
	{method: "Get", args: args(a), data: "SET @a x; SETRANGE @a 0 OK"},
	{method: "GetDel", args: args(a), data: "SET @a v"},
	{method: "GetEx", args: args(a, time.Hour), data: "SET @a v"},
	{method: "GetEx", args: args(a, 1500*time.Millisecond), data: "SET @a v"},
	{method: "GetEx", args: args(a, 0), data: "SET @a v EX 100"},
	{method: "GetRange", args: args(a, 1, -2), data: "SET @a hello"},
	{method: "GetRange", args: args(a, 7, 9), data: "SET @a hello"},
	{method: "GetSet", args: args(a, "new"), data: "SET @a old"},
	{method: "GetToBuffer", args: args(a, make([]byte, 16)), data: "SET @a hello", also: bufferOf},
	{method: "GetToBuffer", args: args(a, make([]byte, 5)), data: "SET @a hello", also: bufferOf},
	{method: "GetToBuffer", args: args(a, make([]byte, 4)), data: "SET @a hello", also: bufferOf, fails: true},
	{method: "GetToBuffer", args: args(a, make([]byte, 400000)), data: "SETRANGE @a 300000 x", also: bufferOf},
	{method: "Incr", args: args(a), data: "SET @a 9223372036854775806"},
	{method: "Incr", args: args(a), data: "SET @a 9223372036854775807", fails: true},
	{method: "IncrBy", args: args(a, -5), data: "SET @a 3"},
	{method: "IncrByFloat", args: args(a, 0.1), data: "SET @a 3.0e3"},
	{method: "IncrByFloat", args: args(a, 1e300), data: "SET @a text", fails: true},
	{method: "LCS", args: args(&redis.LCSQuery{Key1: a, Key2: b}), data: lcsData},
	{method: "LCS", args: args(&redis.LCSQuery{Key1: a, Key2: b, Len: true}), data: lcsData},
	{method: "LCS", args: args(&redis.LCSQuery{Key1: a, Key2: b, Idx: true}), data: lcsData},
	{method: "LCS", args: args(&redis.LCSQuery{Key1: a, Key2: b, Idx: true, MinMatchLen: 4}), data: lcsData},
	{method: "LCS", args: args(&redis.LCSQuery{Key1: a, Key2: b, Idx: true, WithMatchLen: true}), data: lcsData},
	{method: "MGet", args: args(a, b, c), data: "SET @a 1; SET @c three", also: scanned(func() any { return new(mapped) })},
	{method: "MGet", args: args(a), data: "SET @a 1"},
	{method: "MSet", args: args(a, 1, b, "two"), data: "SET @a 0"},
	{method: "MSet", args: args(map[string]any{a: 1, b: 2.5})},
	{method: "MSetNX", args: args(a, 1, b, 2)},
	{method: "MSetNX", args: args(a, 1, b, 2), data: "SET @b 0"},
	{method: "Set", args: args(a, "text", 0), data: "SET @a old"},
	{method: "Set", args: args(a, []byte("bytes"), time.Hour)},
	{method: "Set", args: args(a, 1.5, 1500*time.Millisecond)},
	{method: "Set", args: args(a, true, redis.KeepTTL)},
	{method: "Set", args: args(a, future, 0)},
	{method: "Set", args: args(a, time.Minute, 0)},
	{method: "Set", args: args(a, nil, 0)},
	{method: "Set", args: args(a, net.IPv4(127, 0, 0, 1), 0)},
	{method: "Set", args: args(a, strings.Repeat("large", 100000), 0)},
	{method: "SetArgs", args: args(a, "new", redis.SetArgs{Get: true}), data: "SET @a old"},
	{method: "SetArgs", args: args(a, "new", redis.SetArgs{Mode: "NX"}), data: "SET @a old", fails: true},
	{method: "SetArgs", args: args(a, "new", redis.SetArgs{Mode: "XX", Get: true, KeepTTL: true}), data: "SET @a old EX 100"},
	{method: "SetArgs", args: args(a, "new", redis.SetArgs{Mode: "NX", Get: true}), data: "SET @a old"},
	{method: "SetArgs", args: args(a, "new", redis.SetArgs{ExpireAt: future})},
	{method: "SetArgs", args: args(a, "new", redis.SetArgs{TTL: time.Minute})},
	{method: "SetArgs", args: args(a, "new", redis.SetArgs{Mode: "bad"}), fails: true},
	{method: "SetEx", args: args(a, "v", time.Minute)},
	{method: "SetFromBuffer", args: args(a, []byte("buffer\x00"))},
	{method: "SetNX", args: args(a, "v", 0)},
	{method: "SetNX", args: args(a, "v", 0), data: "SET @a old"},
	{method: "SetNX", args: args(a, "v", time.Minute), data: "SET @a old"},
	{method: "SetNX", args: args(a, "v", time.Minute)},
	{method: "SetNX", args: args(a, "v", redis.KeepTTL)},
	{method: "SetRange", args: args(a, 6, "Redis"), data: "SET @a Hello-World"},
	{method: "SetRange", args: args(a, -1, "x"), data: "SET @a Hello", fails: true},
	{method: "SetXX", args: args(a, "v", 0), data: "SET @a old"},
	{method: "SetXX", args: args(a, "v", time.Minute), data: "SET @a old"},
	{method: "SetXX", args: args(a, "v", redis.KeepTTL), data: "SET @a old"},
	{method: "StrLen", args: args(a), data: "SET @a hello"},

	{method: "PFAdd", args: args(a, "x", "y", 3)},
	{method: "PFAdd", args: args(a, "x"), data: "PFADD @a x"},
	{method: "PFAdd", args: args(a, "x"), data: "SET @a text", fails: true},
	{method: "PFCount", args: args(a), data: "PFADD @a x y z"},
	{method: "PFCount", args: args(a, b), data: "PFADD @a x y z; PFADD @b x w"},
	{method: "PFMerge", args: args(c, a, b), data: "PFADD @a x y z; PFADD @b x w"},
}}

var ofBits = family{name: "bits", wrong: "RPUSH", examples: []example{
	{method: "BitCount", args: args(a, nil), data: "SET @a foobar"},
	{method: "BitCount", args: args(a, &redis.BitCount{Start: 1, End: 1}), data: "SET @a foobar"},
	{method: "BitCount", args: args(a, &redis.BitCount{Start: 5, End: 30, Unit: redis.BitCountIndexBit}), data: "SET @a foobar"},
	{method: "BitField", args: args(a, "GET", "u8", 0, "SET", "i5", "#1", 7, "INCRBY", "u2", 100, 1), data: "SET @a foobar"},
	{method: "BitField", args: args(a, "OVERFLOW", "SAT", "INCRBY", "u2", 0, 9), data: "SET @a foobar"},
	{method: "BitField", args: args(a, "OVERFLOW", "FAIL", "INCRBY", "u2", 0, 9, "GET", "u2", 0), data: "SET @a foobar"},
	{method: "BitField", args: args(a, "GET", "u64", 0), data: "SET @a foobar", fails: true},
	{method: "BitFieldRO", args: args(a, "u8", 0, "i4", 4), data: "SET @a foobar"},
	{method: "BitOpAnd", args: args(c, a, b), data: "SET @a foobar; SET @b abcdef"},
	{method: "BitOpNot", args: args(c, a), data: "SET @a foobar"},
	{method: "BitOpOr", args: args(c, a, b), data: "SET @a foobar; SET @b abc"},
	{method: "BitOpXor", args: args(c, a, b), data: "SET @a foobar; SET @b abc"},
	{method: "BitPos", args: args(a, 0), data: "SETRANGE @a 0 \xff\xf0\x00"},
	{method: "BitPos", args: args(a, 1, 1), data: "SETRANGE @a 2 \x10"},
	{method: "BitPos", args: args(a, 1, 1, 1), data: "SETRANGE @a 2 \x10"},
	{method: "BitPosSpan", args: args(a, 1, 17, 30, "bit"), data: "SETRANGE @a 2 \x10"},
	{method: "GetBit", args: args(a, 1), data: "SET @a foobar"},
	{method: "GetBit", args: args(a, -1), data: "SET @a foobar", fails: true},
	{method: "SetBit", args: args(a, 1, 0), data: "SET @a foobar"},
	{method: "SetBit", args: args(a, 1, 2), data: "SET @a foobar", fails: true},
}}

// allOfString asks for a reply in each form that there is.
func allOfString(cmd redis.Cmder) any {
	s := cmd.(*redis.StringCmd)
	all := args(s.String())
	add := func(v any, err error) { all = append(all, v, err) }
	add(s.Bytes())
	add(s.Bool())
	add(s.Int())
	add(s.Int64())
	add(s.Uint64())
	add(s.Float32())
	add(s.Float64())
	add(s.Time())
	var text string
	add(text, s.Scan(&text))
	return all
}

// bufferOf is the caller's buffer, as far as it was written.
func bufferOf(cmd redis.Cmder) any {
	return string(cmd.(*redis.ZeroCopyStringCmd).Bytes())
}

// mapped is what replies are scanned into.
type mapped struct {
	One   int     `redis:"f1"`
	Two   string  `redis:"f2"`
	Three float64 `redis:"f3"`
}

// scanned returns what Scan makes of a reply, and its error.
func scanned(to func() any) func(redis.Cmder) any {
	return func(cmd redis.Cmder) any {
		dst := to()
		err := cmd.(interface{ Scan(any) error }).Scan(dst)
		return args(dst, err)
	}
}
