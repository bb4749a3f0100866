package routing

import (
	"errors"
	"sync/atomic"

	"github.com/slotmesh/slotmesh/internal/wire"
)

// node is one cluster node as the router sees it: an address, and the connections
// to it.
type node struct {
	addr   string
	peer   *wire.Peer
	refs   atomic.Int64
	closed func(*node) // called when the last reference was released; may be nil
}

// errNodeGone means that the node left while an op was on its way to it.
var errNodeGone = errors.New("node left the cluster")

// newNode returns a node with one reference, to which no connection is open yet.
func newNode(addr string, opts wire.PeerOptions) *node {
	n := &node{addr: addr, peer: wire.NewPeer(opts)}
	n.refs.Store(1)
	return n
}

// hold keeps the connections open until release. It is false for a node that is
// gone.
func (n *node) hold() bool {
	for {
		refs := n.refs.Load()
		if refs == 0 {
			return false
		}
		if n.refs.CompareAndSwap(refs, refs+1) {
			return true
		}
	}
}

// release gives one reference back; the last one closes the connections.
func (n *node) release() {
	if n.refs.Add(-1) > 0 {
		return
	}
	n.close()
	if n.closed != nil {
		n.closed(n)
	}
}

// close breaks all connections at once.
func (n *node) close() { n.peer.Close() }
