package rdb_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/rdb"
)

// bad are bodies that RESTORE refuses.
var bad = []struct {
	name     string
	body     string
	accepted bool // by redis-server 7.0.15 nevertheless
}{
	{name: "nothing", body: ""},
	{name: "unknown type", body: "\x08\x01a"},
	{name: "unknown type, high", body: "\xff\x01a"},
	{name: "unknown form of a string", body: "\x00\xc4\x01a"},
	{name: "unknown form of a length", body: "\x00\x82\x01a"},
	{name: "form of a string instead of a count", body: "\x01\xc1\x01a", accepted: true},
	{name: "bytes behind", body: "\x00\x01ab", accepted: true},

	{name: "empty list", body: "\x01\x00"},
	{name: "empty set", body: "\x02\x00"},
	{name: "empty zset", body: "\x05\x00"},
	{name: "empty zset in decimal", body: "\x03\x00"},
	{name: "empty hash", body: "\x04\x00"},
	{name: "empty quicklist", body: "\x12\x00"},
	{name: "quicklist of an empty listpack", body: "\x12\x01\x02" + blob(listpack())},
	{name: "quicklist of an empty element", body: "\x12\x01\x01\x00"},
	{name: "quicklist of an empty ziplist", body: "\x0e\x01" + blob(ziplist())},
	{name: "empty list as ziplist", body: "\x0a" + blob(ziplist())},
	{name: "empty hash as ziplist", body: "\x0d" + blob(ziplist())},
	{name: "empty hash as listpack", body: "\x10" + blob(listpack())},
	{name: "empty zset as listpack", body: "\x11" + blob(listpack())},
	{name: "empty intset", body: "\x0b" + blob(intset(2, 0, ""))},
	{name: "empty hash as zipmap", body: "\x09" + blob("\x00\xff")},

	{name: "duplicate in a set", body: "\x02\x02\x01a\x01a"},
	{name: "duplicate in a set of integers", body: "\x02\x02\xc0\x01\x011"},
	{name: "duplicate in a hash", body: "\x04\x02\x01a\x01b\x01a\x01c"},
	{name: "duplicate in a zset", body: "\x05\x02\x01a" + one + "\x01a" + one},
	{name: "duplicate in a zset in decimal", body: "\x03\x02\x01a\x011\x01a\x012"},
	{name: "duplicate in a hash as listpack", body: "\x10" + blob(listpack("\x81a", "\x01", "\x81a", "\x02"))},
	{name: "duplicate in a zset as listpack", body: "\x11" + blob(listpack("\x81a", "\x01", "\x81a", "\x02"))},
	{name: "duplicate in a hash as ziplist", body: "\x0d" + blob(ziplist("\x01a", "\xf2", "\x01a", "\xf3"))},
	{name: "duplicate in a hash as zipmap", body: "\x09" + blob("\x02\x01a\x01\x00b\x01a\x01\x00c\xff")},
	{name: "duplicate in an intset", body: "\x0b" + blob(intset(2, 2, "\x01\x00\x01\x00"))},

	{name: "score NaN", body: "\x05\x01\x01a\x00\x00\x00\x00\x00\x00\xf8\x7f"},
	{name: "score NaN in decimal", body: "\x03\x01\x01a\xfd"},
	{name: "score NaN as text", body: "\x03\x01\x01a\x03nan"},
	{name: "score NaN in a listpack", body: "\x11" + blob(listpack("\x81a", "\x83nan")), accepted: true},
	{name: "score that is no number", body: "\x03\x01\x01a\x01x"},
	{name: "score that is no number in a listpack", body: "\x11" + blob(listpack("\x81a", "\x81x")), accepted: true},
	{name: "field without a value", body: "\x10" + blob(listpack("\x81a", "\x01", "\x81b"))},
	{name: "field without a value, twice", body: "\x10" + blob(listpack("\x81a", "\x01", "\x81a"))},
	{name: "member without a score", body: "\x11" + blob(listpack("\x81a"))},

	{name: "node of unknown kind", body: "\x12\x01\x03" + blob(listpack("\x01"))},
	{name: "node without bytes", body: "\x12\x01\x02\x00"},

	{name: "compressed too little", body: "\x00\xc3\x02\x02\x00a"},
	{name: "compressed too much", body: "\x00\xc3\x03\x01\x01ab"},
	{name: "compressed reference too long", body: "\x00\xc3\x05\x03\x00a\x20\x00\x00"},
	{name: "compressed literals cut short", body: "\x00\xc3\x02\x02\x01a"},
	{name: "compressed reference cut short", body: "\x00\xc3\x03\x04\x00a\x20"},
	{name: "compressed long reference cut short", body: "\x00\xc3\x04\x0a\x00a\xe0\x00"},
	{name: "compressed reference before the start", body: "\x00\xc3\x04\x04\x00a\x20\x01"},

	{name: "listpack without a header", body: "\x10" + blob("\x03\x00\x00")},
	{name: "listpack of another size", body: "\x10" + blob("\x0c\x00\x00\x00\x02\x00\x81a\x02\x01\x01\xff\x00")},
	{name: "listpack of more entries", body: "\x10" + blob("\x0c\x00\x00\x00\x01\x00\x81a\x02\x01\x01\xff")},
	{name: "listpack without an end", body: "\x10" + blob("\x0b\x00\x00\x00\x02\x00\x81a\x02\x01\x01")},
	{name: "listpack with bytes behind", body: "\x10" + blob("\x0d\x00\x00\x00\x02\x00\x81a\x02\x01\x01\xff\xff")},
	{name: "listpack entry unknown", body: "\x10" + blob(listpack("\xf5", "\x01"))},
	{name: "listpack entry too long", body: "\x10" + blob(listpack("\x82a", "\x01"))},
	{name: "listpack entry that ends wrong", body: "\x10" + blob("\x0c\x00\x00\x00\x02\x00\x81a\x03\x01\x01\xff")},
	{name: "listpack entry that ends with a flag", body: "\x10" + blob("\x0c\x00\x00\x00\x02\x00\x81a\x82\x01\x01\xff")},
	{name: "listpack entry that ends without a flag", body: "\x12\x01\x02" + blob("\x8b\x00\x00\x00\x01\x00\xe0\x80"+noise(128)+"\x01\x02\xff")},

	{name: "ziplist without a header", body: "\x0a" + blob("\x0b\x00\x00\x00")},
	{name: "ziplist of another size", body: "\x0a" + blob("\x0f\x00\x00\x00\x0a\x00\x00\x00\x01\x00\x00\x01a\xff")},
	{name: "ziplist with another tail", body: "\x0a" + blob("\x0e\x00\x00\x00\x0b\x00\x00\x00\x01\x00\x00\x01a\xff")},
	{name: "ziplist of more entries", body: "\x0a" + blob("\x0e\x00\x00\x00\x0a\x00\x00\x00\x02\x00\x00\x01a\xff")},
	{name: "ziplist entry unknown", body: "\x0a" + blob(ziplist("\xc1\x00\x00"))},
	{name: "ziplist entry unknown, high", body: "\x0a" + blob(ziplist("\xff"))},
	{name: "ziplist entry behind another", body: "\x0a" + blob("\x0e\x00\x00\x00\x0a\x00\x00\x00\x01\x00\x03\x01a\xff")},
	{name: "ziplist that ends in an entry", body: "\x0a" + blob(ziplist("\xfe"))},

	{name: "intset of another width", body: "\x0b" + blob(intset(3, 1, "\x01\x00\x00"))},
	{name: "intset of another length", body: "\x0b" + blob(intset(2, 2, "\x01\x00"))},
	{name: "intset out of order", body: "\x0b" + blob(intset(2, 2, "\x02\x00\x01\x00"))},

	{name: "zipmap without an end", body: "\x09" + blob("\x01\x01a\x01\x00b")},
	{name: "zipmap of more fields", body: "\x09" + blob("\x02\x01a\x01\x00b\xff")},
	{name: "zipmap value of no length", body: "\x09" + blob("\x01\x01a\xff\x00"+strings.Repeat("v", 255)+"\xff")},
}

const one = "\x00\x00\x00\x00\x00\x00\xf0\x3f" // as a double

// damaged are payloads whose version or checksum is wrong.
var damaged = map[string][]byte{
	"nothing":               {},
	"version alone":         payload(10, "")[:9],
	"later version":         payload(11, "\x00\x01a"),
	"much later version":    payload(0x010a, "\x00\x01a"),
	"another byte":          append([]byte("\x00\x01b"), payload(10, "\x00\x01a")[3:]...),
	"another checksum":      append(payload(10, "\x00\x01a")[:12], 0),
	"version not as signed": append([]byte("\x00\x01a\x09"), payload(10, "\x00\x01a")[4:]...),
	"checksum zero":         append(payload(10, "\x00\x01a")[:5], make([]byte, 8)...),
}

func TestParseBad(t *testing.T) {
	require.Equal(t, "Bad data format", rdb.ErrFormat.Error())
	for _, b := range bad {
		t.Run(b.name, func(t *testing.T) {
			v, err := rdb.ParsePayload(payload(10, b.body))
			require.ErrorIs(t, err, rdb.ErrFormat)
			require.Regexp(t, "^Bad data format: ", err)
			require.Zero(t, v)
		})
	}
}

func TestParseDamaged(t *testing.T) {
	require.Equal(t, "DUMP payload version or checksum are wrong", rdb.ErrChecksum.Error())
	for name, p := range damaged {
		_, err := rdb.ParsePayload(p)
		require.Equal(t, rdb.ErrChecksum, err, name)
	}
}
