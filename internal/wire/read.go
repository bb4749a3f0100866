package wire

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// patience is how long a caller reads before its reads are made to end with its context:
// most are done by then, and need no such arrangement.
const patience = 500 * time.Microsecond

// past is a deadline that ends a read at once.
var past = time.Unix(1, 0)

// readFor reads, as holder of the reader's role, until the replies of x are there, and
// keeps the role. If ctx ends first it abandons x and lays the role down.
func (c *Conn) readFor(ctx context.Context, x *Exchange) error {
	soon := soon(ctx)
	var stop func()
	for {
		deadline, over := c.expectation(x)
		if over {
			break
		}
		switch {
		case ctx.Done() == nil || stop != nil:
		case time.Now().Before(soon):
			deadline = earlier(deadline, soon)
		default:
			stop = c.endWith(ctx)
		}
		_ = c.nc.SetReadDeadline(deadline)
		// A poke before this line is overwritten by it, one after it ends the read.
		if ctx.Err() != nil || x.moved.Load() {
			break
		}
		c.read(func() bool { return stop != nil && ctx.Err() != nil })
	}
	if stop != nil {
		stop() // before the role goes on: nobody else is to be disturbed
	}
	return c.leave(ctx, x)
}

// soon returns until when reads need not end with ctx.
func soon(ctx context.Context) time.Time {
	t := time.Now().Add(patience)
	if d, ok := ctx.Deadline(); ok {
		return earlier(d, t)
	}
	return t
}

// expectation returns when the connection is to be given up, and whether there is nothing
// to be read for x any more.
func (c *Conn) expectation(x *Exchange) (deadline time.Time, over bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.limit(), x.complete() || c.cause != nil || x.moved.Load()
}

// earlier returns the earlier of two times, of which t may be none.
func earlier(t, than time.Time) time.Time {
	if t.IsZero() || than.Before(t) {
		return than
	}
	return t
}

// endWith makes reads end when ctx ends, until stop is called. After stop none is disturbed
// any more.
func (c *Conn) endWith(ctx context.Context) (stop func()) {
	poked := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		_ = c.nc.SetReadDeadline(past)
		close(poked)
	})
	return func() {
		if !cancel() {
			<-poked
		}
	}
}

// read reads once and hands out what has come. It reports false if the connection has
// ended. That a deadline has passed is no end, unless the connection was silent for too
// long; of which a read that was poked is no proof: it may have looked at nothing.
func (c *Conn) read(poked func() bool) bool {
	n, err := c.nc.Read(c.buf)
	c.mu.Lock()
	if n > 0 {
		c.heard = time.Now()
		if garbage := c.deliver(c.buf[:n]); garbage != nil {
			c.failLocked(garbage)
		}
	}
	switch {
	case err == nil:
	case !errors.Is(err, os.ErrDeadlineExceeded):
		c.failLocked(err)
	case n == 0 && c.silent() && !poked():
		c.failLocked(ErrSilent)
	}
	ended, tell := c.cause != nil, c.notice()
	c.mu.Unlock()
	if tell != nil {
		tell()
	}
	return !ended
}

// ErrGarbage means that what a node has sent is no reply, or one that nobody asked for.
var ErrGarbage = errors.New("no reply")

var errUnasked = fmt.Errorf("%w: nobody asked for it", ErrGarbage)

// deliver hands the bytes that were read to those whose replies they are. c.mu is held.
func (c *Conn) deliver(p []byte) error {
	for len(p) > 0 {
		if !c.midway {
			c.asked = c.expects()
		}
		n, complete, err := c.scan.Scan(p)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrGarbage, err)
		}
		c.midway = !complete
		switch kind := c.scan.Kind(); {
		case kind == resp.Push:
			c.drop()
		case c.asked:
			c.add(c.queue.front(), p[:n], complete)
		case kind != 0:
			return errUnasked
		}
		p = p[n:]
	}
	return nil
}

// expects reports whether there may be a reply: the next request without one was handed to
// the connection. Else what comes is not the answer to it, and those behind would get
// what belongs to others. c.mu is held.
func (c *Conn) expects() bool {
	x := c.queue.front()
	return x != nil && x.end(x.came) <= c.handed
}

// drop drops attributes that turn out to be those of a push. c.mu is held.
func (c *Conn) drop() {
	if x := c.queue.front(); c.asked && !x.abandoned {
		x.replies.cut()
	}
}

// huge is how much of a reply that nobody wants may be to come.
const huge = 1 << 20

// add adds a piece of a reply to the replies of x, which is the first in the queue, and
// stays that until the reply is complete: it was handed to the connection.
func (c *Conn) add(x *Exchange, piece []byte, complete bool) {
	missing := c.scan.Missing()
	if !x.abandoned {
		x.keep(piece, missing)
	}
	if !complete {
		if x.abandoned && missing > huge {
			c.retire() // a new connection costs less
		}
		return
	}
	x.came++
	c.relieve()
	if x.complete() {
		c.queue.pop()
		x.wakeUp()
		if c.state.Load() == leaving {
			c.endIfUnwanted()
		}
	}
}
