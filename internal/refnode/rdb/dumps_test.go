package rdb_test

import (
	"math"
	"strconv"
	"strings"

	"github.com/slotmesh/slotmesh/internal/refnode/rdb"
)

// A dump is a value that makes redis-server choose an encoding.
type dump struct {
	name   string
	config string // commands in front, one in a line
	value  rdb.Value
	starts string // how the payload begins
	large  bool   // too large for testdata
}

// defaults undoes every config.
const defaults = `
	CONFIG SET rdbcompression yes
	CONFIG SET list-max-listpack-size -2
	CONFIG SET zset-max-listpack-entries 128
	CONFIG SET hash-max-listpack-entries 128
	CONFIG SET set-max-intset-entries 512
	DEBUG QUICKLIST-PACKED-THRESHOLD 1073741824b`

var dumps = []dump{
	{name: "string-empty", value: str(""), starts: "\x00\x00"},
	{name: "string-short", value: str("a\x00\xff\r\n"), starts: "\x00\x05a"},
	{name: "string-63", value: str(noise(63)), starts: "\x00\x3f"},
	{name: "string-64", value: str(noise(64)), starts: "\x00\x40\x40"},
	{name: "string-16383", value: str(noise(16383)), starts: "\x00\x7f\xff", large: true},
	{name: "string-16384", value: str(noise(16384)), starts: "\x00\x80\x00\x00\x40\x00", large: true},
	{name: "string-zero", value: str("0"), starts: "\x00\xc0\x00"},
	{name: "string-int8", value: str("127"), starts: "\x00\xc0\x7f"},
	{name: "string-int8-negative", value: str("-128"), starts: "\x00\xc0\x80"},
	{name: "string-int16", value: str("128"), starts: "\x00\xc1\x80\x00"},
	{name: "string-int16-highest", value: str("32767"), starts: "\x00\xc1\xff\x7f"},
	{name: "string-int16-negative", value: str("-129"), starts: "\x00\xc1\x7f\xff"},
	{name: "string-int32", value: str("32768"), starts: "\x00\xc2\x00\x80\x00\x00"},
	{name: "string-int32-highest", value: str("2147483647"), starts: "\x00\xc2\xff\xff\xff\x7f"},
	{name: "string-int32-lowest", value: str("-2147483648"), starts: "\x00\xc2\x00\x00\x00\x80"},
	{name: "string-int64", value: str("2147483648"), starts: "\x00\x0a2147483648"},
	{name: "string-int64-negative", value: str("-2147483649"), starts: "\x00\x0b-2147483649"},
	{name: "string-zeros-in-front", value: str("007"), starts: "\x00\x03007"},
	{name: "string-plus", value: str("+7"), starts: "\x00\x02+7"},
	{name: "string-minus-zero", value: str("-0"), starts: "\x00\x02-0"},
	{name: "string-float", value: str("1.0"), starts: "\x00\x031.0"},
	{name: "string-lzf", value: str(strings.Repeat("abc", 1000) + noise(40)), starts: "\x00\xc3"},
	{name: "string-lzf-far", value: str(noise(400) + noise(400) + noise(30)), starts: "\x00\xc3"},
	{name: "string-lzf-large", value: str(text(1 << 20)), starts: "\x00\xc3", large: true},

	{name: "list-short", value: list("a", "", "b", "a"), starts: "\x12\x01\x02"},
	{name: "list-ints", value: list(ints...), starts: "\x12\x01\x02"},
	{name: "list-string-sizes", value: list(sizes(0, 1, 62, 63, 64, 65, 123, 124, 125, 126, 127, 128, 4094)...), starts: "\x12\x01\x02\xc3"},
	{name: "list-string-4095", value: list(sizes(4095, 4096)...), starts: "\x12\x02\x02\xc3"},
	{name: "list-back-length-2", value: list(sizes(16376, 16377)...), starts: "\x12\x02\x02\xc3"},
	{name: "list-back-length-3", value: list(sizes(16378, 16379, 16380)...), starts: "\x12\x03\x02\xc3"},
	{name: "list-back-length-4", value: list(sizes(1<<21-7, 1<<21-6, 1<<21-5)...), starts: "\x12\x03\x02\xc3", large: true},
	{name: "list-nodes", config: "CONFIG SET list-max-listpack-size 2", value: list("1", "2", "3", "4", "5"), starts: "\x12\x03\x02"},
	{name: "list-plain", config: "DEBUG QUICKLIST-PACKED-THRESHOLD 100b", value: list("a", noise(100), strings.Repeat("b", 200), "c"), starts: "\x12\x04\x02"},
	{name: "list-plain-first", config: "DEBUG QUICKLIST-PACKED-THRESHOLD 100b", value: list(noise(100)), starts: "\x12\x01\x01"},
	{name: "list-long", value: list(count(70000)...), starts: "\x12", large: true},
	{name: "list-long-node", config: "CONFIG SET list-max-listpack-size 32767", value: list(count(40000)...), starts: "\x12", large: true},
	{name: "list-uncompressed", config: "CONFIG SET rdbcompression no", value: list(sizes(300, 5000)...), starts: "\x12\x01\x02\x54", large: true},

	{name: "set-int16", value: set("1", "-32768", "32767", "0"), starts: "\x0b\x10\x02"},
	{name: "set-int32", value: set("1", "-32769", "2147483647"), starts: "\x0b\x14\x04"},
	{name: "set-int64", value: set("1", "-9223372036854775808", "9223372036854775807"), starts: "\x0b\xc3"},
	{name: "set-strings", value: set("a", "", "1", "-129", noise(70)), starts: "\x02\x05"},
	{name: "set-many-ints", config: "CONFIG SET set-max-intset-entries 3", value: set("1", "-200", "70000", "9223372036854775807"), starts: "\x02\x04"},
	{name: "set-large", value: set(count(70000)...), starts: "\x02\x80\x00\x01\x11\x70", large: true},

	{name: "hash-listpack", value: hash("a", "1", "", "", "b", "1", "4096", "x"), starts: "\x10"},
	{name: "hash-table", config: "CONFIG SET hash-max-listpack-entries 0", value: hash("a", "1", "", "", "b", "1", "4096", "x"), starts: "\x04\x04"},
	{name: "hash-large", value: hash(count(20000)...), starts: "\x04\x67\x10", large: true},

	{name: "zset-listpack", value: zset(scores...), starts: "\x11"},
	{name: "zset-skiplist", config: "CONFIG SET zset-max-listpack-entries 0", value: zset(scores...), starts: "\x05"},
	{name: "zset-large", value: zset(many(3000)...), starts: "\x05\x4b\xb8", large: true},
}

var ints = []string{
	"0", "1", "127", "128", "-1", "4095", "-4096", "4096", "-4097", "32767", "-32768", "32768", "-32769",
	"8388607", "-8388608", "8388608", "-8388609", "2147483647", "-2147483648", "2147483648", "-2147483649",
	"9223372036854775807", "-9223372036854775808", "9223372036854775808",
}

var scores = []rdb.Member{
	{Name: "inf", Score: math.Inf(1)}, {Name: "-inf", Score: math.Inf(-1)}, {Name: "", Score: 0}, {Name: "17", Score: 1},
	{Name: "tenth", Score: 0.1}, {Name: "third", Score: -1. / 3}, {Name: "large", Score: 1e100}, {Name: "max", Score: math.MaxFloat64},
	{Name: "tiny", Score: math.SmallestNonzeroFloat64}, {Name: "int", Score: -70000}, {Name: "exact", Score: 1 << 53}, {Name: "int64", Score: 1 << 60},
}

func str(s string) rdb.Value               { return rdb.Value{Kind: rdb.String, Str: s} }
func list(items ...string) rdb.Value       { return rdb.Value{Kind: rdb.List, Items: items} }
func set(items ...string) rdb.Value        { return rdb.Value{Kind: rdb.Set, Items: items} }
func hash(items ...string) rdb.Value       { return rdb.Value{Kind: rdb.Hash, Items: items} }
func zset(members ...rdb.Member) rdb.Value { return rdb.Value{Kind: rdb.ZSet, Members: members} }

// noise returns n bytes that do not compress, the same ones each time.
func noise(n int) string {
	b, x := make([]byte, n), uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return string(b)
}

// text returns n bytes that compress somewhat.
func text(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		b.WriteString(strconv.Itoa(i*i) + " and ")
	}
	return b.String()[:n]
}

func sizes(sizes ...int) []string {
	items := make([]string, len(sizes))
	for i, n := range sizes {
		items[i] = strings.Repeat("x", n)
	}
	return items
}

// count returns n different strings, of which each other one is an integer.
func count(n int) []string {
	items := make([]string, n)
	for i := range items {
		items[i] = strconv.Itoa(i * i)
		if i%2 == 1 {
			items[i] = "item " + items[i]
		}
	}
	return items
}

func many(n int) []rdb.Member {
	members := make([]rdb.Member, n)
	for i := range members {
		members[i] = rdb.Member{Name: "member " + strconv.Itoa(i), Score: float64(i) / 7}
	}
	return members
}
