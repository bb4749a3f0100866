package transport

import (
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// A pipe is one end of a connection in memory.
type pipe struct {
	in, out       *stream
	local, remote *net.TCPAddr

	abort  atomic.Bool // Close resets the connection
	closed atomic.Bool
}

// Pipe returns both ends of a connection between two addresses that is on no network.
func Pipe(from, to *net.TCPAddr) (client, server net.Conn) { return newPipe(from, to) }

// newPipe returns both ends of a connection.
func newPipe(a, b *net.TCPAddr) (*pipe, *pipe) {
	toA, toB := new(stream), new(stream)
	toA.init()
	toB.init()
	return &pipe{in: toA, out: toB, local: a, remote: b}, &pipe{in: toB, out: toA, local: b, remote: a}
}

func (c *pipe) LocalAddr() net.Addr  { return c.local }
func (c *pipe) RemoteAddr() net.Addr { return c.remote }

func (c *pipe) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, opError(c, "read", err)
}

func (c *pipe) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	return n, opError(c, "write", err)
}

// Close closes both directions. The other end reads what was written, and then
// io.EOF; or a reset, if SetLinger(0) was called, or bytes were left unread here.
func (c *pipe) Close() error {
	if c.closed.Swap(true) {
		return opError(c, "close", net.ErrClosed)
	}
	reset := c.abort.Load()
	unread := c.in.closeReader(reset)
	c.out.closeWriter(net.ErrClosed, reset || unread)
	return nil
}

// CloseWrite closes the direction that this end writes.
func (c *pipe) CloseWrite() error {
	if c.closed.Load() {
		return opError(c, "close", net.ErrClosed)
	}
	c.out.closeWriter(syscall.EPIPE, false)
	return nil
}

// SetLinger is that of *net.TCPConn: with 0, Close resets the connection.
func (c *pipe) SetLinger(sec int) error {
	if c.closed.Load() {
		return opError(c, "set", net.ErrClosed)
	}
	c.abort.Store(sec == 0)
	return nil
}

func (c *pipe) SetDeadline(t time.Time) error {
	return c.setDeadline(t, true, true)
}

func (c *pipe) SetReadDeadline(t time.Time) error {
	return c.setDeadline(t, true, false)
}

func (c *pipe) SetWriteDeadline(t time.Time) error {
	return c.setDeadline(t, false, true)
}

func (c *pipe) setDeadline(t time.Time, read, write bool) error {
	if c.closed.Load() {
		return opError(c, "set", net.ErrClosed)
	}
	if read {
		c.in.setDeadline(&c.in.readBy, t)
	}
	if write {
		c.out.setDeadline(&c.out.writeBy, t)
	}
	return nil
}

// opError wraps err as package net does for an operation on c.
func opError(c net.Conn, op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	if errno, ok := err.(syscall.Errno); ok {
		err = os.NewSyscallError(op, errno)
	}
	return &net.OpError{Op: op, Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}
