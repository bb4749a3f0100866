package clustertest

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/slotmesh/slotmesh/internal/refnode"
	"github.com/slotmesh/slotmesh/internal/refnode/transport"
	"github.com/slotmesh/slotmesh/internal/refnode/view"
)

// A member is one node of the cluster, across restarts.
type member struct {
	cluster *Cluster
	addr    string
	gate    *transport.Gate // between it and its clients
	faults  faults
	seen    commandLog
	pausing chan struct{} // held by pause

	mu     sync.Mutex
	node   *refnode.Node // nil: down
	saved  *view.View    // what it knew when it went down
	resume func()        // set while it is paused
	lags   bool          // it hears nothing from the others
}

// start starts the node, which is down.
func (m *member) start(ctx context.Context) error {
	node, err := refnode.Start(ctx, refnode.Config{
		Addr:      m.addr,
		View:      m.saved,
		Password:  m.cluster.cfg.Password,
		Network:   memberNetwork{m},
		Intercept: m.intercept,
		Wrap:      transport.Link{In: m.gate, Out: m.gate}.Wrap,
		Changed:   m.cluster.spreadLater,
	})
	if err != nil {
		return fmt.Errorf("clustertest: %w", err)
	}
	if m.addr == "" {
		m.addr = node.Addr() // for good
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.node = node
	return nil
}

// stop ends the node, and reports whether it was up. If another stop is under way it waits
// for that.
func (m *member) stop() (wasUp bool, err error) {
	node, down := m.up()
	if down != nil {
		return false, nil
	}
	err = node.Close()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.node != node {
		return false, err
	}
	m.node, m.resume, m.saved = nil, nil, node.Saved()
	return true, err
}

// pause pauses the node, and reports whether it was not paused already. What it waits for
// may be virtual time, so mu is not held meanwhile: Kill does not wait.
func (m *member) pause() (paused bool, err error) {
	m.pausing <- struct{}{}
	defer func() { <-m.pausing }()
	node, err := m.up()
	if err != nil || m.isPaused() {
		return false, err
	}
	resume, err := node.Pause()
	if err != nil {
		return false, fmt.Errorf("clustertest: pause %s: %w", m.addr, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.node == node {
		m.resume = resume
	}
	return true, nil
}

func (m *member) isPaused() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.resume != nil
}

// up returns the node, or an error if it is down.
func (m *member) up() (*refnode.Node, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.node == nil {
		return nil, fmt.Errorf("clustertest: %s is down", m.addr)
	}
	return m.node, nil
}

// says returns what the node says about itself.
func (m *member) says() (refnode.Claim, error) {
	node, err := m.up()
	if err != nil {
		return refnode.Claim{}, err
	}
	return node.Says()
}

// do runs a command on the node, whatever lies between it and its clients.
func (m *member) do(ctx context.Context, args ...any) (reply []byte, err error) {
	node, err := m.up()
	if err != nil {
		return nil, err
	}
	reply, err = node.Do(ctx, args...)
	if err == nil && reply[0] == '-' {
		err = fmt.Errorf("%s", reply[1:len(reply)-2])
	}
	if err != nil {
		return nil, fmt.Errorf("clustertest: %v at %s: %w", args[0], m.addr, err)
	}
	return reply, nil
}

// memberNetwork is the network as one node sees it: its links to the other nodes are
// apart from those of clients.
type memberNetwork struct{ from *member }

func (n memberNetwork) Listen(ctx context.Context, addr string) (net.Listener, error) {
	return n.from.cluster.network.Listen(ctx, addr)
}

func (n memberNetwork) Dial(ctx context.Context, addr string) (net.Conn, error) {
	c := n.from.cluster
	to, err := c.member(addr)
	if err != nil {
		return c.network.Dial(ctx, addr)
	}
	link := c.link(n.from, to)
	if err := link.Wait(ctx); err != nil {
		return nil, err
	}
	node, err := to.up()
	if err != nil {
		return nil, err
	}
	client, server := transport.Pipe(tcpAddr(n.from.addr), tcpAddr(addr))
	node.ServeConn(transport.Link{In: link, Out: link}.Wrap(server))
	return client, nil
}

func tcpAddr(addr string) *net.TCPAddr {
	a, _ := net.ResolveTCPAddr("tcp", addr) // of a listener, so it is one
	return a
}
