package view

// AddSlots binds unassigned slots to myself, as CLUSTER ADDSLOTS and ADDSLOTSRANGE
// do: all of them, or none and an [Error].
func (v *View) AddSlots(slots ...uint16) error {
	var seen SlotSet
	for _, slot := range slots {
		if v.owners[slot] != nil {
			return errorf("Slot %d is already busy", slot)
		}
		if err := once(&seen, slot); err != nil {
			return err
		}
	}
	for _, slot := range slots {
		delete(v.importing, slot)
		v.bind(slot, v.me)
	}
	return nil
}

// DelSlots unbinds slots, whosever they are, as CLUSTER DELSLOTS and DELSLOTSRANGE
// do: all of them, or none and an [Error]. No other node hears of it.
func (v *View) DelSlots(slots ...uint16) error {
	var seen SlotSet
	for _, slot := range slots {
		if v.owners[slot] == nil {
			return errorf("Slot %d is already unassigned", slot)
		}
		if err := once(&seen, slot); err != nil {
			return err
		}
	}
	for _, slot := range slots {
		delete(v.importing, slot)
		v.unbind(slot)
	}
	return nil
}

func once(seen *SlotSet, slot uint16) error {
	if seen.Has(slot) {
		return errorf("Slot %d specified multiple times", slot)
	}
	seen.Add(slot)
	return nil
}

// FlushSlots unbinds all slots of myself, as CLUSTER FLUSHSLOTS does. HasKeys says
// that there are keys here, which refuses it.
func (v *View) FlushSlots(hasKeys bool) error {
	if hasKeys {
		return Error("DB must be empty to perform CLUSTER FLUSHSLOTS.")
	}
	v.unbindAll(v.me)
	return nil
}
