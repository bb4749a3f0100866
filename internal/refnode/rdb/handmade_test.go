package rdb_test

import (
	"encoding/binary"
	"hash/crc64"
	"math"
	"strings"

	"github.com/slotmesh/slotmesh/internal/refnode/rdb"
)

// handmade are what redis-server 7.0 reads but does not write.
var handmade = []struct {
	name  string
	body  string // without version and checksum
	value rdb.Value
	newer bool // than 7.0
}{
	{name: "length of 32 bits", body: "\x00\x80\x00\x00\x00\x01a", value: str("a")},
	{name: "length of 64 bits", body: "\x00\x81\x00\x00\x00\x00\x00\x00\x00\x01a", value: str("a")},
	{name: "list", body: "\x01\x03\x01b\xc0\xff\x00", value: list("b", "-1", "")},
	{name: "zset with scores in decimal", body: "\x03\x04" + "\x01a\x031.5" + "\x01b\xff" + "\x01c\xfe" + "\x01d\x05-1e-3",
		value: zset(rdb.Member{Name: "a", Score: 1.5}, rdb.Member{Name: "b", Score: math.Inf(-1)}, rdb.Member{Name: "c", Score: math.Inf(1)}, rdb.Member{Name: "d", Score: -0.001})},
	{name: "list as ziplist", body: "\x0a" + blob(ziplist(allZiplistEntries...)), value: list(allZiplistValues...)},
	{name: "list as ziplist with a wide length", body: "\x0a" + blob(wideZiplist), value: list("a", "b")},
	{name: "hash as ziplist", body: "\x0d" + blob(ziplist("\x01f", "\xf2", "\x01g", "\x00")), value: hash("f", "1", "g", "")},
	{name: "zset as ziplist", body: "\x0c" + blob(ziplist("\x01a", "\x031.5", "\x01b", "\xfe\xfe", "\x01c", "\x03inf")),
		value: zset(rdb.Member{Name: "b", Score: -2}, rdb.Member{Name: "a", Score: 1.5}, rdb.Member{Name: "c", Score: math.Inf(1)})},
	{name: "quicklist of ziplists", body: "\x0e\x03" + blob(ziplist("\x01a", "\x01b")) + blob(ziplist()) + blob(ziplist("\xf1")), value: list("a", "b", "0")},
	{name: "quicklist of a compressed ziplist", body: "\x0e\x01" + lzfOfZiplist, value: list(strings.Repeat("x", 40))},
	{name: "quicklist with an empty listpack", body: "\x12\x02\x02" + blob(listpack()) + "\x02" + blob(listpack("\x01")), value: list("1")},
	{name: "listpack that does not say how many", body: "\x12\x01\x02" + blob(uncounted(4, listpack("\x01", "\x81a"))), value: list("1", "a")},
	{name: "ziplist that does not say how many", body: "\x0a" + blob(uncounted(8, ziplist("\x01a", "\x01b"))), value: list("a", "b")},
	{name: "listpack with a string of 32 bits", body: "\x12\x01\x02" + blob(listpack("\xf0\x02\x00\x00\x00ab")), value: list("ab")},
	{name: "hash as zipmap", body: "\x09" + blob("\x02\x01a\x02\x00bc\x01d\x01\x03e\x00\x00\x00\xff"), value: hash("a", "bc", "d", "e")},
	{name: "hash as zipmap with a wide length", body: "\x09" + blob("\x01\x01a\xfe\x00\x01\x00\x00\x00"+strings.Repeat("v", 256)+"\xff"), value: hash("a", strings.Repeat("v", 256))},
	{name: "set as listpack", body: "\x14" + blob(listpack("\x81a", "\x07", "\xdf\xff")), value: set("a", "7", "-1"), newer: true},
}

var (
	allZiplistEntries = []string{
		"\x01a", "\x00", "\x3f" + noise(63), "\x40\x40" + noise(64), "\x41\x2c" + noise(300), "\x80\x00\x00\x00\x02ab",
		"\xf1", "\xfd", "\xfe\x80", "\xfe\x0d", "\xc0\x00\x80", "\xf0\x00\x00\x80", "\xf0\xff\xff\x7f",
		"\xd0\x00\x00\x00\x80", "\xe0\x00\x00\x00\x00\x00\x00\x00\x80",
	}
	allZiplistValues = []string{
		"a", "", noise(63), noise(64), noise(300), "ab",
		"0", "12", "-128", "13", "-32768", "-8388608", "8388607",
		"-2147483648", "-9223372036854775808",
	}

	// A length of four bytes stays where one would do after the entry before shrank.
	wideZiplist = "\x15\x00\x00\x00\x0d\x00\x00\x00\x02\x00" + "\x00\x01a" + "\xfe\x03\x00\x00\x00\x01b" + "\xff"

	// 13 bytes as they are, a reference of 39 to the last, the end.
	lzfOfZiplist = "\xc3\x13\x35" + "\x0c\x35\x00\x00\x00\x0a\x00\x00\x00\x01\x00\x00\x28x" + "\xe0\x1e\x00" + "\x00\xff"
)

// payload adds the version and the checksum to a body.
func payload(version uint16, body string) []byte {
	p := binary.LittleEndian.AppendUint16([]byte(body), version)
	return binary.LittleEndian.AppendUint64(p, ^crc64.Update(^uint64(0), crc64.MakeTable(0x95ac9329ac4bc9b5), p))
}

// blob returns s as a string of a payload.
func blob(s string) string {
	return string(binary.BigEndian.AppendUint32([]byte{0x80}, uint32(len(s)))) + s
}

// ziplist puts entries, each its encoding and data, behind one another.
func ziplist(entries ...string) string {
	const header = 10
	var body []byte
	previous, tail := 0, header
	for _, entry := range entries {
		start := len(body)
		tail = header + start
		if previous < 254 {
			body = append(body, byte(previous))
		} else {
			body = binary.LittleEndian.AppendUint32(append(body, 254), uint32(previous))
		}
		body = append(body, entry...)
		previous = len(body) - start
	}
	head := binary.LittleEndian.AppendUint32(nil, uint32(header+len(body)+1))
	head = binary.LittleEndian.AppendUint32(head, uint32(tail))
	head = binary.LittleEndian.AppendUint16(head, uint16(len(entries)))
	return string(head) + string(body) + "\xff"
}

// listpack puts entries of less than 128 bytes behind one another.
func listpack(entries ...string) string {
	body := ""
	for _, entry := range entries {
		body += entry + string([]byte{byte(len(entry))})
	}
	head := binary.LittleEndian.AppendUint32(nil, uint32(6+len(body)+1))
	head = binary.LittleEndian.AppendUint16(head, uint16(len(entries)))
	return string(head) + body + "\xff"
}

// uncounted makes the number of entries at offset one that says nothing.
func uncounted(offset int, packed string) string {
	return packed[:offset] + "\xff\xff" + packed[offset+2:]
}

// intset returns one of integers that are its bytes.
func intset(width, count byte, integers string) string {
	return string([]byte{width, 0, 0, 0, count, 0, 0, 0}) + integers
}
