package rdb

import "strconv"

// intset reads integers in ascending order: their width in bytes and their number
// (32 bits each), then they.
func (r *reader) intset(items []string) []string {
	width, count := r.uint(4), r.uint(4)
	if width != 2 && width != 4 && width != 8 {
		r.fail("intset with integers of %d bytes", width)
	}
	if count*width != uint64(len(r.rest)) {
		r.fail("intset of %d integers in %d bytes", count, len(r.rest))
	}
	last := int64(0)
	for len(r.rest) > 0 {
		n := r.int(int(width))
		if len(items) > 0 && n <= last {
			r.fail("intset with %d behind %d", n, last)
		}
		items, last = append(items, strconv.FormatInt(n, 10)), n
	}
	return items
}
