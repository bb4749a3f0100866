package view

import "slices"

// Changes is what the owner of a [View] has to act on, gathered over all calls since
// it last asked.
type Changes struct {
	// Master is set if I became a replica, or got another master: replicate it, and
	// if I was a master, let go of the clients that are blocked.
	Master *Node

	// Promoted is set if I was a replica and now am a master: stop replicating.
	Promoted bool

	// Flush is set if all data must be deleted, as a replica that is reset does.
	Flush bool

	// Announce is set if every node should hear at once of my slots, role or epoch.
	Announce bool

	// Left are the slots that were taken from my shard, be it to be bound again:
	// subscriptions to their shard channels end.
	Left []uint16

	// Dirty are slots that I lost to a better claim while I had keys in them: delete
	// the keys.
	Dirty []uint16
}

// TakeChanges returns what is to be done after the calls since TakeChanges was
// last called. A node calls it after everything that may have changed its view.
func (v *View) TakeChanges() Changes {
	c := v.changes
	v.changes = Changes{}
	return c
}

// bind makes n the owner of slot, whoever was.
func (v *View) bind(slot uint16, n *Node) {
	v.unbind(slot)
	v.owners[slot] = n
	v.assigned++
	n.slots++
	v.stateChanged()
}

func (v *View) unbind(slot uint16) {
	owner := v.owners[slot]
	if owner == nil {
		return
	}
	if v.inMyShard(owner) {
		v.changes.Left = append(v.changes.Left, slot)
	}
	v.owners[slot] = nil
	v.disowned.Remove(slot)
	v.assigned--
	owner.slots--
	v.stateChanged()
}

func (v *View) unbindAll(owner *Node) {
	for slot, n := range v.owners {
		if n == owner {
			v.unbind(uint16(slot))
		}
	}
}

// inMyShard reports whether n is myself or my master: whose slots I serve.
func (v *View) inMyShard(n *Node) bool { return n == v.me || v.replicates(n) }

// replicates reports whether n is my master.
func (v *View) replicates(n *Node) bool { return v.me.IsReplica() && v.me.MasterID == n.ID }

// master returns the master of n: itself, or nil if it is a replica of a node that
// is not known.
func (v *View) master(n *Node) *Node {
	if !n.IsReplica() {
		return n
	}
	return v.byID[n.MasterID]
}

// replicasOf returns the known replicas of the node with the given ID.
func (v *View) replicasOf(id string) []*Node {
	return slices.DeleteFunc(v.Nodes(), func(n *Node) bool { return n.MasterID != id })
}
