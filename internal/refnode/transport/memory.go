package transport

import (
	"context"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"syscall"
)

const (
	firstListenPort = 10000
	firstDialPort   = 32768
	lastPort        = 65535
)

// Memory is a network without sockets: what it connects are goroutines of this
// process, by buffers of 256 KiB for each direction. It behaves as loopback TCP on
// Linux does, and its addresses look so: 127.0.0.1:10000 is the first that port 0
// picks.
//
// Every wait in it is durably blocking for a testing/synctest bubble, and
// deadlines are those of the bubble's time. Connections made in a bubble are to be
// used in it alone. A Memory runs no goroutine and needs no Close.
//
// Its Dial fits go-redis:
//
//	Dialer: func(ctx context.Context, _, addr string) (net.Conn, error) { return memory.Dial(ctx, addr) }
type Memory struct {
	mu        sync.Mutex
	listeners map[netip.AddrPort]*listener
	nextPort  int // where the search for a free port starts
	dialPort  int // of the connection to come; used again after 32768 others
}

// NewMemory returns a network where nobody listens yet.
func NewMemory() *Memory {
	return &Memory{
		listeners: make(map[netip.AddrPort]*listener),
		nextPort:  firstListenPort,
		dialPort:  firstDialPort,
	}
}

// Listen listens at addr. Its host is an IP address, localhost or empty, where the
// last two, and 0.0.0.0, are 127.0.0.1. Port 0 picks the ports in turn, so that one
// that was closed is not soon in use again.
func (m *Memory) Listen(ctx context.Context, addr string) (net.Listener, error) {
	at, err := resolve(addr)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Err: err}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if at.Port() == 0 {
		at = m.free(at.Addr())
	}
	if m.listeners[at] != nil || at.Port() == 0 {
		err := os.NewSyscallError("bind", syscall.EADDRINUSE)
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: net.TCPAddrFromAddrPort(at), Err: err}
	}
	l := &listener{addr: net.TCPAddrFromAddrPort(at), remove: func() { m.remove(at) }}
	l.init()
	m.listeners[at] = l
	return l, nil
}

func (m *Memory) remove(at netip.AddrPort) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.listeners, at)
}

// free returns the next port where nobody listens, port 0 if there is none.
func (m *Memory) free(ip netip.Addr) netip.AddrPort {
	for range lastPort - firstListenPort + 1 {
		at := netip.AddrPortFrom(ip, uint16(m.nextPort))
		if m.nextPort++; m.nextPort > lastPort {
			m.nextPort = firstListenPort
		}
		if m.listeners[at] == nil {
			return at
		}
	}
	return netip.AddrPortFrom(ip, 0)
}

// Dial connects to the listener at addr, a host and a port as Listen has them.
// Where nobody listens it fails with syscall.ECONNREFUSED. It waits, until ctx is
// done, only for a listener with 128 connections that were not accepted.
func (m *Memory) Dial(ctx context.Context, addr string) (net.Conn, error) {
	at, err := resolve(addr)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
	conn, err := m.connect(ctx, at)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(at), Err: err}
	}
	return conn, nil
}

func (m *Memory) connect(ctx context.Context, at netip.AddrPort) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l, port := m.lookup(at)
	if l == nil {
		return nil, os.NewSyscallError("connect", syscall.ECONNREFUSED)
	}
	from := net.TCPAddrFromAddrPort(netip.AddrPortFrom(at.Addr(), port))
	client, server := newPipe(from, l.addr)
	if err := l.offer(ctx, server); err != nil {
		return nil, os.NewSyscallError("connect", err)
	}
	return client, nil
}

// lookup returns the listener at an address, nil if there is none, and a port for
// who dials it.
func (m *Memory) lookup(at netip.AddrPort) (*listener, uint16) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l, port := m.listeners[at], m.dialPort
	if m.dialPort++; m.dialPort > lastPort {
		m.dialPort = firstDialPort
	}
	return l, uint16(port)
}

// resolve parses addr, without a resolver: it knows no name but localhost.
func resolve(addr string) (netip.AddrPort, error) {
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return netip.AddrPort{}, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return netip.AddrPort{}, &net.AddrError{Err: "invalid port", Addr: addr}
	}
	loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if host == "" || host == "localhost" {
		return netip.AddrPortFrom(loopback, uint16(port)), nil
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if ip.IsUnspecified() {
		ip = loopback
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(port)), nil
}
