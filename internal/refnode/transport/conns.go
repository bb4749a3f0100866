package transport

import (
	"maps"
	"net"
	"slices"
	"sync"
)

// Conns is a set of open connections. The zero value is an empty set; it is safe
// for concurrent use.
//
// CloseAll and ResetAll are for the connections that are in the set. So who ends a
// server closes its listener first, and waits until nothing is added any more.
type Conns struct {
	mu  sync.Mutex
	all map[net.Conn]struct{}
}

// Add adds conn to the set. As with any map key, its type is comparable; pointers are.
func (c *Conns) Add(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = make(map[net.Conn]struct{})
	}
	c.all[conn] = struct{}{}
}

// Remove takes conn out of the set, if it is there. It does not close it.
func (c *Conns) Remove(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.all, conn)
}

// Len returns how many connections are in the set.
func (c *Conns) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.all)
}

// CloseAll empties the set and closes what was in it.
func (c *Conns) CloseAll() {
	for _, conn := range c.takeAll() {
		conn.Close()
	}
}

// ResetAll empties the set and resets what was in it, as [Reset] does.
func (c *Conns) ResetAll() {
	for _, conn := range c.takeAll() {
		Reset(conn)
	}
}

func (c *Conns) takeAll() []net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := slices.Collect(maps.Keys(c.all))
	clear(c.all)
	return all
}

// Reset closes conn so that its peer gets syscall.ECONNRESET, and what was not
// sent yet is lost. A gate does not hold it back. Of a connection that wraps
// another, such as *tls.Conn, it resets the innermost; one that it cannot reset it
// closes.
func Reset(conn net.Conn) error {
	for {
		switch inner := conn.(type) {
		case interface{ SetLinger(sec int) error }:
			if err := inner.SetLinger(0); err != nil {
				return err
			}
			return conn.Close()
		case interface{ NetConn() net.Conn }:
			conn = inner.NetConn()
		default:
			return conn.Close()
		}
	}
}
