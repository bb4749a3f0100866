package wire

import (
	"io"
	"net"
	"runtime"
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
	tls  bool // what the socket has brought may lie in memory already
	raw  syscall.RawConn
	look func(fd uintptr)
	seen sight
	one  [1]byte
}

// newPeeker returns a peeker, nil if nc has no socket.
func newPeeker(nc net.Conn) *peeker {
	over, tls := nc.(interface{ NetConn() net.Conn })
	if tls {
		nc = over.NetConn()
	}
	if sc, ok := nc.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			p := &peeker{raw: raw, tls: tls}
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

// rested reports whether the connection, on which nobody waits for replies, is to be looked at
// before it is used. c.mu is held.
func (c *Conn) rested(now time.Time) bool {
	return c.peeker != nil && c.cause == nil && now.Sub(c.heard) > rest
}

// look ends the connection if the node has ended it. What it has sent unasked is read first,
// by whoever reads: the end may be behind it. c.mu is held, but meanwhile.
func (c *Conn) look() {
	for start := time.Now(); c.cause == nil; {
		switch c.peeker.sight() {
		case quietSocket:
			return
		case endOfStream:
			c.failLocked(io.EOF)
			return
		}
		if time.Since(start) > maxLook {
			c.retire() // whatever it is, what is sent might not be answered
			return
		}
		if !c.reading {
			c.glance()
			c.handOn()
			continue
		}
		c.mu.Unlock()
		runtime.Gosched() // the watcher is about to, or somebody who looks too
		c.mu.Lock()
		if !c.queue.empty() {
			return // somebody has looked, and uses it
		}
	}
}

// maxLook is how long a connection is looked at that brings something unasked.
const maxLook = 10 * time.Millisecond

// glance takes the reader's role, and reads what there is. c.mu is held, but while it reads.
func (c *Conn) glance() {
	c.reading = true
	c.turns++
	c.endReadAt(time.Now().Add(glance))
	c.mu.Unlock()
	c.read()
	c.mu.Lock()
}

// lookLast reads what there is, unless somebody reads: the replies to x may be there, whose
// caller has waited elsewhere until its context has ended. c.mu is held.
func (c *Conn) lookLast(x *Exchange) {
	if c.reading || c.peeker == nil {
		return
	}
	blind := c.peeker.tls
	for start := time.Now(); !x.complete() && c.cause == nil && time.Since(start) < maxLook; {
		if c.peeker.sight() != pendingBytes && !blind {
			break
		}
		blind = false
		c.glance()
	}
	if c.reading {
		c.handOn()
	}
}
