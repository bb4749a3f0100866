package wire

import (
	"io"
	"net"
	"syscall"
	"time"
)

// rest is after how long without use a connection is looked at before it is written to: a
// node may have closed it meanwhile, and what is written then is neither answered nor
// known not to have run.
const rest = 100 * time.Microsecond

// A sight is what a look at a socket shows.
type sight int

const (
	quietSocket sight = iota
	pendingBytes
	endOfStream
)

// socket returns the socket under nc, nil if there is none.
func socket(nc net.Conn) syscall.RawConn {
	if over, ok := nc.(interface{ NetConn() net.Conn }); ok { // TLS
		nc = over.NetConn()
	}
	if sc, ok := nc.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			return raw
		}
	}
	return nil
}

// rested reports whether the connection is to be looked at before it is used. c.mu is held.
func (c *Conn) rested(now time.Time) bool {
	return c.socket != nil && c.cause == nil && now.Sub(c.heard) > rest && c.queue.empty()
}

// look ends the connection if the node has ended it. What it has sent unasked is read first,
// unless the watcher does: the end may be behind it.
func (c *Conn) look() {
	switch peek(c.socket) {
	case endOfStream:
		c.fail(io.EOF)
	case pendingBytes:
		c.mu.Lock()
		mine := !c.reading && c.cause == nil
		if mine {
			c.reading = true
			c.turns++
			_ = c.nc.SetReadDeadline(time.Now().Add(time.Millisecond))
		}
		c.mu.Unlock()
		if mine {
			c.read(never)
			c.mu.Lock()
			c.handOn()
			c.mu.Unlock()
		}
	}
}
