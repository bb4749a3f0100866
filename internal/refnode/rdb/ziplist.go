package rdb

import "strconv"

// ziplist reads a ziplist: its size and the offset of its last entry (32 bits each),
// the number of entries (16 bits), the entries, the end.
func (r *reader) ziplist(items []string) []string {
	size := len(r.rest)
	if total := r.uint(4); total != uint64(size) {
		r.fail("ziplist of %d bytes says %d", size, total)
	}
	tail, count, before := r.uint(4), r.uint(2), len(items)
	last, previous := size-len(r.rest), 0
	for r.more() {
		last = size - len(r.rest)
		items = append(items, r.ziplistEntry(uint64(previous)))
		previous = size - len(r.rest) - last
	}
	if tail != uint64(last) {
		r.fail("ziplist with its last entry at %d says %d", last, tail)
	}
	r.entries(count, len(items)-before)
	return items
}

// ziplistEntry reads a value and, before it, the size of the entry before.
func (r *reader) ziplistEntry(previous uint64) string {
	if n := r.packLength(); n != previous {
		r.fail("ziplist entry behind one of %d bytes says %d", previous, n)
	}
	return r.ziplistValue()
}

// packLength reads a length of one byte, or of four behind a mark.
func (r *reader) packLength() uint64 {
	const wide = 0xfe
	switch c := r.byte(); c {
	case wide:
		return r.uint(4)
	case packEnd:
		r.fail("end instead of a length")
		return 0
	default:
		return uint64(c)
	}
}

func (r *reader) ziplistValue() string {
	switch c := r.byte(); {
	case c < 0x40:
		return r.text(uint64(c))
	case c < 0x80:
		return r.text(uint64(c&0x3f)<<8 | uint64(r.byte()))
	case c < 0xc0:
		return r.text(r.bigEndian(4))
	case c == 0xc0:
		return r.decimal(2)
	case c == 0xd0:
		return r.decimal(4)
	case c == 0xe0:
		return r.decimal(8)
	case c == 0xf0:
		return r.decimal(3)
	case c == 0xfe:
		return r.decimal(1)
	case 0xf1 <= c && c <= 0xfd:
		return strconv.Itoa(int(c) - 0xf1)
	default:
		r.fail("ziplist entry begins with 0x%02x", c)
		return ""
	}
}
