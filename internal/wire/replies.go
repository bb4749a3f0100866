package wire

// replies are the replies to one exchange, as they came. Small ones lie next to each other
// in chunks, so that they cost no allocation each.
type replies struct {
	whole   [][]byte
	partial []byte // of the next one; empty if it has not begun
	begun   bool
	inChunk bool   // partial lies in the chunk
	own     bool   // partial has memory of its own
	chunk   []byte // room for what is to come
	scratch []byte // where a small reply that is the only one lies, again and again
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

	// keptWhole is for how many replies there may be room that is used again.
	keptWhole = 4096

	// bulky is from when on what is missing is the rest of a string, and probably all.
	bulky = 1 << 20
)

// add adds a piece of the i-th of n replies. If missing is not 0 more will come, at least so
// many bytes.
func (r *replies) add(piece []byte, missing, i, n int) {
	size := len(r.partial) + len(piece) + missing
	switch {
	case size >= alone:
		r.moveOut(len(r.partial)+len(piece), missing)
	case !r.begun:
		r.begin(size, i, n)
	}
	r.begun = true
	room := cap(r.partial)
	r.partial = append(r.partial, piece...)
	if cap(r.partial) != room {
		r.inChunk = false // it did not fit
	}
	if missing > 0 {
		return
	}
	if cap(r.whole) < n || r.whole == nil {
		r.whole = append(make([][]byte, 0, max(n, 1)), r.whole...)
	}
	end := len(r.partial)
	r.whole = append(r.whole, r.partial[:end:end])
	if r.inChunk {
		r.chunk = r.chunk[end:]
	}
	r.partial, r.begun, r.inChunk, r.own = nil, false, false, false
}

// begin finds memory for a small reply of size bytes or more.
func (r *replies) begin(size, i, n int) {
	switch {
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

// moveOut finds memory of its own for a reply of which have bytes are there, and at least
// missing bytes are not.
func (r *replies) moveOut(have, missing int) {
	r.inChunk = false
	if r.own && have <= cap(r.partial) {
		return
	}
	twice := 2 * len(r.partial)
	size := min(have+missing, max(trusted, twice))
	if missing < bulky {
		size = max(size, twice)
	}
	r.partial = append(make([]byte, 0, max(size, have)), r.partial...)
	r.own = true
}

// cut drops the reply that is not complete.
func (r *replies) cut() { r.partial, r.begun, r.inChunk, r.own = nil, false, false, false }

// reset drops all replies, and keeps the memory that is used again.
func (r *replies) reset() {
	if clear(r.whole); cap(r.whole) > keptWhole {
		r.whole = nil
	}
	r.whole, r.chunk = r.whole[:0], nil
	r.cut()
}
