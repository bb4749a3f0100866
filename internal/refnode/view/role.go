package view

// Replicate makes myself a replica of the master with the given id, as CLUSTER
// REPLICATE does. HasKeys says that there are keys here, which a master refuses.
func (v *View) Replicate(id string, hasKeys bool) error {
	n, ok := v.byID[id]
	switch {
	case !ok:
		return unknownNode(id)
	case n == v.me:
		return Error("Can't replicate myself")
	case n.IsReplica():
		return Error("I can only replicate a master, not a replica.")
	case v.me.IsMaster() && (v.me.slots > 0 || hasKeys):
		return Error("To set a master the node must be empty and without assigned slots.")
	}
	v.follow(n)
	return nil
}

// BecomeReplica makes myself a replica of the node with the given id without asking
// whether that is sensible: slots of mine become unassigned. It does nothing if the
// node is not known, is myself, or is my master already.
func (v *View) BecomeReplica(id string) {
	n, ok := v.byID[id]
	if !ok || n == v.me || v.replicates(n) {
		return
	}
	v.unbindAll(v.me)
	v.follow(n)
}

// follow makes myself, who has no slots, a replica of n.
func (v *View) follow(n *Node) {
	v.leaveShard(n)
	v.closeSlots()
	v.me.MasterID = n.ID
	v.changes.Master, v.changes.Promoted = n, false
}

// leaveShard notes which slots I no longer serve once n is my master.
func (v *View) leaveShard(n *Node) {
	for slot, owner := range v.owners {
		if owner != nil && owner != n && v.inMyShard(owner) {
			v.changes.Left = append(v.changes.Left, uint16(slot))
		}
	}
}

func (v *View) closeSlots() {
	clear(v.migrating)
	clear(v.importing)
}

// CheckFailover returns why CLUSTER FAILOVER is refused, nil if it is not.
func (v *View) CheckFailover(mode FailoverMode) error {
	if v.me.IsMaster() {
		return Error("You should send CLUSTER FAILOVER to a replica")
	}
	master := v.master(v.me)
	if master == nil {
		return Error("I'm a replica but my master is unknown to me")
	}
	if mode == Coordinated && (master.Fail || !master.Connected) {
		return Error("Master is down or failed, please use CLUSTER FAILOVER FORCE")
	}
	return nil
}

// Promote makes myself, a replica, the master of my master's slots, with a new epoch
// that nobody was asked about. It does nothing on a master, or if my master is not
// known. The old master stays a master, without slots, until it is heard to be none.
func (v *View) Promote() {
	old := v.master(v.me)
	if old == v.me || old == nil {
		return
	}
	v.BumpEpoch()
	v.becomeMaster()
	for slot, owner := range v.owners {
		if owner == old {
			v.bind(uint16(slot), v.me)
		}
	}
	v.changes.Announce = true
}

func (v *View) becomeMaster() {
	v.me.MasterID = ""
	v.changes.Master, v.changes.Promoted = nil, true
	v.stateChanged()
}
