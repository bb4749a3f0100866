package routing

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

// dialError marks what happened before there was a connection. It has no Unwrap,
// which go-redis would use to take the mark off.
type dialError struct{ err error }

func (e *dialError) Error() string        { return e.err.Error() }
func (e *dialError) Is(target error) bool { return errors.Is(e.err, target) }
func (e *dialError) As(target any) bool   { return errors.As(e.err, target) }

// dialer wraps dial for a pool of go-redis, whose dials end when router does. A pool
// prints each dial that fails, and after some of them dials no more than once a
// second: neither is wanted below a router that knows what to do. So it gets a
// connection all the same, one that fails at first use with what dial said.
func dialer(router context.Context, dial redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(router, cancel)()
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return failedConn{&dialError{err}}, nil
		}
		return conn, nil
	}
}

// failedConn is a connection that was never there.
type failedConn struct{ err error }

func (c failedConn) Read([]byte) (int, error)         { return 0, c.err }
func (c failedConn) Write([]byte) (int, error)        { return 0, c.err }
func (c failedConn) Close() error                     { return nil }
func (c failedConn) LocalAddr() net.Addr              { return noAddr{} }
func (c failedConn) RemoteAddr() net.Addr             { return noAddr{} }
func (c failedConn) SetDeadline(time.Time) error      { return nil }
func (c failedConn) SetReadDeadline(time.Time) error  { return nil }
func (c failedConn) SetWriteDeadline(time.Time) error { return nil }

// noAddr is the address of a connection that has no network.
type noAddr struct{}

func (noAddr) Network() string { return "none" }
func (noAddr) String() string  { return "none" }
