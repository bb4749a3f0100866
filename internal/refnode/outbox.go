package refnode

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
)

// An outbox holds the replies to one client. The session fills pending and hands it over
// with flush, once per batch of requests; a goroutine writes.
type outbox struct {
	pending []byte // the session's own

	conn  net.Conn
	clock transport.Clock
	lost  context.CancelFunc
	due   time.Time // when pending may leave; zero: at once

	mu     sync.Mutex
	change sync.Cond // of what follows
	queue  []segment
	spare  []byte
	busy   bool // a segment is being written
	closed bool
}

// A segment is replies that leave together.
type segment struct {
	bytes []byte
	due   time.Time
}

func newOutbox(conn net.Conn, clock transport.Clock, lost context.CancelFunc) *outbox {
	o := &outbox{conn: conn, clock: clock, lost: lost}
	o.change.L = &o.mu
	return o
}

// delay holds the replies back that the next requests get: as if they and their replies
// had a way to go that takes d altogether.
func (o *outbox) delay(d time.Duration) {
	o.due = time.Time{}
	if d > 0 {
		o.due = o.clock.Now().Add(d)
	}
}

// flush hands pending over to be written.
func (o *outbox) flush() {
	if len(o.pending) == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if last := len(o.queue) - 1; last >= 0 && o.queue[last].due.Equal(o.due) {
		o.queue[last].bytes = append(o.queue[last].bytes, o.pending...)
		o.pending = o.pending[:0]
	} else {
		o.queue = append(o.queue, segment{o.pending, o.due})
		o.pending, o.spare = o.spare[:0], nil
	}
	o.change.Broadcast()
}

// drain waits until everything is written, or the connection has ended.
func (o *outbox) drain() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.closed && (o.busy || len(o.queue) > 0) {
		o.change.Wait()
	}
}

// close ends run, and drops what is not written.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.change.Broadcast()
}

// run writes until close.
func (o *outbox) run() {
	for {
		next, ok := o.take()
		if !ok {
			return
		}
		o.sleep(next.due)
		if _, err := o.conn.Write(next.bytes); err != nil {
			o.lost()
			o.close()
			_ = o.conn.Close()
		}
		o.done(next.bytes)
	}
}

func (o *outbox) take() (segment, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.closed && len(o.queue) == 0 {
		o.change.Wait()
	}
	if o.closed {
		return segment{}, false
	}
	next := o.queue[0]
	o.queue[0] = segment{}
	o.queue = o.queue[1:]
	if len(o.queue) == 0 {
		o.queue = nil
	}
	o.busy = true
	return next, true
}

func (o *outbox) done(buf []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.busy = false
	if cap(buf) <= maxKept {
		o.spare = buf[:0]
	}
	o.change.Broadcast()
}

// maxKept is how large a buffer is kept for the next replies.
const maxKept = 256 << 10

// sleep waits until due, or until the outbox is closed.
func (o *outbox) sleep(due time.Time) {
	d := due.Sub(o.clock.Now())
	if due.IsZero() || d <= 0 {
		return
	}
	over := false
	timer := o.clock.AfterFunc(d, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		over = true
		o.change.Broadcast()
	})
	defer timer.Stop()
	o.mu.Lock()
	defer o.mu.Unlock()
	for !over && !o.closed {
		o.change.Wait()
	}
}
