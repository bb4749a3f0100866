package transport

import (
	"context"
	"net"
	"syscall"
)

// backlog is how many connections wait for Accept before a Dial has to wait too.
const backlog = 128

// A listener is that of a Memory.
type listener struct {
	addr   *net.TCPAddr
	remove func() // takes it off the network

	monitor
	waiting []*pipe // dialed, and not accepted
	closed  bool
}

func (l *listener) Addr() net.Addr { return l.addr }

func (l *listener) Accept() (net.Conn, error) {
	l.Lock()
	defer l.Unlock()
	for len(l.waiting) == 0 && !l.closed {
		l.changed.Wait()
	}
	if l.closed {
		return nil, l.opError("accept", net.ErrClosed)
	}
	conn := l.waiting[0]
	l.waiting = l.waiting[1:]
	l.changed.Broadcast()
	return conn, nil
}

// Close ends Accept, and resets what it has not returned.
func (l *listener) Close() error {
	l.Lock()
	if l.closed {
		l.Unlock()
		return l.opError("close", net.ErrClosed)
	}
	l.closed = true
	refused := l.waiting
	l.waiting = nil
	l.changed.Broadcast()
	l.Unlock()
	l.remove()
	for _, conn := range refused {
		Reset(conn)
	}
	return nil
}

// offer hands conn to Accept, sooner or later. It waits for room in the backlog.
func (l *listener) offer(ctx context.Context, conn *pipe) error {
	l.Lock()
	defer l.Unlock()
	if len(l.waiting) >= backlog {
		defer context.AfterFunc(ctx, l.wake)()
	}
	for !l.closed && ctx.Err() == nil && len(l.waiting) >= backlog {
		l.changed.Wait()
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case l.closed:
		return syscall.ECONNREFUSED
	}
	l.waiting = append(l.waiting, conn)
	l.changed.Broadcast()
	return nil
}

func (l *listener) wake() {
	l.Lock()
	defer l.Unlock()
	l.changed.Broadcast()
}

func (l *listener) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: l.addr.Network(), Addr: l.addr, Err: err}
}
