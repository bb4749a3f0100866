// Package transport is how bytes get to and from a node: over loopback TCP, or
// over a network in memory that works inside a testing/synctest bubble. Both take
// the same disturbances: a [Gate] that holds back what is sent and received, and
// the reset of every connection at once. The [Clock] of the node is here too.
package transport

import (
	"context"
	"net"
)

// A Network is where a node listens and dials. Its connections fail with the
// errors of package net: *net.OpError around a syscall.Errno,
// os.ErrDeadlineExceeded or net.ErrClosed, and a bare io.EOF. It is safe for
// concurrent use.
type Network interface {
	// Listen listens at addr, a host and a port. Port 0 picks a free one, which the
	// listener's Addr tells. ctx bounds the call, not the listener.
	Listen(ctx context.Context, addr string) (net.Listener, error)

	// Dial connects to the listener at addr. ctx bounds the call, not the
	// connection. The connection may be there before it is accepted.
	Dial(ctx context.Context, addr string) (net.Conn, error)
}

// TCP returns the network of the machine.
func TCP() Network { return tcp{} }

type tcp struct{}

func (tcp) Listen(ctx context.Context, addr string) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", addr)
}

func (tcp) Dial(ctx context.Context, addr string) (net.Conn, error) {
	var dialer net.Dialer
	return dialer.DialContext(ctx, "tcp", addr)
}
