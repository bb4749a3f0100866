package rdb

import "strconv"

const (
	packEnd     = 0xff      // ends listpacks, ziplists and zipmaps
	manyEntries = 1<<16 - 1 // says that the entries have to be counted
)

// listpack reads a listpack: its size (32 bits) and number of entries (16 bits),
// the entries, the end.
func (r *reader) listpack(items []string) []string {
	size := len(r.rest)
	if total := r.uint(4); total != uint64(size) {
		r.fail("listpack of %d bytes says %d", size, total)
	}
	count, before := r.uint(2), len(items)
	for r.more() {
		items = append(items, r.listpackEntry())
	}
	r.entries(count, len(items)-before)
	return items
}

// more takes the end of a packed format, or says that there is another entry.
func (r *reader) more() bool {
	if len(r.rest) > 0 && r.rest[0] != packEnd {
		return true
	}
	r.byte()
	return false
}

// entries compares the number of entries with the one declared, which the format
// has 16 bits for.
func (r *reader) entries(declared uint64, got int) {
	if declared != manyEntries && declared != uint64(got) {
		r.fail("%d entries where %d were declared", got, declared)
	}
}

// listpackEntry reads a value and, behind it, how many bytes it took.
func (r *reader) listpackEntry() string {
	before := len(r.rest)
	s := r.listpackValue()
	r.backLength(before - len(r.rest))
	return s
}

func (r *reader) listpackValue() string {
	switch c := r.byte(); {
	case c < 0x80:
		return strconv.Itoa(int(c))
	case c < 0xc0:
		return r.text(uint64(c & 0x3f))
	case c < 0xe0:
		return strconv.FormatInt(signed(uint64(c&0x1f)<<8|uint64(r.byte()), 13), 10)
	case c < 0xf0:
		return r.text(uint64(c&0x0f)<<8 | uint64(r.byte()))
	case c == 0xf0:
		return r.text(r.uint(4))
	case c <= 0xf3:
		return r.decimal(int(c-0xf1) + 2)
	case c == 0xf4:
		return r.decimal(8)
	default:
		r.fail("listpack entry begins with 0x%02x", c)
		return ""
	}
}

// backLength takes n as a listpack writes it for those who read from the end: 7
// bits to the byte, a flag on all but the first.
func (r *reader) backLength(n int) {
	var got uint64
	for i, c := range r.take(backLengthSize(n)) {
		if more := c&0x80 != 0; more != (i > 0) {
			r.fail("listpack entry of %d bytes ends with 0x%02x", n, c)
		}
		got = got<<7 | uint64(c&0x7f)
	}
	if got != uint64(n) {
		r.fail("listpack entry of %d bytes says %d", n, got)
	}
}

// backLengthSize has the server's bounds: those from 2 bytes on are one too low.
func backLengthSize(n int) uint64 {
	switch {
	case n < 1<<7:
		return 1
	case n < 1<<14-1:
		return 2
	case n < 1<<21-1:
		return 3
	case n < 1<<28-1:
		return 4
	default:
		return 5
	}
}
