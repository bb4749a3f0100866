package wire

import (
	"context"
	"time"
)

// To make a read end with the context of the caller who reads costs more than a short read.
// So it is done at once only where replies take long, and elsewhere once the read has lasted
// for patience, or up to twice that; meanwhile somebody looks every patience. A timer that is
// due sooner costs a lone caller more than its read does.
const (
	patience = 5 * time.Millisecond
	long     = time.Millisecond
)

// past is a deadline that ends a read at once.
var past = time.Unix(1, 0)

// A deadline is the read deadline that a connection has. To set one costs more than a short
// read, so it is left as it is when it ends a read too early: that one is begun again.
type deadline struct {
	at    time.Time // the zero Time: none
	spent bool      // it has passed, or is past: it must be set before the next read
	turn  int64     // of the reader for whom it was set
}

// limitRead makes the read that follows end when the connection is to be given up, or the
// next reply is late. c.mu is held.
func (c *Conn) limitRead() {
	limit := c.limit()
	if !c.readsTo.IsZero() && (limit.IsZero() || c.readsTo.Before(limit)) {
		limit = c.readsTo
	}
	c.endReadAt(limit)
}

// endReadAt makes reads end at t, or before. The zero Time is never. c.mu is held.
func (c *Conn) endReadAt(t time.Time) {
	d := &c.readBy
	if !d.spent && (t.IsZero() || !d.at.IsZero() && !d.at.After(t)) {
		return
	}
	*d = deadline{at: t, turn: c.turns}
	_ = c.nc.SetReadDeadline(t)
}

// poke ends the read that goes on, or the next one. c.mu is held.
func (c *Conn) poke() {
	c.readBy = deadline{at: past, spent: true, turn: -1}
	_ = c.nc.SetReadDeadline(past)
}

// expire notes that a read was ended by its deadline. It reports whether somebody has looked
// for what there is to read meanwhile: the deadline was set for who holds the role, not for
// an earlier one, and nobody has poked. c.mu is held.
func (c *Conn) expire() (looked bool) {
	c.readBy.spent = true
	return c.readBy.turn == c.turns
}

// watchContext makes the read of a caller end with ctx: at once if it is known that it lasts,
// or else if it does. c.mu is held.
func (c *Conn) watchContext(ctx context.Context, lasts bool, now time.Time) {
	switch {
	case ctx.Done() == nil:
	case c.slow || lasts:
		c.readsFor = ctx
		c.endReadWithContext()
	default:
		c.readsFor = ctx
		if d, ok := ctx.Deadline(); ok && d.Sub(now) < 2*patience {
			c.readsTo = d
		}
		if !c.ticking {
			c.ticking = true
			c.ticker.Reset(patience)
		}
	}
}

// endReadWithContext makes the read of who has the role end with its context: nobody else's
// is to be disturbed. c.mu is held.
func (c *Conn) endReadWithContext() {
	turn := c.turns
	c.unwatch = context.AfterFunc(c.readsFor, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.turns == turn && c.readsFor != nil {
			c.poke()
		}
	})
}

// unwatchContext is called when the caller reads no more. c.mu is held.
func (c *Conn) unwatchContext() {
	c.readsFor, c.readsTo = nil, time.Time{}
	if c.unwatch != nil {
		c.unwatch()
		c.unwatch = nil
	}
}

// tick finds out whether the same caller reads as at the last tick. If so its read is made
// to end with its context.
func (c *Conn) tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.readsFor == nil || c.cause != nil || c.unwatch != nil:
		c.ticking = false
	case c.readsFor.Err() != nil:
		c.ticking = false
		c.poke()
	case c.tickTurn != c.turns:
		c.tickTurn = c.turns
		c.ticker.Reset(patience)
	default:
		c.ticking = false
		c.endReadWithContext()
	}
}
