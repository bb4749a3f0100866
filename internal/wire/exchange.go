package wire

import (
	"slices"
	"sync/atomic"
	"time"
)

// An Exchange is some requests that one caller sends over one connection in one write, and
// their replies. From Submit until Wait has returned it is the connection's; if Wait was
// given up it stays the connection's, so it must not be kept. After a Wait that returned nil
// it may be used again, once Reset.
type Exchange struct {
	// Request is the encoded requests, and Ends where each of them ends in there; empty if
	// it is one. They must not be changed until the exchange is over, but Request may be once
	// Submit has returned if it has no more than Copied bytes.
	Request []byte
	Ends    []int

	// Block is how long the node may be silent on purpose, besides the read timeout.
	// Negative: for ever.
	Block time.Duration

	// Movable exchanges may be sent twice: Wait returns ErrHeldUp rather than wait behind
	// something that holds up the connection alone.
	Movable bool

	// Prompt tells that Wait follows Submit at once, on the same connection.
	Prompt bool

	// The caller's, as soon as Wait has returned: what comes later is dropped.
	replies replies

	start     int64       // of Request among all that was submitted
	came      int         // how many replies have come, those included that nobody wants
	submitted time.Time   // the zero Time if others were ahead of it
	wake      chan signal // made when its caller waits for the first time
	enlisted  bool        // the caller's: it waits already
	waiting   bool        // its caller does, for another to wake it
	told      bool        // the signal over is sent, or about to be
	reader    bool        // its caller was given the reader's role
	abandoned bool        // nobody wants its replies
	unsent    bool        // it was taken back before anything of it was written
	moved     atomic.Bool // its caller is to leave: ErrHeldUp
}

// A signal wakes the caller of an exchange. Each time that it waits it gets one at most.
type signal bool

const (
	look signal = false // something has changed
	over signal = true  // all replies are there, and nobody else touches the exchange any more
)

// Reset makes x ready to be used again. What Reply has returned is overwritten then, unless
// it is Kept.
func (x *Exchange) Reset() {
	x.Request, x.Ends = x.Request[:0], x.Ends[:0]
	x.Block, x.Movable, x.Prompt = 0, false, false
	x.replies.reset()
	x.came = 0
	x.enlisted, x.waiting, x.told, x.reader, x.abandoned, x.unsent = false, false, false, false, false, false
	if x.moved.Load() {
		x.moved.Store(false)
	}
	if len(x.wake) > 0 {
		<-x.wake // it was woken just when it left
	}
}

// Answered returns how many of the requests have their reply: the first ones.
func (x *Exchange) Answered() int { return len(x.replies.whole) }

// Reply returns the reply to request i, one of those that are answered, as it came. The
// replies of one exchange that are smaller than 1 KiB share memory, in chunks of at most
// 64 KiB.
func (x *Exchange) Reply(i int) []byte { return x.replies.whole[i] }

func (x *Exchange) complete() bool { return x.came == max(len(x.Ends), 1) }

// keep keeps a piece of a reply, of which at least missing bytes are yet to come.
func (x *Exchange) keep(piece []byte, missing int) {
	x.replies.add(piece, missing, x.came, len(x.Ends))
}

// Kept reports whether the memory of reply i is not used again, so that it may be kept.
func (x *Exchange) Kept(i int) bool { return len(x.Ends) > 1 || x.Alone(i) }

// Alone reports whether reply i has memory of its own, which is not used again.
func (x *Exchange) Alone(i int) bool { return len(x.Reply(i)) >= alone }

// end returns where request i ends among all that was submitted.
func (x *Exchange) end(i int) int64 {
	if len(x.Ends) == 0 {
		return x.start + int64(len(x.Request))
	}
	return x.start + int64(x.Ends[i])
}

// A queue is exchanges in order. Those that were taken back stay until they are first.
type queue struct {
	all   []*Exchange
	head  int
	taken int // how many were taken back, about
}

// took notes that one was taken back. When most were they are dropped.
func (q *queue) took() {
	if q.taken++; q.taken < 1024 || q.taken < (len(q.all)-q.head)/2 {
		return
	}
	q.all = slices.DeleteFunc(q.all[q.head:], func(x *Exchange) bool { return x.unsent })
	q.head, q.taken = 0, 0
}

// front returns the first exchange, nil if there is none.
func (q *queue) front() *Exchange {
	for q.head < len(q.all) {
		if x := q.all[q.head]; !x.unsent {
			return x
		}
		q.drop()
	}
	return nil
}

// several reports whether there may be more than one.
func (q *queue) several() bool { return len(q.all)-q.head > 1 }

func (q *queue) empty() bool { return q.front() == nil }

func (q *queue) push(x *Exchange) {
	if q.head > len(q.all)/2 && q.head > 16 {
		n := copy(q.all, q.all[q.head:])
		clear(q.all[n:])
		q.all, q.head = q.all[:n], 0
	}
	q.all = append(q.all, x)
}

func (q *queue) pop() *Exchange {
	x := q.front()
	if x != nil {
		q.drop()
	}
	return x
}

// drop drops the first one. A queue that was long gives its memory back.
func (q *queue) drop() {
	q.all[q.head] = nil
	q.head++
	switch {
	case q.head < len(q.all):
	case cap(q.all) > keptQueue:
		q.all, q.head = nil, 0
	default:
		q.all, q.head = q.all[:0], 0
	}
}

// keptQueue is how long an empty queue may be.
const keptQueue = 4096

// each calls f for each exchange that was not taken back, in order, as long as it returns
// true.
func (q *queue) each(f func(*Exchange) bool) {
	for _, x := range q.all[q.head:] {
		if !x.unsent && !f(x) {
			return
		}
	}
}

// waiting returns the first exchange whose caller waits.
func (q *queue) waiting() (first *Exchange) {
	q.each(func(x *Exchange) bool {
		if x.waiting {
			first = x
		}
		return first == nil
	})
	return first
}
