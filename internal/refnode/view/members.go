package view

// Meet makes n known, or replaces what is known of it but its slots. A master that
// becomes a replica loses them. The current epoch rises to n's. About myself nobody
// else knows better: then Meet does nothing.
func (v *View) Meet(n Node) {
	if n.ID == v.me.ID {
		return
	}
	known, ok := v.byID[n.ID]
	if !ok {
		known = &Node{ID: n.ID}
		v.insert(known)
	}
	n.slots = known.slots
	*known = n
	if n.NoAddr {
		known.IP, known.Port, known.BusPort = "", 0, 0
	}
	if known.IsReplica() {
		v.unbindAll(known)
	}
	v.RaiseEpoch(n.ConfigEpoch)
	v.stateChanged()
}

// SetHealth says whether the node with the given id is out of reach, and whether the
// cluster agrees that it is down. It reports whether there is such a node.
func (v *View) SetHealth(id string, pfail, fail bool) (ok bool) {
	n, ok := v.byID[id]
	if !ok {
		return false
	}
	n.PFail, n.Fail = pfail, fail
	v.stateChanged()
	return true
}

// Forget makes the node with the given id unknown, as CLUSTER FORGET does: its slots
// are unassigned, those open to it are closed, its replicas have a master that is
// not known.
func (v *View) Forget(id string) error {
	n, ok := v.byID[id]
	switch {
	case !ok:
		return unknownNode(id)
	case n == v.me:
		return Error("I tried hard but I can't forget myself...")
	case v.replicates(n):
		return Error("Can't forget my master!")
	}
	v.forget(n)
	return nil
}

func (v *View) forget(n *Node) {
	closeTo(v.migrating, n)
	closeTo(v.importing, n)
	v.unbindAll(n)
	v.remove(n)
}

func closeTo(open map[uint16]*Node, n *Node) {
	for slot, peer := range open {
		if peer == n {
			delete(open, slot)
		}
	}
}

// Reset makes myself a master without slots that knows nobody, as CLUSTER RESET
// does; if newID is not empty, CLUSTER RESET HARD, which starts over under another ID
// with all epochs 0. HasKeys says that there are keys here, which a master refuses.
// A replica is promoted and must flush them.
func (v *View) Reset(newID string, hasKeys bool) error {
	if v.me.IsMaster() && hasKeys {
		return Error("CLUSTER RESET can't be called with master nodes containing keys")
	}
	for slot := range v.owners {
		v.unbind(uint16(slot))
	}
	if v.me.IsReplica() {
		v.becomeMaster()
		v.changes.Flush = true
	}
	v.closeSlots()
	for _, n := range v.Nodes()[1:] {
		v.forget(n)
	}
	if newID != "" {
		v.rename(newID)
		v.epoch, v.me.ConfigEpoch = 0, 0
	}
	return nil
}

func (v *View) rename(id string) {
	delete(v.byID, v.me.ID)
	v.me.ID = id
	v.byID[id] = v.me
}
