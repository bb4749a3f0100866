package resp

import (
	"math"
	"strconv"
	"strings"
)

// A Protocol is the version in which a server replies, as HELLO chose it.
// Everything but [RESP3] is RESP2, the zero value too. Its methods append replies
// that differ between the two; what RESP2 has no type for looks as redis-server 7.0
// shows it there.
type Protocol int

const (
	RESP2 Protocol = 2
	RESP3 Protocol = 3
)

// AppendSimple appends a simple string to dst. A line end in text becomes spaces.
func AppendSimple(dst []byte, text string) []byte { return appendLine(dst, Simple, text) }

// AppendError appends an error to dst. text begins with its code, such as ERR;
// line ends around it are dropped, and those inside become spaces.
func AppendError(dst []byte, text string) []byte {
	return appendLine(dst, Error, strings.Trim(text, "\r\n"))
}

// AppendInt appends an integer to dst.
func AppendInt(dst []byte, n int64) []byte {
	dst = append(dst, byte(Int))
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, "\r\n"...)
}

func appendLine(dst []byte, kind Kind, text string) []byte {
	dst = append(dst, byte(kind))
	start := len(dst)
	dst = append(dst, text...)
	for i := start; i < len(dst); i++ {
		if dst[i] == '\r' || dst[i] == '\n' {
			dst[i] = ' '
		}
	}
	return append(dst, "\r\n"...)
}

// AppendNull appends a null to dst; in RESP2, the null bulk.
func (p Protocol) AppendNull(dst []byte) []byte {
	if p == RESP3 {
		return append(dst, "_\r\n"...)
	}
	return append(dst, "$-1\r\n"...)
}

// AppendNullArray appends to dst a null where a command answers an array
// otherwise; in RESP2, the null array.
func (p Protocol) AppendNullArray(dst []byte) []byte {
	if p == RESP3 {
		return append(dst, "_\r\n"...)
	}
	return append(dst, "*-1\r\n"...)
}

// AppendMap appends the header of a map to dst; n keys, each with its value behind
// it, are to follow. In RESP2 it is an array of 2n elements.
func (p Protocol) AppendMap(dst []byte, n int) []byte {
	if p == RESP3 {
		return appendHeader(dst, Map, n)
	}
	return AppendArray(dst, 2*n)
}

// AppendSet appends the header of a set to dst; n elements are to follow. In RESP2
// it is an array.
func (p Protocol) AppendSet(dst []byte, n int) []byte { return p.appendArrayOr(dst, Set, n) }

// AppendPush appends the header of a push to dst; n elements are to follow. In
// RESP2 it is an array.
func (p Protocol) AppendPush(dst []byte, n int) []byte { return p.appendArrayOr(dst, Push, n) }

func (p Protocol) appendArrayOr(dst []byte, kind Kind, n int) []byte {
	if p != RESP3 {
		kind = Array
	}
	return appendHeader(dst, kind, n)
}

// AppendBool appends a bool to dst; in RESP2, the integer 1 or 0.
func (p Protocol) AppendBool(dst []byte, b bool) []byte {
	kind, text := Bool, byte('f')
	switch {
	case p == RESP3 && b:
		text = 't'
	case p != RESP3:
		kind, text = Int, '0'
		if b {
			text = '1'
		}
	}
	return append(dst, byte(kind), text, '\r', '\n')
}

// AppendDouble appends a double to dst, with up to 17 digits: "1.1000000000000001".
// In RESP2 it is a bulk.
func (p Protocol) AppendDouble(dst []byte, f float64) []byte {
	start := len(dst)
	if p == RESP3 {
		dst = append(dst, byte(Double))
	}
	switch {
	case math.IsInf(f, 1):
		dst = append(dst, "inf"...)
	case math.IsInf(f, -1):
		dst = append(dst, "-inf"...)
	case math.IsNaN(f):
		dst = append(dst, "nan"...)
	default:
		dst = strconv.AppendFloat(dst, f, 'g', 17, 64)
	}
	if p == RESP3 {
		return append(dst, "\r\n"...)
	}
	return bulkFrom(dst, start)
}

// AppendVerbatim appends text to dst, with its format: "txt" or "mkd". In RESP2 it
// is a bulk without the format.
func (p Protocol) AppendVerbatim(dst []byte, format [3]byte, text string) []byte {
	if p != RESP3 {
		return AppendBulk(dst, text)
	}
	dst = appendHeader(dst, Verbatim, len(format)+1+len(text))
	dst = append(dst, format[:]...)
	dst = append(dst, ':')
	dst = append(dst, text...)
	return append(dst, "\r\n"...)
}

// AppendBigNumber appends an integer of any size to dst, its decimal digits. In
// RESP2 it is a bulk.
func (p Protocol) AppendBigNumber(dst []byte, digits string) []byte {
	if p != RESP3 {
		return AppendBulk(dst, digits)
	}
	return appendLine(dst, BigNumber, digits)
}
