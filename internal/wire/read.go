package wire

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// readFor reads, as holder of the reader's role, until the replies of x are there, ctx has
// ended, or x is to go elsewhere, and lays the role down.
func (c *Conn) readFor(ctx context.Context, x *Exchange) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	begun := time.Now()
	c.watchContext(ctx, x.Block != 0, begun)
	for {
		if c.queue.several() {
			c.gather(&c.readYield)
		}
		if x.complete() || c.cause != nil || x.moved.Load() || ctx.Err() != nil {
			break
		}
		c.limitRead()
		stands := c.stands()
		c.mu.Unlock()
		if stands {
			c.stand()
		}
		c.read()
		c.mu.Lock()
		if x.complete() {
			break
		}
	}
	c.unwatchContext()
	if x.complete() {
		c.slow = c.heard.Sub(begun) > long
		c.dismiss(x)
		return nil
	}
	return c.leaveLocked(ctx, x)
}

// read reads once and hands out what has come.
func (c *Conn) read() {
	n, err := c.nc.Read(c.buf)
	tell := c.take(n, err)
	// Not under the lock: those who wake up need it.
	for i, wake := range c.woken {
		wake <- over
		c.woken[i] = nil
	}
	c.woken = c.woken[:0]
	if tell != nil {
		tell()
	}
}

// take takes what a Read has brought, and returns what is to be called then, if anything.
func (c *Conn) take(n int, err error) (tell func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if n > 0 && c.cause == nil { // else nobody is there any more
		c.heard = now
		if garbage := c.deliver(c.buf[:n]); garbage != nil {
			c.failLocked(garbage)
		}
	}
	switch {
	case err == nil:
	case !errors.Is(err, os.ErrDeadlineExceeded):
		c.failLocked(err)
	case c.expire() && n == 0 && c.silent():
		c.failLocked(ErrSilent)
	}
	return c.notice(now)
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
		if c.dequeue(x) {
			x.told = true
			c.woken = append(c.woken, x.wake)
		}
		if c.state.Load() == leaving {
			c.endIfUnwanted()
		}
	}
}
