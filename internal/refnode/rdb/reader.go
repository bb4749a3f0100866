package rdb

import (
	"encoding/binary"
	"fmt"
	"strconv"
)

// maxString is the longest string a server stores, in bytes.
const maxString = 512 << 20

// A reader takes values from the front of its bytes. After the first error all it
// returns are zero values.
type reader struct {
	rest []byte
	err  error
}

// fail records what is wrong, unless something was before.
func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
	}
	r.rest = nil
}

// end fails if there is more to read.
func (r *reader) end() {
	if len(r.rest) > 0 {
		r.fail("%d bytes too many", len(r.rest))
	}
}

// within reads all of b with read, which appends to items.
func (r *reader) within(b []byte, items []string, read func(*reader, []string) []string) []string {
	if r.err != nil {
		return nil
	}
	inner := reader{rest: b}
	items = read(&inner, items)
	inner.end()
	if inner.err != nil {
		r.rest, r.err = nil, inner.err
		return nil
	}
	return items
}

// take returns the next n bytes, where they are.
func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.fail("%d bytes where %d were to follow", len(r.rest), n)
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) byte() byte {
	b := r.take(1)
	if b == nil {
		return 0
	}
	return b[0]
}

// uint reads an integer of up to 8 bytes, the lowest first.
func (r *reader) uint(width int) (n uint64) {
	for i, c := range r.take(uint64(width)) {
		n |= uint64(c) << (8 * i)
	}
	return n
}

// int is uint in two's complement.
func (r *reader) int(width int) int64 {
	return signed(r.uint(width), 8*width)
}

// signed extends the sign of n, an integer of some bits.
func signed(n uint64, bits int) int64 {
	return int64(n<<(64-bits)) >> (64 - bits)
}

// decimal reads what [reader.int] does, as the string that was stored.
func (r *reader) decimal(width int) string {
	return strconv.FormatInt(r.int(width), 10)
}

// text reads a string of n bytes.
func (r *reader) text(n uint64) string { return string(r.take(n)) }

// length reads a length of 6, 14, 32 or 64 bits.
func (r *reader) length() uint64 {
	c := r.byte()
	if c >= formPrefix {
		r.fail("length begins with 0x%02x", c)
	}
	return r.lengthFrom(c)
}

// lengthFrom reads the length that begins with c.
func (r *reader) lengthFrom(c byte) uint64 {
	switch {
	case c < length14:
		return uint64(c)
	case c < length32:
		return uint64(c&0x3f)<<8 | uint64(r.byte())
	case c == length32:
		return r.bigEndian(4)
	case c == length64:
		return r.bigEndian(8)
	default:
		r.fail("length begins with 0x%02x", c)
		return 0
	}
}

func (r *reader) bigEndian(width int) uint64 {
	var b [8]byte
	copy(b[8-width:], r.take(uint64(width)))
	return binary.BigEndian.Uint64(b[:])
}

// count reads how many elements follow, which take at least size bytes each: no
// count gets through that the payload is too short for.
func (r *reader) count(size int) int {
	n := r.length()
	if n > uint64(len(r.rest)/size) {
		r.fail("%d elements in %d bytes", n, len(r.rest))
		return 0
	}
	return int(n)
}

// str reads a string in any of its forms.
func (r *reader) str() string { return string(r.bytes()) }

// bytes is str without a copy where that is possible.
func (r *reader) bytes() []byte {
	switch c := r.byte(); c {
	case formInt8:
		return strconv.AppendInt(nil, r.int(1), 10)
	case formInt16:
		return strconv.AppendInt(nil, r.int(2), 10)
	case formInt32:
		return strconv.AppendInt(nil, r.int(4), 10)
	case formLZF:
		return r.compressed()
	default:
		return r.take(r.lengthFrom(c))
	}
}

func (r *reader) compressed() []byte {
	packed, size := r.length(), r.length()
	src := r.take(packed)
	if size > maxString || size > uint64(len(src))*lzfRatio {
		r.fail("%d bytes compressed to %d", size, len(src))
		return nil
	}
	b, ok := decompress(src, int(size))
	if !ok {
		r.fail("compressed string is damaged")
	}
	return b
}
