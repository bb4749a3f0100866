package difftest

import (
	"fmt"
	"net"
	"time"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// patience bounds the wait for one reply. It is reached only by a node that hangs.
const patience = 20 * time.Second

// A conn reads replies as they come, and leaves them as they are.
type conn struct {
	net.Conn
	scanner resp.Scanner
	buf     []byte
	start   int // of the reply that is being read
	scanned int
}

func dial(addr string) (*conn, error) {
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	// Thousands of short runs would otherwise leave as many ports in TIME_WAIT.
	if err := c.(*net.TCPConn).SetLinger(0); err != nil {
		return nil, err
	}
	return &conn{Conn: c}, nil
}

// send writes requests. What was received before is overwritten.
func (c *conn) send(requests []byte) error {
	if c.start < len(c.buf) {
		return fmt.Errorf("%q, which nothing was sent for", c.buf[c.start:])
	}
	c.buf, c.start, c.scanned = c.buf[:0], 0, 0
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err := c.Write(requests)
	return err
}

// receive returns one reply. It is valid until the next send.
func (c *conn) receive() ([]byte, error) {
	for {
		n, complete, err := c.scanner.Scan(c.buf[c.scanned:])
		c.scanned += n
		if err != nil {
			return nil, fmt.Errorf("%w: %q", err, c.buf[c.start:])
		}
		if complete {
			reply := c.buf[c.start:c.scanned:c.scanned]
			c.start = c.scanned
			return reply, nil
		}
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
}

// fill reads once. Replies in the buffer stay where they are: if it is too small
// they are left in the old one.
func (c *conn) fill() error {
	if cap(c.buf)-len(c.buf) < 4096 {
		c.buf = append(make([]byte, 0, 2*cap(c.buf)+16384), c.buf...)
	}
	n, err := c.Read(c.buf[len(c.buf):cap(c.buf)])
	c.buf = c.buf[:len(c.buf)+n]
	if n > 0 {
		return nil
	}
	return err
}
