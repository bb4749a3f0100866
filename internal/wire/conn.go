package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// ErrClosed is why exchanges end whose connection the client has closed.
var ErrClosed = errors.New("the connection is closed")

// ErrSilent means that a node has answered nothing for too long. It is a timeout.
var ErrSilent error = silent{}

type silent struct{}

func (silent) Error() string   { return "no reply within the read timeout" }
func (silent) Timeout() bool   { return true }
func (silent) Temporary() bool { return true }

// Options are those of a connection that is past its handshake.
type Options struct {
	// ReadTimeout is how long a connection with unanswered requests may be silent before
	// it is given up. 0 or less: for ever.
	ReadTimeout time.Duration

	// WriteTimeout is how long one Write may take, or up to half as long again. 0 or less:
	// for ever.
	WriteTimeout time.Duration

	// Late, if set, is called when the first reply that is to come is late: it may be that
	// all wait behind it while the node is well. It must not block. turn is for HoldUp.
	Late func(c *Conn, turn int64)

	// Crowd may be shared with other connections.
	Crowd *Crowd

	// Buffer is how much is read at once. Defaults to 64 KiB.
	Buffer int

	// Unbuffered is for connections that do not take even a small Write before the node
	// reads: no caller writes to them.
	Unbuffered bool
}

// A Conn is one connection to a node, shared by its callers, who drive it: who submits
// writes, for others too, and who waits reads, for others too. There are two roles, writer
// and reader, and at any time at most one holder of each. Its methods are safe for
// concurrent use.
type Conn struct {
	nc    net.Conn
	opts  Options
	state atomic.Uint32 // for those who choose a connection; written under mu

	born uint64 // the peer's generation when it was dialled

	peeker  *peeker // nil if nc has no socket; c.mu is held to use it
	stander *peeker // of who stands; nil if nc is no plain socket

	mu    sync.Mutex
	cause error // why it ended; nil while it is open
	as    login

	// Writing. Offsets count the bytes of all requests ever submitted.
	out      []segment // what lies between handed and appended
	spare    []byte    // a buffer that was written
	spareOut []segment // an out that was written
	writing  bool      // somebody has the writer's role
	submits  int64     // how many exchanges were submitted
	appended int64     // end of what was submitted
	handed   int64     // end of what was handed to Write
	progress time.Time // when a slice was written that the first reply had to wait for
	writeBy  time.Time // the writer's own: until when a Write may take

	writeYield, readYield yield

	// Reading.
	queue   queue // exchanges whose replies are to come, in order
	reading bool  // somebody has the reader's role
	watcher bool  // it is the watcher
	limited bool  // that gives up a connection that is silent
	turns   int64 // how often a caller took the role
	heard   time.Time
	replied time.Time // when the last reply was complete
	replies int64     // how many were
	late    bool      // the next one is, and Late was told
	waiters int       // callers that others wake
	parked  bool      // the watcher waits for unpark
	unpark  chan struct{}

	readBy   deadline
	readsFor context.Context // of the caller who reads, if it can end
	readsTo  time.Time       // its deadline, if that is soon
	unwatch  func() bool     // ends that its end ends the read
	ticker   *time.Timer
	ticking  bool
	slow     bool  // the last reply that its caller read took long
	tickTurn int64 // turns at the last tick

	// The reader's own, whoever that is.
	vain   int // times in a row that it stood in vain
	buf    []byte
	woken  []chan signal // of those whose replies have come
	scan   resp.Scanner
	midway bool // a reply has begun that is not complete
	asked  bool // it is one to the first in the queue, or a push

	ended chan struct{} // closed with the connection
	work  sync.WaitGroup
}

// NewConn makes a Conn of nc, which it closes. The caller must call Close.
func NewConn(nc net.Conn, opts Options) *Conn {
	if opts.Crowd == nil {
		opts.Crowd = new(Crowd)
	}
	if opts.Buffer <= 0 {
		opts.Buffer = defaultBuffer
	}
	c := &Conn{
		nc: nc, peeker: newPeeker(nc), stander: newStander(nc), opts: opts, heard: time.Now(), buf: make([]byte, opts.Buffer),
		unpark: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	c.ticker = time.AfterFunc(time.Hour, c.tick)
	c.ticker.Stop()
	c.work.Go(c.watch)
	return c
}

const defaultBuffer = 64 << 10

// The states of a connection, as those see it who choose one.
const (
	free    uint32 = iota // of all that follows
	heldUp                // by something that may be sent once only, and holds up what is like it
	jammed                // by something else: whatever is sent waits
	leaving               // takes nothing more, and ends when the last reply was read
	hasEnded
)

// Err returns why the connection has ended, nil while it is open.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause
}

// Unanswered returns how many exchanges wait for replies.
func (c *Conn) Unanswered() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	c.queue.each(func(*Exchange) bool { n++; return true })
	return n
}

// Takes reports whether an exchange that is sent now need not wait behind something that
// holds up the connection. It is false of one that has ended, or is about to.
func (c *Conn) Takes(movable bool) bool {
	s := c.state.Load()
	return s == free || s == heldUp && !movable
}

// Gone reports whether the connection takes nothing more.
func (c *Conn) Gone() bool { return c.state.Load() >= leaving }

// Retire makes the connection end as soon as nobody waits for a reply any more. It takes
// nothing more.
func (c *Conn) Retire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.retire()
}

func (c *Conn) retire() {
	if c.cause != nil {
		return
	}
	c.state.Store(leaving)
	c.endIfUnwanted()
}

// endIfUnwanted ends a connection that takes nothing more and has no reply to come that
// somebody waits for. c.mu is held.
func (c *Conn) endIfUnwanted() {
	wanted := false
	c.queue.each(func(x *Exchange) bool {
		wanted = !x.abandoned
		return !wanted
	})
	if !wanted {
		c.failLocked(ErrClosed)
	}
}

// refusal returns why x is not sent, nil if it is. c.mu is held.
func (c *Conn) refusal(x *Exchange) error {
	switch s := c.state.Load(); {
	case c.cause != nil:
		return c.cause
	case s == leaving:
		return ErrClosed
	case x.Movable && (s == heldUp || s == jammed):
		return ErrHeldUp
	}
	return nil
}

// Close ends the connection and everything that waits on it, with ErrClosed. It returns
// when nothing of it runs any more.
func (c *Conn) Close() {
	c.fail(ErrClosed)
	c.work.Wait()
}

// fail ends the connection, for the first cause that it is given.
func (c *Conn) fail(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failLocked(cause)
}

func (c *Conn) failLocked(cause error) {
	if c.cause != nil {
		return
	}
	c.cause = cause
	c.state.Store(hasEnded)
	close(c.ended)
	c.ticker.Stop()
	c.hangUp()
	c.out = nil
	for x := c.queue.pop(); x != nil; x = c.queue.pop() {
		c.wakeUp(x)
	}
}

// hangUp closes the network connection. TLS would say goodbye first, and wait for that.
func (c *Conn) hangUp() {
	if over, ok := c.nc.(*tls.Conn); ok {
		_ = over.NetConn().Close()
		return
	}
	_ = c.nc.Close()
}
