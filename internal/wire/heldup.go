package wire

import (
	"errors"
	"time"
)

// ErrHeldUp means that an exchange was given up that would have waited behind something
// that holds up the connection, while the node answers elsewhere: a write that the server
// holds back, or a huge reply. It may have been executed, or be executed later.
var ErrHeldUp = errors.New("held up behind another request on the same connection")

// lateAfter is how long nothing is answered before the next reply is late.
const lateAfter = 100 * time.Millisecond

// lateAt returns when the reply to come next is late, the zero Time if never. c.mu is held.
func (c *Conn) lateAt() time.Time {
	front := c.queue.front()
	if c.opts.Late == nil || c.late || front == nil {
		return time.Time{}
	}
	since := front.submitted
	for _, t := range []time.Time{c.replied, c.progress} {
		if t.After(since) {
			since = t
		}
	}
	return since.Add(lateAfter)
}

// notice returns what tells that the next reply is late, nil if it is not, or that was told.
// c.mu is held.
func (c *Conn) notice(now time.Time) (tell func()) {
	at := c.lateAt()
	if at.IsZero() || now.Before(at) || c.cause != nil {
		return nil
	}
	c.late = true
	turn := c.replies
	return func() { c.opts.Late(c, turn) }
}

// StillLate reports whether the reply is still to come that Late was told of.
func (c *Conn) StillLate(turn int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.isLate(turn)
}

func (c *Conn) isLate(turn int64) bool {
	return c.late && c.cause == nil && c.replies == turn
}

// HoldUp says that the node answers elsewhere, while the reply that Late was told of is
// still to come. Those behind it that may go elsewhere do, until it comes; its own caller
// waits: to ask again what takes long would make it take longer.
func (c *Conn) HoldUp(turn int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	front := c.queue.front()
	if !c.isLate(turn) || front == nil || c.state.Load() != free {
		return
	}
	if front.Movable {
		c.state.Store(jammed)
	} else {
		c.state.Store(heldUp)
	}
	c.queue.each(func(x *Exchange) bool {
		if x != front && x.Movable && !x.abandoned {
			c.move(x)
		}
		return true
	})
}

// move makes the caller of x leave. c.mu is held.
func (c *Conn) move(x *Exchange) {
	x.moved.Store(true)
	if x.reader {
		c.poke()
	}
	c.wakeUp(x)
}

// relieve notes that a reply is complete. c.mu is held.
func (c *Conn) relieve() {
	c.replied, c.late = c.heard, false
	c.replies++
	if s := c.state.Load(); s == heldUp || s == jammed {
		c.state.Store(free)
	}
}
