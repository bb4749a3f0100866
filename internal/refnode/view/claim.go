package view

import "github.com/slotmesh/slotmesh/hashtag"

// Claim says that the master with the given id claims slots, with epoch. It gets
// those that nobody owns, that their owner no longer claims, or that their owner
// claims with a lower epoch; a slot being imported stays as it is. HasKeys reports
// whether there are keys here in a slot.
//
// If nothing is left of my slots, or of my master's, I become a replica of the new
// owner. Otherwise I have keys to delete in the slots that I lost. It does nothing if
// the claimant is not known or myself.
func (v *View) Claim(id string, epoch uint64, slots *SlotSet, hasKeys func(slot uint16) bool) {
	claimant, ok := v.byID[id]
	if !ok || claimant == v.me {
		return
	}
	claimant.ConfigEpoch = max(claimant.ConfigEpoch, epoch)
	v.RaiseEpoch(epoch)

	loser := v.master(v.me)
	taken, dirty := 0, []uint16(nil)
	for slot := range uint16(hashtag.Slots) {
		owner := v.owners[slot]
		switch {
		case owner == claimant:
			v.setDisowned(slot, !slots.Has(slot))
		case slots.Has(slot) && v.yields(slot, epoch):
			if owner != nil && owner == loser {
				taken++
			}
			if owner == v.me && hasKeys(slot) {
				dirty = append(dirty, slot)
			}
			v.bind(slot, claimant)
		}
	}
	v.settleClaim(claimant, loser, taken, slots.Len(), dirty)
}

// yields reports whether slot goes to another node that claims it with epoch.
func (v *View) yields(slot uint16, epoch uint64) bool {
	if v.importing[slot] != nil {
		return false
	}
	owner := v.owners[slot]
	return owner == nil || v.disowned.Has(slot) || owner.ConfigEpoch < epoch
}

func (v *View) setDisowned(slot uint16, disowned bool) {
	if disowned {
		v.disowned.Add(slot)
	} else {
		v.disowned.Remove(slot)
	}
}

// settleClaim draws the conclusions from a claim that took slots from loser, my shard's
// master.
func (v *View) settleClaim(claimant, loser *Node, taken, claimed int, dirty []uint16) {
	deposed := taken > 0 && loser.slots == 0 && (v.settings.AllowReplicaMigration || claimed == taken)
	switch grand := v.grandMaster(); {
	case deposed:
		v.follow(claimant)
	case grand != nil:
		v.follow(grand)
	default:
		v.changes.Dirty = append(v.changes.Dirty, dirty...)
	}
}

// grandMaster returns the master of my master, nil if that is a master, as it should be,
// or my own replica, which is for a human to repair.
func (v *View) grandMaster() *Node {
	master := v.byID[v.me.MasterID]
	if master == nil {
		return nil
	}
	grand := v.byID[master.MasterID]
	if grand == v.me {
		return nil
	}
	return grand
}
