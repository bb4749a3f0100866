package wire

import (
	"net"
	"runtime"
	"sync/atomic"
	"time"
)

// A Crowd knows whether goroutines that compute keep the processors busy. Beside them who
// parks to wait for a reply, or yields, runs again only after some of their time slices of
// 10 ms. So while that is so a reader looks for its reply for a while before it parks, and
// nobody yields. It is found out by how long yields take: those that gather requests, and one
// for each reply that took long. Connections of one client share a Crowd. The zero value is
// ready for use.
type Crowd struct {
	until atomic.Int64 // in Unix nanoseconds; 0: it was never so
	slow  atomic.Int32 // how many yields in a row took a turn of others
}

const (
	// turnAway is how long a turn of others takes from when on they are said to compute, if
	// fewTurns in a row take that: one may be long for other reasons.
	turnAway = 5 * time.Millisecond
	fewTurns = 3

	// perSubmit is how long a yield may take for each exchange that callers submit meanwhile,
	// who do that on other connections too.
	perSubmit = 100 * time.Microsecond

	// minSpell and maxSpell are for how long that is believed, longer each time.
	minSpell = time.Second
	maxSpell = 16 * time.Second

	// standing is how long a reader looks for a reply before it parks. Where that was in vain
	// mostVain times in a row, since replies take longer, it is tried once in tryVain turns.
	standing = 500 * time.Microsecond
	mostVain = 8
	tryVain  = 64
)

// is reports whether others compute.
func (c *Crowd) is(now time.Time) bool {
	until := c.until.Load()
	return until != 0 && now.UnixNano() < until
}

// learn takes how long a yield took that has just ended, and how many exchanges others have
// submitted meanwhile: it may be they that took so long.
func (c *Crowd) learn(took time.Duration, gained int64) {
	if took < turnAway || took < time.Duration(gained)*perSubmit {
		if c.slow.Load() != 0 {
			c.slow.Store(0)
		}
		return
	}
	if n := c.slow.Add(1); n >= fewTurns {
		spell := min(minSpell<<min(n-fewTurns, 8), maxSpell)
		c.until.Store(time.Now().Add(spell).UnixNano())
	}
}

// doubt finds out whether others compute, if the replies to x took so long that it may be due
// to that, or if they did before. The caller of x calls it, who was alone when it submitted.
func (c *Conn) doubt(x *Exchange) {
	crowd, now := c.opts.Crowd, time.Now()
	if now.Sub(x.submitted) < turnAway && crowd.slow.Load() == 0 || crowd.is(now) {
		return
	}
	c.mu.Lock()
	before := c.submits
	c.mu.Unlock()
	runtime.Gosched()
	took := time.Since(now)
	c.mu.Lock()
	crowd.learn(took, c.submits-before)
	c.mu.Unlock()
}

// stands reports whether who has the reader's role is to look for a reply before it parks.
// c.mu is held.
func (c *Conn) stands() bool {
	return c.stander != nil && c.opts.Crowd.until.Load() != 0 && c.opts.Crowd.is(time.Now()) &&
		(c.vain < mostVain || c.turns%tryVain == 0)
}

// stand waits for something to read without parking. Only who has the reader's role does.
func (c *Conn) stand() {
	for start := time.Now(); time.Since(start) < standing; {
		if c.stander.sight() != quietSocket {
			c.vain = 0
			return
		}
	}
	c.vain++
}

// newStander returns a peeker for who stands, nil if nc is no plain socket: what TLS has read
// ahead no look shows.
func newStander(nc net.Conn) *peeker {
	if p := newPeeker(nc); p != nil && !p.tls {
		return p
	}
	return nil
}
