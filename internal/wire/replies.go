package wire

// replies are the replies to one exchange, as they came. Small ones lie next to each other
// in chunks, so that they cost no allocation each.
type replies struct {
	whole   [][]byte
	partial []byte // of the next one; empty if it has not begun
	begun   bool
	inChunk bool   // partial lies in the chunk
	chunk   []byte // room for what is to come
	scratch []byte // where a small reply that is the only one lies, again and again
	one     [1][]byte
}

const (
	// maxChunk is the size of the largest chunk: what one small reply that is kept keeps
	// from being collected.
	maxChunk = 64 << 10

	// alone is the size from which a reply has memory of its own.
	alone = 1 << 10

	// trusted is how much memory is taken at once because a node says that a reply will
	// need it.
	trusted = 64 << 20
)

// add adds a piece of the i-th of n replies. If missing is not 0 more will come, at least so
// many bytes.
func (r *replies) add(piece []byte, missing, i, n int) {
	if !r.begun {
		r.begin(len(piece)+missing, i, n)
	}
	r.reserve(len(piece) + missing)
	r.partial = append(r.partial, piece...)
	if missing > 0 {
		return
	}
	if r.whole == nil {
		if r.whole = r.one[:0]; n > 1 {
			r.whole = make([][]byte, 0, n)
		}
	}
	end := len(r.partial)
	r.whole = append(r.whole, r.partial[:end:end])
	if r.inChunk {
		r.chunk = r.chunk[end:]
	}
	r.partial, r.begun = nil, false
}

// begin finds memory for a reply of size bytes or more.
func (r *replies) begin(size, i, n int) {
	r.begun, r.inChunk = true, false
	switch {
	case size >= alone:
		r.partial = nil
		return
	case n <= 1:
		if r.scratch == nil {
			r.scratch = make([]byte, alone)
		}
		r.partial = r.scratch[:0]
		return
	case size > len(r.chunk):
		r.chunk = make([]byte, min(size*(n-i), maxChunk))
	}
	r.partial, r.inChunk = r.chunk[:0], true
}

// reserve makes room for n bytes more.
func (r *replies) reserve(n int) {
	need := len(r.partial) + n
	if need <= cap(r.partial) {
		return
	}
	if need > trusted {
		need = max(trusted, min(need, 2*len(r.partial)))
	}
	r.inChunk = false
	r.partial = append(make([]byte, 0, max(need, 2*len(r.partial))), r.partial...)
}

// cut drops the reply that is not complete.
func (r *replies) cut() { r.partial, r.begun = nil, false }

// reset drops all replies, and keeps the memory that is used again.
func (r *replies) reset() {
	r.whole, r.one[0], r.partial, r.chunk, r.begun = nil, nil, nil, nil, false
}
