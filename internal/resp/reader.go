package resp

import (
	"bytes"
	"errors"
	"io"
	"math"
)

// The limits of redis-server 7.0, as it comes.
const (
	MaxArgs   = math.MaxInt32 // of a request, its command included
	MaxBulk   = 512 << 20     // bytes of one argument
	MaxInline = 64 << 10      // bytes of an inline request, without its line end

	// Before a client has authenticated, where it must.
	MaxArgsNoAuth = 10
	MaxBulkNoAuth = 16 << 10

	// MaxRequest is how much of a request may wait for its end.
	MaxRequest = 1 << 30
)

// A ProtocolError says that a client sent what is no request. Its text is that of
// redis-server, which answers it with the code ERR before it, and then closes the
// connection:
//
//	AppendError(dst, "ERR "+err.Error())
//
// It may hold one byte that the client sent, which AppendError makes safe.
type ProtocolError string

func (e ProtocolError) Error() string { return "Protocol error: " + string(e) }

const (
	errTooBigCount   ProtocolError = "too big mbulk count string"
	errCount         ProtocolError = "invalid multibulk length"
	errCountNoAuth   ProtocolError = "unauthenticated multibulk length"
	errTooBigLength  ProtocolError = "too big bulk count string"
	errLength        ProtocolError = "invalid bulk length"
	errLengthNoAuth  ProtocolError = "unauthenticated bulk length"
	errTooBigInline  ProtocolError = "too big inline request"
	errInlineQuoting ProtocolError = "unbalanced quotes in request"
)

// ErrRequestTooLarge means that a request has exceeded [MaxRequest]. Like
// redis-server, a server closes the connection without an answer.
var ErrRequestTooLarge = errors.New("request exceeds 1 GiB")

// A Reader reads the requests of one client, arrays of bulks and inline ones, and
// accepts and refuses what redis-server does. How the bytes were cut on their way
// does not matter; for a server it does, which takes a line beyond [MaxInline] if
// its end happens to come along.
//
//	for {
//		args, ok, err := r.Next()
//		switch {
//		case err != nil: // answer it, close
//		case ok: // execute args, append the reply
//		default: // flush the replies, then r.Fill()
//		}
//	}
//
// A Reader is not safe for concurrent use.
type Reader struct {
	// NoAuth is true as long as the client must authenticate first: then its
	// requests must be small. It may be set between any two calls.
	NoAuth bool

	src io.Reader
	max int // MaxRequest

	// buf holds what was read; from start on, what no complete request was made of.
	buf        []byte
	start, pos int
	searched   int // so many bytes from pos on hold no line end

	left  int    // arguments to come of the request at start
	want  int    // bytes of the argument at pos with its line end, 0 if unknown
	spans []span // the arguments that are there
	args  [][]byte
	err   error
}

// A span is where in buf an argument is, counted from start.
type span struct{ from, to int }

const (
	readSize   = 16 << 10 // room for a Read of the source
	keepBuffer = 1 << 20  // an idle Reader keeps no more than that
	keepArgs   = 1 << 12
)

// NewReader returns a Reader of what src yields.
func NewReader(src io.Reader) *Reader { return &Reader{src: src, max: MaxRequest} }

// Next returns the next request among the bytes that are there; it never reads.
// If ok is false and err is nil, it takes another Fill. A request has at least
// one argument: empty ones are skipped, as a server does.
//
// An error is a [ProtocolError], and the last thing that Next returns, as it is of
// Fill. The slice args is overwritten by the next Next, the bytes in it only by the
// next Fill.
func (r *Reader) Next() (args [][]byte, ok bool, err error) {
	for r.err == nil {
		var progress bool
		switch {
		case r.left > 0:
			if r.bulks() {
				return r.take(), true, nil
			}
		case r.pos == len(r.buf):
		case r.buf[r.pos] == byte(Array):
			progress = r.count()
		default:
			if progress = r.inline(); len(r.args) > 0 && progress {
				return r.args, true, nil
			}
		}
		if !progress {
			break
		}
	}
	return nil, false, r.err
}

// Fill reads from the source once. It blocks as the source does, and returns its
// error, after which Fill may be called again.
func (r *Reader) Fill() error {
	if r.err == nil && len(r.buf)-r.start > r.max {
		r.err = ErrRequestTooLarge
	}
	if r.err != nil {
		return r.err
	}
	r.makeRoom()
	for range 100 {
		n, err := r.src.Read(r.buf[len(r.buf):cap(r.buf)])
		r.buf = r.buf[:len(r.buf)+n]
		if n > 0 {
			return nil // the source will return err again
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// makeRoom sees to it that there is room to read into, 8 KiB or what the argument
// being read still lacks.
func (r *Reader) makeRoom() {
	rest := r.buf[r.start:]
	if len(rest) == 0 && (cap(r.buf) > keepBuffer || cap(r.spans) > keepArgs) {
		r.buf, r.spans, r.args = nil, nil, nil
	}
	free, lacking := cap(r.buf)-len(r.buf), r.pos+r.want-len(r.buf)
	switch {
	case free >= readSize/2, free >= lacking && lacking > 0:
		return
	case len(rest) <= cap(r.buf)/2 && cap(r.buf) > 0:
		r.buf = append(r.buf[:0], rest...)
	default:
		r.buf = append(make([]byte, 0, r.grown(len(rest)+lacking)), rest...)
	}
	r.pos -= r.start
	r.start = 0
}

// grown returns the next size of the buffer, twice what it is. If most of it is the
// argument that is being read, it does not go beyond the end of that.
func (r *Reader) grown(end int) int {
	size := max(2*cap(r.buf), readSize)
	if end > cap(r.buf) && r.want > cap(r.buf)/2 {
		size = min(size, max(end, readSize))
	}
	return size
}

// take ends the request whose arguments are all there.
func (r *Reader) take() [][]byte {
	r.args = r.args[:0]
	for _, s := range r.spans {
		from, to := r.start+s.from, r.start+s.to
		r.args = append(r.args, r.buf[from:to:to])
	}
	r.start = r.pos
	return r.args
}

// count reads how many arguments follow. None, or fewer, is an empty request.
func (r *Reader) count() bool {
	line, ok := r.header(errTooBigCount)
	if !ok {
		return false
	}
	n, ok := parseInt(line[1:])
	switch {
	case !ok || n > MaxArgs:
		r.err = errCount
	case n > MaxArgsNoAuth && r.NoAuth:
		r.err = errCountNoAuth
	case n > 0:
		r.left = int(n)
		r.spans = r.spans[:0]
	default:
		r.start = r.pos
	}
	return r.err == nil
}

// bulks reads arguments, and reports whether they are all there.
func (r *Reader) bulks() bool {
	for r.left > 0 {
		if r.want == 0 && !r.length() {
			return false
		}
		if len(r.buf)-r.pos < r.want {
			return false
		}
		from := r.pos - r.start
		r.spans = append(r.spans, span{from, from + r.want - 2})
		r.pos += r.want
		r.want = 0
		r.left--
	}
	return true
}

// length reads how long the next argument is.
func (r *Reader) length() bool {
	line, ok := r.header(errTooBigLength)
	if !ok {
		return false
	}
	if len(line) == 0 || line[0] != byte(Bulk) {
		got := r.buf[r.pos-2-len(line)]
		r.err = ProtocolError("expected '$', got '" + string([]byte{got}) + "'")
		return false
	}
	n, ok := parseInt(line[1:])
	switch {
	case !ok || n < 0 || n > MaxBulk:
		r.err = errLength
	case n > MaxBulkNoAuth && r.NoAuth:
		r.err = errLengthNoAuth
	}
	r.want = int(n) + 2
	return r.err == nil
}

// header consumes the line at pos, and returns it without its end: a '\r' and one
// byte more, which no server looks at.
func (r *Reader) header(tooBig ProtocolError) (line []byte, ok bool) {
	n := r.find('\r', tooBig)
	if n < 0 || r.pos+n+1 == len(r.buf) {
		return nil, false
	}
	line = r.buf[r.pos : r.pos+n]
	r.pos += n + 2
	r.searched = 0
	return line, true
}

// inline reads a request that is no array, up to the end of its line.
func (r *Reader) inline() bool {
	n := r.find('\n', errTooBigInline)
	if n < 0 {
		return false
	}
	line := bytes.TrimSuffix(r.buf[r.pos:r.pos+n], []byte{'\r'})
	r.pos += n + 1
	r.searched = 0
	r.start = r.pos
	args, ok := splitInline(r.args[:0], line)
	if !ok {
		r.err = errInlineQuoting
	}
	r.args = args
	return ok
}

// find returns where from pos on the line ends, -1 if nowhere yet. A line ends
// with end; for a server, what comes behind a zero byte on it is not there.
func (r *Reader) find(end byte, tooBig ProtocolError) int {
	rest := r.buf[r.pos:]
	window := rest[:min(len(rest), MaxInline+1)]
	n := bytes.IndexByte(window[r.searched:], end)
	if n >= 0 {
		n += r.searched
		if bytes.IndexByte(window[:n], 0) < 0 {
			return n
		}
	} else {
		r.searched = len(window)
	}
	if len(rest) > MaxInline {
		r.err = tooBig
	}
	return -1
}

// parseInt reads a number in the one form that a server accepts: no sign but a
// minus, no zero in front, no blank.
func parseInt(text []byte) (n int64, ok bool) {
	digits := bytes.TrimPrefix(text, []byte{'-'})
	neg := len(digits) < len(text)
	if len(digits) == 0 || len(digits) > 19 || digits[0] == '0' && len(text) > 1 {
		return 0, false
	}
	var abs uint64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		abs = abs*10 + uint64(c-'0')
	}
	if neg {
		return -int64(abs), abs <= 1<<63
	}
	return int64(abs), abs < 1<<63
}
