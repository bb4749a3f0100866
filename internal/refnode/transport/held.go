package transport

import (
	"errors"
	"os"
	"time"
)

// chunk is how much of a backlog is sent at once: a gate that is shut again stops
// it there.
const chunk = 32 << 10

func (c *gated) Write(p []byte) (int, error) {
	c.direct.Add(1)
	if c.holding.Load() || c.link.Out.IsShut() {
		c.leave()
		return c.hold(p)
	}
	n, err := c.Conn.Write(p)
	c.leave()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = c.timedOut("write", err)
	}
	return n, err
}

// leave ends a direct Write, which flush may be waiting for.
func (c *gated) leave() {
	if c.direct.Add(-1) == 0 && c.holding.Load() {
		c.Lock()
		defer c.Unlock()
		c.startFlush()
	}
}

// hold puts p in the backlog, and waits for room there.
func (c *gated) hold(p []byte) (n int, err error) {
	c.Lock()
	defer c.Unlock()
	for c.writing {
		if err := c.ended(&c.writeBy); err != nil {
			return 0, opError(c, "write", err)
		}
		c.sleep(&c.writeBy)
	}
	c.writing = true
	defer c.held()
	for {
		if err := c.ended(&c.writeBy); err != nil {
			return n, opError(c, "write", err)
		}
		n += c.backlog.put(p[n:])
		c.holding.Store(true)
		c.startFlush()
		if n == len(p) {
			return n, nil
		}
		c.sleep(&c.writeBy)
	}
}

// held ends a Write that was held, for the next one.
func (c *gated) held() {
	c.writing = false
	c.startFlush()
	c.changed.Broadcast()
}

// startFlush has flush run if there is something for it to do. It does not run
// beside direct Writes: they would get between two chunks. One that begins now sees
// holding.
func (c *gated) startFlush() {
	if c.holding.Load() && c.direct.Load() == 0 && !c.flushing && !c.link.Out.IsShut() {
		c.flushing = true
		go c.flush()
	}
}

// flush sends the backlog while the gate is open. When all of it is sent, Writes go
// to Conn again, or Conn is closed if that was waiting. But the rest of a Write that
// waits for room comes before any other.
func (c *gated) flush() {
	buf := make([]byte, chunk)
	c.Lock()
	defer c.Unlock()
	for c.backlog.n > 0 && !c.link.Out.IsShut() {
		n := c.backlog.take(buf)
		c.changed.Broadcast()
		c.Unlock()
		err := c.send(buf[:n])
		c.Lock()
		if err != nil {
			c.backlog = ring{} // lost, as in a socket's buffer; the next Write has the error
		}
	}
	c.flushing = false
	if c.link.Out.IsShut() || c.writing {
		return // gateOpened goes on, or that Write
	}
	if c.closed {
		c.finish()
		return
	}
	c.holding.Store(false)
	c.Conn.SetWriteDeadline(c.writeBy.at)
}

// send writes p to Conn. A deadline is for who called Write, and does not end it.
func (c *gated) send(p []byte) error {
	for {
		n, err := c.Conn.Write(p)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		p = p[n:]
		c.Conn.SetWriteDeadline(time.Time{})
	}
}
