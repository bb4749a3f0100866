package rdb

// lzfRatio is how many times smaller LZF makes a string at best: a reference of 3
// bytes stands for up to 264.
const lzfRatio = 264 / 3

// decompress undoes LZF. The result must have the given size.
//
// The input is a sequence of literals, a byte below 32 and one byte more than it
// says, and references to what came before: the length in 3 bits (7 means more, in
// the next byte), less 2, and how far back in 5 bits and a byte, less 1.
func decompress(src []byte, size int) (dst []byte, ok bool) {
	dst = make([]byte, 0, size)
	for ok = true; ok && len(src) > 0; ok = ok && len(dst) <= size {
		if src[0] < 32 {
			dst, src, ok = literals(dst, src)
		} else {
			dst, src, ok = reference(dst, src)
		}
	}
	return dst, ok && len(dst) == size
}

// literals appends to dst those that src begins with.
func literals(dst, src []byte) (_, rest []byte, ok bool) {
	end := 1 + int(src[0]) + 1
	if end > len(src) {
		return nil, nil, false
	}
	return append(dst, src[1:end]...), src[end:], true
}

// reference appends to dst what the reference that src begins with stands for.
func reference(dst, src []byte) (_, rest []byte, ok bool) {
	n, high := int(src[0]>>5), int(src[0]&0x1f)<<8
	src = src[1:]
	if n == 7 && len(src) > 0 {
		n, src = n+int(src[0]), src[1:]
	}
	if len(src) == 0 {
		return nil, nil, false
	}
	back := high + int(src[0]) + 1
	if back > len(dst) {
		return nil, nil, false
	}
	for range n + 2 { // may run into what it appends itself
		dst = append(dst, dst[len(dst)-back])
	}
	return dst, src[1:], true
}
