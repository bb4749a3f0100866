package view

// CurrentEpoch returns the highest epoch that I have heard of.
func (v *View) CurrentEpoch() uint64 { return v.epoch }

// RaiseEpoch makes the current epoch at least epoch, as every packet of a known node
// does.
func (v *View) RaiseEpoch(epoch uint64) { v.epoch = max(v.epoch, epoch) }

// BumpEpoch gives my slots a new epoch without asking anybody, unless mine is already
// the highest there is. It returns mine, and whether that is new.
func (v *View) BumpEpoch() (epoch uint64, bumped bool) {
	if v.me.ConfigEpoch != 0 && v.me.ConfigEpoch == v.epoch {
		return v.me.ConfigEpoch, false
	}
	return v.newEpoch(), true
}

func (v *View) newEpoch() uint64 {
	v.epoch++
	v.me.ConfigEpoch = v.epoch
	return v.epoch
}

// ResolveCollision gives my slots a new epoch if the master with the given id claims
// its own with the same as mine, and its id is the greater. So all end up with
// different epochs.
func (v *View) ResolveCollision(id string) (bumped bool) {
	n, ok := v.byID[id]
	if !ok || !n.IsMaster() || !v.me.IsMaster() || n.ConfigEpoch != v.me.ConfigEpoch || n.ID <= v.me.ID {
		return false
	}
	v.newEpoch()
	return true
}

// SetConfigEpoch sets the epoch of a node that is entirely new, as CLUSTER
// SET-CONFIG-EPOCH does.
func (v *View) SetConfigEpoch(epoch int64) error {
	switch {
	case epoch < 0:
		return errorf("Invalid config epoch specified: %d", epoch)
	case len(v.nodes) > 1:
		return Error("The user can assign a config epoch only when the node does not know any other node.")
	case v.me.ConfigEpoch != 0:
		return Error("Node config epoch is already non-zero")
	}
	v.me.ConfigEpoch = uint64(epoch)
	v.RaiseEpoch(v.me.ConfigEpoch)
	return nil
}

// shownEpoch returns the ConfigEpoch that n announces: a replica its master's.
func (v *View) shownEpoch(n *Node) uint64 {
	if master := v.master(n); master != nil {
		return master.ConfigEpoch
	}
	return n.ConfigEpoch
}
