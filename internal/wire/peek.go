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

// A peeker looks at the socket of a connection, one at a time.
type peeker struct {
	raw  syscall.RawConn
	look func(fd uintptr)
	seen sight
	one  [1]byte
}

// newPeeker returns a peeker, nil if nc has no socket.
func newPeeker(nc net.Conn) *peeker {
	if over, ok := nc.(interface{ NetConn() net.Conn }); ok { // TLS
		nc = over.NetConn()
	}
	if sc, ok := nc.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			p := &peeker{raw: raw}
			p.look = p.peek
			return p
		}
	}
	return nil
}

// sight returns what there is to see.
func (p *peeker) sight() sight {
	if p.raw.Control(p.look) != nil {
		return endOfStream
	}
	return p.seen
}

// rested reports whether the connection is to be looked at before it is used. c.mu is held.
func (c *Conn) rested(now time.Time) bool {
	return c.peeker != nil && c.cause == nil && now.Sub(c.heard) > rest && c.queue.empty()
}

// look ends the connection if the node has ended it. What it has sent unasked is read first,
// unless somebody does: the end may be behind it. c.mu is held.
func (c *Conn) look() {
	switch c.peeker.sight() {
	case endOfStream:
		c.failLocked(io.EOF)
	case pendingBytes:
		if c.reading || c.cause != nil {
			return
		}
		c.reading = true
		c.turns++
		c.endReadAt(time.Now().Add(time.Millisecond))
		c.mu.Unlock()
		c.read()
		c.mu.Lock()
		c.handOn()
	}
}
