package view

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// NodesText returns the text of CLUSTER NODES at nowMs, ms since 1970. Myself comes
// first, the others by ID.
func (v *View) NodesText(nowMs int64) string {
	ranges := v.rangesByOwner()
	var text []byte
	for _, n := range v.nodes {
		text = v.appendNode(text, n, ranges[n], nowMs)
		text = append(text, '\n')
	}
	return string(text)
}

// NodeLine returns the line of n in CLUSTER NODES, without its line end.
func (v *View) NodeLine(n *Node, nowMs int64) string {
	return string(v.appendNode(nil, n, v.Ranges(n), nowMs))
}

// Replicas returns the lines that CLUSTER REPLICAS answers for the master with the
// given id, or an [Error].
func (v *View) Replicas(id string, nowMs int64) ([]string, error) {
	master, ok := v.byID[id]
	if !ok {
		return nil, unknownNode(id)
	}
	if master.IsReplica() {
		return nil, Error("The specified node is not a master")
	}
	var lines []string
	for _, n := range v.replicasOf(id) {
		lines = append(lines, v.NodeLine(n, nowMs))
	}
	return lines, nil
}

func (v *View) appendNode(text []byte, n *Node, ranges []Range, nowMs int64) []byte {
	text = fmt.Appendf(text, "%s %s:%d@%d", n.ID, n.IP, n.Port, n.BusPort)
	if n.Hostname != "" {
		text = append(append(text, ','), n.Hostname...)
	}
	text = v.appendFlags(append(text, ' '), n)
	text = fmt.Appendf(text, " %s %d %d %d %s",
		v.shownMaster(n), n.PingSent, v.shownPong(n, nowMs), v.shownEpoch(n), v.shownLink(n))
	for _, r := range ranges {
		text = appendRange(append(text, ' '), r)
	}
	if n == v.me {
		text = v.appendOpenSlots(text)
	}
	return text
}

func (v *View) appendFlags(text []byte, n *Node) []byte {
	start := len(text)
	for _, flag := range []struct {
		set  bool
		name string
	}{
		{n == v.me, "myself,"},
		{n.IsMaster(), "master,"},
		{n.IsReplica(), "slave,"},
		{n.PFail, "fail?,"},
		{n.Fail, "fail,"},
		{n.Handshake, "handshake,"},
		{n.NoAddr, "noaddr,"},
		{n.NoFailover, "nofailover,"},
	} {
		if flag.set {
			text = append(text, flag.name...)
		}
	}
	if len(text) == start {
		return append(text, "noflags"...)
	}
	return text[:len(text)-1]
}

func (v *View) shownMaster(n *Node) string {
	if master := v.master(n); n.IsReplica() && master != nil {
		return master.ID
	}
	return "-"
}

// shownPong returns when n was last heard of. Of oneself one hears all the time from the
// others, if there are any, in whole seconds.
func (v *View) shownPong(n *Node, nowMs int64) int64 {
	if n == v.me && len(v.nodes) > 1 {
		return nowMs / 1000 * 1000
	}
	return n.PongReceived
}

func (v *View) shownLink(n *Node) string {
	if n.Connected || n == v.me {
		return "connected"
	}
	return "disconnected"
}

func appendRange(text []byte, r Range) []byte {
	text = strconv.AppendUint(text, uint64(r.First), 10)
	if r.Last == r.First {
		return text
	}
	return strconv.AppendUint(append(text, '-'), uint64(r.Last), 10)
}

func (v *View) appendOpenSlots(text []byte) []byte {
	open := slices.AppendSeq(slices.Collect(maps.Keys(v.migrating)), maps.Keys(v.importing))
	slices.Sort(open)
	for _, slot := range slices.Compact(open) {
		if target := v.migrating[slot]; target != nil {
			text = fmt.Appendf(text, " [%d->-%s]", slot, target.ID)
		} else {
			text = fmt.Appendf(text, " [%d-<-%s]", slot, v.importing[slot].ID)
		}
	}
	return text
}
