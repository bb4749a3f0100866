package transport

import "math/bits"

// capacity is how many bytes wait in one direction of a connection before a Write
// has to wait too: 256 KiB. It is a power of two.
const capacity = 256 << 10

// smallest is the first size of a ring, a power of two.
const smallest = 4 << 10

// A ring is a queue of at most capacity bytes. It grows as it needs to; the zero
// value is an empty ring.
type ring struct {
	data  []byte // its length is a power of two, or 0
	start int    // where the oldest byte is
	n     int    // how many bytes there are
}

// put appends what fits of p, and returns how many bytes that is.
func (r *ring) put(p []byte) int {
	p = p[:min(len(p), capacity-r.n)]
	if r.n+len(p) > len(r.data) {
		r.grow(r.n + len(p))
	}
	end := r.start + r.n
	if end >= len(r.data) {
		end -= len(r.data)
	}
	copied := copy(r.data[end:], p)
	copy(r.data, p[copied:])
	r.n += len(p)
	return len(p)
}

// take moves the oldest bytes to p, and returns how many these are.
func (r *ring) take(p []byte) int {
	p = p[:min(len(p), r.n)]
	copied := copy(p, r.data[r.start:])
	copy(p[copied:], r.data)
	r.skip(len(p))
	return len(p)
}

// skip drops the oldest n bytes. An empty ring starts at the front again, where
// the memory is warm.
func (r *ring) skip(n int) {
	r.n -= n
	r.start = (r.start + n) & (len(r.data) - 1)
	if r.n == 0 {
		r.start = 0
	}
}

// grow makes room for n bytes, at most capacity.
func (r *ring) grow(n int) {
	size := max(smallest, 1<<bits.Len(uint(n-1)))
	data := make([]byte, size)
	kept := r.n
	r.take(data[:kept])
	*r = ring{data: data, n: kept}
}
