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
	c.watchContext(ctx)
	for !x.complete() && c.cause == nil && !x.moved.Load() && ctx.Err() == nil {
		c.limitRead()
		c.mu.Unlock()
		tell := c.read()
		if tell != nil {
			tell()
		}
		c.mu.Lock()
	}
	c.unwatchContext()
	if x.complete() {
		c.slow = c.heard.Sub(x.submitted) > long
		c.dismiss(x)
		return nil
	}
	return c.leaveLocked(ctx, x)
}

// read reads once and hands out what has come. It returns what is to be called then, if
// anything.
func (c *Conn) read() (tell func()) {
	n, err := c.nc.Read(c.buf)
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > 0 {
		c.heard = time.Now()
		if garbage := c.deliver(c.buf[:n]); garbage != nil {
			c.failLocked(garbage)
		}
	}
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, os.ErrDeadlineExceeded):
		c.failLocked(err)
	case c.expire() && n == 0 && c.silent():
		c.failLocked(ErrSilent)
	}
	return c.notice()
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
