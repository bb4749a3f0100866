package transport

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// A gated is a connection behind the gates of a link. The embedded connection is
// what goes through the gates.
type gated struct {
	net.Conn
	link Link

	monitor
	readBy, writeBy deadline
	closed          bool
	abort           bool // Close resets the connection

	// What Reads got from Conn when the gate was shut in the meantime.
	late    []byte
	lateErr error
	isLate  atomic.Bool // there is some; written under the lock

	// What Writes have left behind for flush, and that there is some, or a Close.
	backlog  ring
	holding  atomic.Bool  // written under the lock
	direct   atomic.Int32 // how many Writes go to Conn themselves, as long as nothing is held
	flushing bool         // flush runs
	writing  bool         // a held Write is under way: the next one waits, so that none is torn
}

func (c *gated) Read(p []byte) (int, error) {
	for {
		if c.link.In.IsShut() || c.isLate.Load() {
			if n, err := c.readLate(p); n > 0 || err != nil {
				return n, err
			}
		}
		n, err := c.Conn.Read(p)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return n, c.timedOut("read", err)
		}
		if !c.link.In.IsShut() {
			return n, err
		}
		c.keep(p[:n], err)
	}
}

// readLate waits for the gate, and returns what came too late for the Read that
// got it. It returns nothing if it is up to Conn now.
func (c *gated) readLate(p []byte) (int, error) {
	c.Lock()
	defer c.Unlock()
	for {
		if err := c.ended(&c.readBy); err != nil {
			return 0, opError(c, "read", err)
		}
		if !c.link.In.IsShut() {
			break
		}
		c.sleep(&c.readBy)
	}
	if n := copy(p, c.late); n > 0 {
		c.late = c.late[n:]
		c.isLate.Store(len(c.late) > 0 || c.lateErr != nil)
		return n, nil
	}
	if len(c.late) > 0 {
		return 0, nil
	}
	err := c.lateErr
	c.late, c.lateErr = nil, nil
	c.isLate.Store(false)
	return 0, err
}

// keep keeps what a Read has got for when the gate is open.
func (c *gated) keep(p []byte, err error) {
	c.Lock()
	defer c.Unlock()
	c.late = append(c.late, p...)
	c.lateErr = err
	c.isLate.Store(len(c.late) > 0 || err != nil)
}

// timedOut returns the error of a Read or Write that timed out in Conn, since it may
// be Close that did that.
func (c *gated) timedOut(op string, err error) error {
	c.Lock()
	defer c.Unlock()
	if c.closed {
		return opError(c, op, net.ErrClosed)
	}
	return err
}

// ended returns why a wait until d is over, nil if it is not.
func (c *gated) ended(d *deadline) error {
	switch {
	case c.closed:
		return net.ErrClosed
	case d.passed():
		return os.ErrDeadlineExceeded
	}
	return nil
}

// gateOpened is called by a gate when it is open.
func (c *gated) gateOpened() {
	c.Lock()
	defer c.Unlock()
	c.startFlush()
	c.changed.Broadcast()
}

// Close leaves the rest to flush if something is held back.
func (c *gated) Close() error {
	c.Lock()
	defer c.Unlock()
	if c.closed {
		return opError(c, "close", net.ErrClosed)
	}
	c.closed = true
	c.readBy.drop()
	c.writeBy.drop()
	c.changed.Broadcast()
	if c.abort || !c.holding.Load() && !c.link.Out.IsShut() {
		return c.finish()
	}
	past := time.Unix(1, 0)
	c.Conn.SetDeadline(past) // ends the Read and the Write that are under way
	c.holding.Store(true)
	c.startFlush()
	return nil
}

// finish closes Conn.
func (c *gated) finish() error {
	c.link.In.remove(c)
	c.link.Out.remove(c)
	if c.abort {
		return Reset(c.Conn)
	}
	return c.Conn.Close()
}

// SetLinger is that of *net.TCPConn as far as 0 goes: Close resets the connection.
func (c *gated) SetLinger(sec int) error {
	c.Lock()
	defer c.Unlock()
	if c.closed {
		return opError(c, "set", net.ErrClosed)
	}
	c.abort = sec == 0
	return nil
}

func (c *gated) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

func (c *gated) SetReadDeadline(t time.Time) error {
	return c.set(&c.readBy, t, c.Conn.SetReadDeadline)
}

func (c *gated) SetWriteDeadline(t time.Time) error {
	return c.set(&c.writeBy, t, c.Conn.SetWriteDeadline)
}

// set sets d, and with set the deadline of Conn, to t.
func (c *gated) set(d *deadline, t time.Time, set func(time.Time) error) error {
	c.Lock()
	defer c.Unlock()
	if c.closed {
		return opError(c, "set", net.ErrClosed)
	}
	d.at = t
	c.changed.Broadcast()
	return set(t)
}
