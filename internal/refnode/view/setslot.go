package view

// SetSlot does what CLUSTER SETSLOT says; args, at least two, begin with the slot.
// HasKeys reports whether there are keys here in a slot. Errors are [Error].
func (v *View) SetSlot(args [][]byte, hasKeys func(slot uint16) bool) error {
	if err := v.checkSetSlot(); err != nil {
		return err
	}
	slot, err := parseSlot(args[0])
	if err != nil {
		return err
	}
	action, id := args[1], ""
	if len(args) == 3 {
		id = string(args[2])
	}
	switch {
	case len(args) == 3 && isWord(action, "migrating"):
		return v.SetMigrating(slot, id)
	case len(args) == 3 && isWord(action, "importing"):
		return v.SetImporting(slot, id)
	case len(args) == 2 && isWord(action, "stable"):
		return v.SetStable(slot)
	case len(args) == 3 && isWord(action, "node"):
		return v.SetNode(slot, id, hasKeys(slot))
	default:
		return Error("Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP")
	}
}

func (v *View) checkSetSlot() error {
	if v.me.IsReplica() {
		return Error("Please use SETSLOT only with masters.")
	}
	return nil
}

// SetMigrating opens slot, which must be mine, towards the master with the given id.
func (v *View) SetMigrating(slot uint16, id string) error {
	if err := v.checkSetSlot(); err != nil {
		return err
	}
	if v.owners[slot] != v.me {
		return errorf("I'm not the owner of hash slot %d", slot)
	}
	peer, err := v.peer(id)
	if err != nil {
		return err
	}
	v.migrating[slot] = peer
	return nil
}

// SetImporting opens slot, which must not be mine, for keys from the master with the
// given id.
func (v *View) SetImporting(slot uint16, id string) error {
	if err := v.checkSetSlot(); err != nil {
		return err
	}
	if v.owners[slot] == v.me {
		return errorf("I'm already the owner of hash slot %d", slot)
	}
	peer, err := v.peer(id)
	if err != nil {
		return err
	}
	v.importing[slot] = peer
	return nil
}

func (v *View) peer(id string) (*Node, error) {
	n, ok := v.byID[id]
	if !ok {
		return nil, errorf("I don't know about node %s", shown(id))
	}
	return n, checkTarget(n)
}

func checkTarget(n *Node) error {
	if n.IsReplica() {
		return Error("Target node is not a master")
	}
	return nil
}

// SetStable closes slot on both sides.
func (v *View) SetStable(slot uint16) error {
	if err := v.checkSetSlot(); err != nil {
		return err
	}
	v.closeSlot(slot)
	return nil
}

func (v *View) closeSlot(slot uint16) {
	delete(v.migrating, slot)
	delete(v.importing, slot)
}

// SetNode binds slot to the master with the given id. HasKeys says that there are keys
// here in the slot.
//
// If it was the last slot of mine I become its new owner's replica, if the settings
// let me. If I was importing it I claim it with a new epoch, which must be announced.
func (v *View) SetNode(slot uint16, id string, hasKeys bool) error {
	if err := v.checkSetSlot(); err != nil {
		return err
	}
	n, ok := v.byID[id]
	if !ok {
		return unknownNode(id)
	}
	if err := checkTarget(n); err != nil {
		return err
	}
	leaves := v.owners[slot] == v.me && n != v.me
	if leaves && hasKeys {
		return errorf("Can't assign hashslot %d to a different node while I still hold keys for this hash slot.", slot)
	}
	if !hasKeys {
		delete(v.migrating, slot)
	}
	v.bind(slot, n)
	if leaves && v.me.slots == 0 && v.settings.AllowReplicaMigration {
		v.follow(n)
	}
	if n == v.me && v.importing[slot] != nil {
		v.finishImport(slot)
	}
	return nil
}

// finishImport makes the claim to slot newer than that of the node that it came from.
func (v *View) finishImport(slot uint16) {
	v.BumpEpoch()
	delete(v.importing, slot)
	v.changes.Announce = true
}
