package wire

import (
	"context"
	"time"
)

// Wait waits for the replies of x, and returns nil when all are there. Any other error says
// why some are missing: that of ctx, if it ended first, or why the connection ended; what
// is there is in x all the same, but x is of no other use then.
//
// Of the requests without a reply Unsent tells which were certainly not sent.
func (c *Conn) Wait(ctx context.Context, x *Exchange) error {
	err := c.wait(ctx, x)
	if err == nil && !x.submitted.IsZero() {
		c.doubt(x)
	}
	return err
}

func (c *Conn) wait(ctx context.Context, x *Exchange) error {
	next := waits
	if !x.enlisted {
		next = c.enlist(ctx, x)
	}
	for {
		var err error
		switch next {
		case done:
			x.heed()
			return nil
		case broken:
			return c.Err()
		case leaves:
			err = c.leave(ctx, x)
		case reads:
			if err = c.readFor(ctx, x); err == nil && x.complete() {
				return nil
			}
		case waits:
			select {
			case s := <-x.wake:
				if s == over {
					return nil
				}
			case <-ctx.Done():
				err = c.leave(ctx, x)
			}
		}
		if err != nil {
			return err
		}
		next = c.enlist(ctx, x)
	}
}

// What becomes of a caller that waits.
type fate int

const (
	done   fate = iota // its replies are there
	broken             // the connection has ended
	leaves             // its ctx has ended, or it is to go elsewhere
	reads              // it has the reader's role
	waits              // it will be woken
)

// enlist finds out what is to become of the caller of x.
func (c *Conn) enlist(ctx context.Context, x *Exchange) fate {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case x.complete():
		c.dismiss(x)
		return done
	case c.cause != nil:
		return broken
	case x.moved.Load():
		return leaves
	case x.reader:
		return reads
	case ctx.Err() != nil:
		c.lookLast(x)
		if x.complete() {
			return done
		}
		return leaves
	case !c.reading:
		c.reading, x.reader = true, true
		c.turns++
		return reads
	}
	c.expect()
	c.enqueue(x)
	return waits
}

// heed takes the signal that x is over, if it was sent, or is just about to be: there can be
// no other then.
func (x *Exchange) heed() {
	if x.told {
		<-x.wake
	}
}

// enqueue makes the caller of x one that another wakes. c.mu is held.
func (c *Conn) enqueue(x *Exchange) {
	if x.wake == nil {
		x.wake = make(chan signal, 1)
	}
	if !x.waiting {
		x.waiting = true
		c.waiters++
	}
}

// dequeue makes the caller of x one that waits no more. It reports whether it did. c.mu is
// held.
func (c *Conn) dequeue(x *Exchange) bool {
	if !x.waiting {
		return false
	}
	x.waiting = false
	c.waiters--
	return true
}

// wakeUp wakes the caller of x, if that waits. c.mu is held.
func (c *Conn) wakeUp(x *Exchange) {
	if c.dequeue(x) {
		x.wake <- look
	}
}

// dismiss takes back from the caller of x, who waits no more, the reader's role: it may have
// been given that just when it left. c.mu is held.
func (c *Conn) dismiss(x *Exchange) {
	c.dequeue(x)
	if x.reader {
		x.reader = false
		c.handOn()
	}
}

// leave abandons x, whose ctx has ended or which is to go elsewhere, unless its replies have
// come meanwhile or the connection has ended: that Wait sees.
func (c *Conn) leave(ctx context.Context, x *Exchange) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leaveLocked(ctx, x)
}

func (c *Conn) leaveLocked(ctx context.Context, x *Exchange) error {
	c.dequeue(x)
	if x.complete() || c.cause != nil {
		return nil
	}
	c.abandon(x)
	c.dismiss(x)
	if c.state.Load() == leaving {
		c.endIfUnwanted()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return ErrHeldUp
}

// abandon makes the replies of x that are yet to come nobody's. Requests of which all are
// still queued are not sent. c.mu is held.
func (c *Conn) abandon(x *Exchange) {
	x.abandoned = true
	x.replies.cut()
	if x.start >= c.handed {
		c.takeBack(x)
	}
}

// handOn gives the reader's role, which its holder lays down, to a caller that waits, or
// to nobody. c.mu is held.
func (c *Conn) handOn() {
	var next *Exchange
	if c.waiters > 0 {
		next = c.queue.waiting()
	}
	if next == nil {
		c.reading = false
		if c.parked {
			c.parked = false
			c.unpark <- struct{}{}
		}
		return
	}
	next.reader = true
	c.turns++
	c.wakeUp(next)
}

// Unsent reports whether request i of x, which has no reply, was certainly not executed:
// its last byte was never handed to the connection, and never will be.
func (c *Conn) Unsent(x *Exchange, i int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return x.unsent || c.cause != nil && x.end(i) > c.handed
}

// silence returns when the connection is to be given up if nothing comes, the zero Time if
// never. c.mu is held.
func (c *Conn) silence() time.Time {
	front := c.queue.front()
	if c.opts.ReadTimeout <= 0 || front == nil || front.Block < 0 {
		return time.Time{}
	}
	since := front.submitted
	for _, life := range []time.Time{c.heard, c.progress} {
		if life.After(since) {
			since = life
		}
	}
	return since.Add(c.opts.ReadTimeout + front.Block)
}

// silent reports whether the connection has been silent for too long. c.mu is held.
func (c *Conn) silent() bool {
	silence := c.silence()
	return !silence.IsZero() && !time.Now().Before(silence)
}

// glance is how long somebody looks at least before nothing has come.
const glance = 500 * time.Microsecond

// limit returns until when to read in silence: as silence does, or until the next reply is
// late, but not before somebody has looked for what may have come while nobody read. c.mu is
// held.
func (c *Conn) limit() time.Time {
	limit := c.silence()
	if late := c.lateAt(); !late.IsZero() {
		if limit.IsZero() || late.Before(limit) {
			limit = late
		}
	}
	if limit.IsZero() {
		return limit
	}
	if soon := time.Now().Add(glance); limit.Before(soon) {
		return soon
	}
	return limit
}
