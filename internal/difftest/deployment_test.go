package difftest

import "fmt"

// nodes is the number of masters of a deployment.
const nodes = 3

// A deployment is a cluster that can be compared with another: three masters that
// know each other and serve all slots, split evenly in order.
//
// Nothing but commands may change it. Nodes that gossip learn of a command that
// another node got, and when they do is chance: their bus has to be silent. So has
// whatever deletes expired keys unasked.
type deployment interface {
	// Addrs returns the addresses of the masters, in the order of their slots.
	Addrs() []string
}

// A place is a connection: which node it leads to, and which of those to this node.
type place struct{ node, lane int }

// The first lanes of each node are for random commands, so what state they are in
// is random too. Behind them are two that no command ever changes.
const (
	lanes = 3
	clean = lanes
	spare = lanes + 1
)

func (p place) String() string { return fmt.Sprintf("node%d/%d", p.node+1, p.lane) }
