package routing

import (
	"errors"

	"github.com/slotmesh/slotmesh/internal/wire"
)

// node is one cluster node as the router sees it: an address, and the connections
// to it.
type node struct {
	addr string
	peer *wire.Peer

	retries *budget
}

// errNodeGone means that the node left while an op was on its way to it.
var errNodeGone = errors.New("node left the cluster")

// newNode returns a node to which no connection is open yet.
func newNode(addr string, opts wire.PeerOptions, retries int) *node {
	return &node{addr: addr, peer: wire.NewPeer(opts), retries: newBudget(retries)}
}
