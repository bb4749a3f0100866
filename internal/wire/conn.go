package wire

import (
	"errors"
	"net"
	"sync"
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

	// WriteTimeout is how long one Write may take. 0 or less: for ever.
	WriteTimeout time.Duration
}

// A Conn is one connection to a node, shared by its callers, who drive it: who submits
// writes, for others too, and who waits reads, for others too. There are two roles, writer
// and reader, and at any time at most one holder of each. Its methods are safe for
// concurrent use.
type Conn struct {
	nc   net.Conn
	opts Options

	mu    sync.Mutex
	cause error // why it ended; nil while it is open

	// Writing. Offsets count the bytes of all requests ever submitted.
	out      []segment // what lies between handed and appended
	spare    []byte    // a buffer that was written
	spareOut []segment // an out that was written
	writing  bool      // somebody has the writer's role
	appended int64     // end of what was submitted
	handed   int64     // end of what was handed to Write
	progress time.Time // when a slice was written that the first reply had to wait for
	yield    yield

	// Reading.
	queue   queue // exchanges whose replies are to come, in order
	reading bool  // somebody has the reader's role
	watcher bool  // it is the watcher
	limited bool  // that gives up a connection that is silent
	turns   int64 // how often a caller took the role
	heard   time.Time
	wakes   []chan struct{} // empty, to be lent to those who wait

	// The reader's own, whoever that is.
	buf    []byte
	scan   resp.Scanner
	midway bool // a reply has begun that is not complete
	asked  bool // it is one to the first in the queue, or a push

	ended chan struct{} // closed with the connection
	work  sync.WaitGroup
}

// NewConn makes a Conn of nc, which it closes. The caller must call Close.
func NewConn(nc net.Conn, opts Options) *Conn {
	c := &Conn{
		nc: nc, opts: opts, heard: time.Now(),
		buf: make([]byte, bufferSize), ended: make(chan struct{}),
	}
	c.work.Go(c.watch)
	return c
}

// bufferSize is how much is read at once.
const bufferSize = 64 << 10

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
	return c.queue.len()
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
	close(c.ended)
	_ = c.nc.Close()
	c.out = nil
	for x := c.queue.pop(); x != nil; x = c.queue.pop() {
		x.wakeUp()
	}
}
