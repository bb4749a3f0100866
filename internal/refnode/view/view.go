// Package view is what one node knows of its cluster, itself included, and every
// decision that follows from that alone: whether a command is served here, what the
// CLUSTER commands answer and change, whose claim to a slot counts, whether the
// cluster is up.
//
// It has no sockets, clocks, goroutines or locks: whoever owns a [View] holds a lock
// of its own around every call. What an owner has to do after a call, such as to
// start replicating, it learns from [View.TakeChanges].
package view

import (
	"cmp"
	"slices"

	"github.com/slotmesh/slotmesh/hashtag"
)

// A View is what one node knows of its cluster. It is not safe for concurrent use.
type View struct {
	me    *Node
	nodes []*Node // me first, the others by ID
	byID  map[string]*Node

	settings Settings
	epoch    uint64 // currentEpoch, at least every node's ConfigEpoch

	owners   [hashtag.Slots]*Node
	assigned int     // slots with an owner
	disowned SlotSet // slots whose owner no longer claims them

	migrating map[uint16]*Node // the open slots, to whom they go
	importing map[uint16]*Node // and from whom they come

	state      State // if stateKnown
	stateKnown bool

	changes Changes
}

// New returns the view of a node that knows only itself. Its settings are
// [DefaultSettings], its current epoch is its ConfigEpoch.
func New(self Node) *View {
	me := &self
	return &View{
		me: me, nodes: []*Node{me}, byID: map[string]*Node{me.ID: me},
		settings:  DefaultSettings(),
		epoch:     me.ConfigEpoch,
		migrating: map[uint16]*Node{},
		importing: map[uint16]*Node{},
	}
}

// Myself returns the node whose view this is. See [View.Node] for what may be
// changed in it.
func (v *View) Myself() *Node { return v.me }

// MyID returns the answer to CLUSTER MYID.
func (v *View) MyID() string { return v.me.ID }

// Node returns the known node with the given id. The pointer stays the same as long
// as the node is known. Addresses, offset, times and links may be changed in place;
// role, epoch and health only through the methods of the View, since decisions
// depend on them.
func (v *View) Node(id string) (n *Node, ok bool) {
	n, ok = v.byID[id]
	return n, ok
}

// Known is Node for an ID that a client has sent: its error is an [Error].
func (v *View) Known(id string) (*Node, error) {
	if n, ok := v.byID[id]; ok {
		return n, nil
	}
	return nil, unknownNode(id)
}

// Nodes returns the known nodes, myself first, the others by ID.
func (v *View) Nodes() []*Node { return slices.Clone(v.nodes) }

// Owner returns the master that slot is bound to, nil if it is unassigned.
func (v *View) Owner(slot uint16) *Node { return v.owners[slot] }

// Migrating returns the node to which slot is being migrated, nil if it is not.
func (v *View) Migrating(slot uint16) *Node { return v.migrating[slot] }

// Importing returns the node from which slot is being imported, nil if it is not.
func (v *View) Importing(slot uint16) *Node { return v.importing[slot] }

// Slots returns how many slots are bound to myself. [Node.Slots] has the number of
// any other node, [View.Ranges] which they are.
func (v *View) Slots() int { return v.me.slots }

// Assigned returns how many slots have an owner.
func (v *View) Assigned() int { return v.assigned }

// Settings returns the settings in force.
func (v *View) Settings() Settings { return v.settings }

// Set replaces the settings.
func (v *View) Set(s Settings) {
	v.settings = s
	v.stateChanged()
}

// insert adds a node that is not known yet.
func (v *View) insert(n *Node) {
	others := v.nodes[1:]
	i, _ := slices.BinarySearchFunc(others, n.ID, func(o *Node, id string) int { return cmp.Compare(o.ID, id) })
	v.nodes = slices.Insert(v.nodes, 1+i, n)
	v.byID[n.ID] = n
}

func (v *View) remove(n *Node) {
	v.nodes = slices.DeleteFunc(v.nodes, func(o *Node) bool { return o == n })
	delete(v.byID, n.ID)
}
