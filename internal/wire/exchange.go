package wire

import (
	"slices"
	"time"
)

// An Exchange is some requests that one caller sends over one connection in one write, and
// their replies. It is used once. From Submit until Wait has returned it is the
// connection's; if Wait was given up it stays the connection's, so it must not be kept.
type Exchange struct {
	// Request is the encoded requests, and Ends where each of them ends in there; nil if it
	// is one. They must not be changed until the exchange is over.
	Request []byte
	Ends    []int

	// Block is how long the node may be silent on purpose, besides the read timeout.
	// Negative: for ever.
	Block time.Duration

	// The caller's, as soon as Wait has returned: what comes later is dropped.
	replies []byte // the replies so far, one after the other
	ends    []int  // where each of them ends
	few     [4]int // room for ends

	start     int64 // of Request among all that was submitted
	came      int   // how many replies have come, those included that nobody wants
	submitted time.Time
	wake      chan struct{} // lent by the connection while its caller waits for another
	waiting   bool          // its caller does
	reader    bool          // its caller was given the reader's role
	abandoned bool          // nobody wants its replies
	unsent    bool          // it was taken back before anything of it was written
}

// Answered returns how many of the requests have their reply: the first ones.
func (x *Exchange) Answered() int { return len(x.ends) }

// Reply returns the reply to request i, one of those that are answered, as it came. It
// shares memory with the other replies of the exchange.
func (x *Exchange) Reply(i int) []byte {
	from := 0
	if i > 0 {
		from = x.ends[i-1]
	}
	return x.replies[from:x.ends[i]:x.ends[i]]
}

func (x *Exchange) complete() bool { return x.came == max(len(x.Ends), 1) }

// keep keeps a piece of a reply.
func (x *Exchange) keep(piece []byte, complete bool) {
	x.replies = append(x.replies, piece...)
	if !complete {
		return
	}
	if x.ends == nil {
		x.ends = x.few[:0]
	}
	x.ends = append(x.ends, len(x.replies))
}

// cut drops the replies' incomplete end.
func (x *Exchange) cut() {
	end := 0
	if n := len(x.ends); n > 0 {
		end = x.ends[n-1]
	}
	x.replies = x.replies[:end:end]
	if end == 0 {
		x.replies = nil
	}
}

// wakeUp wakes its caller, if that waits.
func (x *Exchange) wakeUp() {
	if x.waiting {
		x.waiting = false
		x.wake <- struct{}{}
	}
}

// end returns where request i ends among all that was submitted.
func (x *Exchange) end(i int) int64 {
	if x.Ends == nil {
		return x.start + int64(len(x.Request))
	}
	return x.start + int64(x.Ends[i])
}

// A queue is exchanges in order.
type queue struct {
	all  []*Exchange
	head int
}

func (q *queue) len() int { return len(q.all) - q.head }

func (q *queue) front() *Exchange {
	if q.len() == 0 {
		return nil
	}
	return q.all[q.head]
}

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
	if x == nil {
		return nil
	}
	q.all[q.head] = nil
	if q.head++; q.head == len(q.all) {
		q.all, q.head = q.all[:0], 0
	}
	return x
}

// remove removes x and returns those behind it.
func (q *queue) remove(x *Exchange) (behind []*Exchange) {
	i := q.head + slices.Index(q.all[q.head:], x)
	q.all = slices.Delete(q.all, i, i+1)
	return q.all[i:]
}

// waiting returns the first exchange whose caller waits.
func (q *queue) waiting() *Exchange {
	for _, x := range q.all[q.head:] {
		if x.waiting {
			return x
		}
	}
	return nil
}
