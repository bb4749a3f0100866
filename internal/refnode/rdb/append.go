package rdb

import (
	"encoding/binary"
	"fmt"
	"hash/crc64"
	"math"

	"github.com/slotmesh/slotmesh/internal/refnode/decimal"
)

// How a length begins. The two upper bits of its first byte tell 6 bits, 14 bits,
// wider ones, and the forms of a string that are not a length.
const (
	length14   = 0x40
	length32   = 0x80
	length64   = 0x81
	formInt8   = 0xc0
	formInt16  = 0xc1
	formInt32  = 0xc2
	formLZF    = 0xc3
	formPrefix = 0xc0
)

// footerSize is that of the version and the checksum.
const footerSize = 2 + 8

// The server's CRC64 is that of Jones, without the inversions that hash/crc64 does
// before and after.
var jones = crc64.MakeTable(0x95ac9329ac4bc9b5)

func checksum(p []byte) uint64 { return ^crc64.Update(^uint64(0), jones, p) }

// AppendPayload appends to dst the payload that DUMP replies for v. v must be what
// a key can hold: an aggregate has an element, each member and field is there once,
// no score is NaN; a server refuses other payloads. AppendPayload panics if v is
// of no kind or a field has no value.
func AppendPayload(dst []byte, v Value) []byte {
	start := len(dst)
	switch v.Kind {
	case String:
		dst = appendString(append(dst, typeString), v.Str)
	case List:
		dst = appendStrings(append(dst, typeList), len(v.Items), v.Items)
	case Set:
		dst = appendStrings(append(dst, typeSet), len(v.Items), v.Items)
	case Hash:
		if len(v.Items)%2 != 0 {
			panic("rdb: the last field of a hash has no value")
		}
		dst = appendStrings(append(dst, typeHash), len(v.Items)/2, v.Items)
	case ZSet:
		dst = appendMembers(append(dst, typeZSet), v.Members)
	default:
		panic(fmt.Sprintf("rdb: value of no kind: %v", v.Kind))
	}
	dst = binary.LittleEndian.AppendUint16(dst, version)
	return binary.LittleEndian.AppendUint64(dst, checksum(dst[start:]))
}

func appendStrings(dst []byte, count int, items []string) []byte {
	dst = appendLength(dst, count)
	for _, s := range items {
		dst = appendString(dst, s)
	}
	return dst
}

func appendMembers(dst []byte, members []Member) []byte {
	dst = appendLength(dst, len(members))
	for _, m := range members {
		dst = appendString(dst, m.Name)
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(m.Score))
	}
	return dst
}

func appendLength(dst []byte, n int) []byte {
	switch {
	case n < 1<<6:
		return append(dst, byte(n))
	case n < 1<<14:
		return append(dst, length14|byte(n>>8), byte(n))
	case uint64(n) <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, length32), uint32(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, length64), uint64(n))
	}
}

// appendString writes s as the server does, but never compresses it.
func appendString(dst []byte, s string) []byte {
	n, ok := smallInt(s)
	switch {
	case !ok:
		return append(appendLength(dst, len(s)), s...)
	case n == int64(int8(n)):
		return append(dst, formInt8, byte(n))
	case n == int64(int16(n)):
		return binary.LittleEndian.AppendUint16(append(dst, formInt16), uint16(n))
	default:
		return binary.LittleEndian.AppendUint32(append(dst, formInt32), uint32(n))
	}
}

// smallInt returns the integer of 32 bits that s is the only spelling of.
func smallInt(s string) (n int64, ok bool) {
	if len(s) > len("-2147483648") {
		return 0, false
	}
	n, ok = decimal.Parse(s)
	return n, ok && n == int64(int32(n))
}
