package view

import "github.com/slotmesh/slotmesh/hashtag"

// A State says whether the cluster is up, as one node sees it.
type State int

const (
	OK State = iota + 1
	Fail
)

// String returns "ok" or "fail", as in CLUSTER INFO.
func (s State) String() string {
	if s == OK {
		return "ok"
	}
	return "fail"
}

// State returns whether the cluster is up: a majority of the masters with slots can be
// reached, and, if full coverage is required, no slot is unassigned or in the hands of
// a node that failed. It is as cheap as a field except after a change.
//
// It follows from the view as it is now. What a real node adds to that is a matter of
// time, and not here: a master that has just started, or has been cut off, waits before it
// believes that the cluster is up.
func (v *View) State() State {
	if !v.stateKnown {
		v.state, v.stateKnown = v.computeState(), true
	}
	return v.state
}

// stateChanged is to be called after every change of what computeState looks at.
func (v *View) stateChanged() { v.stateKnown = false }

func (v *View) computeState() State {
	if v.settings.RequireFullCoverage && !v.covered() {
		return Fail
	}
	size, reachable := v.majority()
	if reachable < size/2+1 {
		return Fail
	}
	return OK
}

func (v *View) covered() bool {
	for _, n := range v.nodes {
		if n.slots > 0 && n.Fail {
			return false
		}
	}
	return v.assigned == hashtag.Slots
}

// Size returns how many masters have slots: those whose majority counts.
func (v *View) Size() int {
	size, _ := v.majority()
	return size
}

// majority counts the masters with slots, and those among them that can be reached.
func (v *View) majority() (size, reachable int) {
	for _, n := range v.nodes {
		if n.slots == 0 || !n.IsMaster() {
			continue
		}
		size++
		if !n.Fail && !n.PFail {
			reachable++
		}
	}
	return size, reachable
}
