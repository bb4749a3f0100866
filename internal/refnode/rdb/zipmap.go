package rdb

// zipmap reads a zipmap, which servers before 2.6 wrote: the number of fields (one
// byte), fields and values with their lengths, the end. A value has another byte
// in front, which says how many unused ones follow it.
func (r *reader) zipmap(items []string) []string {
	const manyFields = 0xfe
	count, before := r.byte(), len(items)
	for r.more() {
		field := r.text(r.packLength())
		length, unused := r.packLength(), r.byte()
		items = append(items, field, r.text(length))
		r.take(uint64(unused))
	}
	if n := (len(items) - before) / 2; count < manyFields && n != int(count) {
		r.fail("%d fields where %d were declared", n, count)
	}
	return items
}
