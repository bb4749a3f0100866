package routing

import (
	"context"
	"sync"
)

// send gives each op of the round its result: one exchange per node, all at once.
func (r *Router) send(ctx context.Context, snap *snapshot, round []*Op) {
	if len(round) == 1 {
		op := round[0]
		if n := r.hold(snap, r.master(snap, op), op); n != nil {
			r.exchange(ctx, group{n, round})
		}
		return
	}
	groups := r.group(snap, round)
	if len(groups) == 0 {
		return
	}
	var others sync.WaitGroup
	for _, g := range groups[1:] {
		others.Go(func() { r.exchange(ctx, g) })
	}
	r.exchange(ctx, groups[0])
	others.Wait()
}

// group is what one node is sent in one round. The node is held.
type group struct {
	node *node
	ops  []*Op
}

// exchange sends a group and lets go of its node.
func (r *Router) exchange(ctx context.Context, g group) {
	defer g.node.release()
	r.stats.exchanges.Add(1)
	r.stats.commands.Add(int64(len(g.ops)))
	for _, op := range g.ops {
		op.addr = g.node.addr
		op.attempts++
	}
	g.node.exchange(ctx, g.ops)
}

// group sorts the round by node, keeping its order for each. An op without a node
// gets its result here.
func (r *Router) group(snap *snapshot, round []*Op) []group {
	var groups []group
	share := len(round)/max(1, len(snap.masters)) + 1
	seats := make([]int, len(snap.masters)) // 1 + position in groups, by master
	var strangers map[string]*int           // the same, for nodes that are no master in the map
	for _, op := range round {
		master := r.master(snap, op)
		target, _ := op.target()
		var seat *int
		if master >= 0 {
			seat = &seats[master]
		} else if seat = strangers[target]; seat == nil {
			seat = new(int)
		}
		if *seat == 0 {
			n := r.hold(snap, master, op)
			if n == nil {
				continue
			}
			groups = append(groups, group{node: n, ops: make([]*Op, 0, share)})
			*seat = len(groups)
			if master < 0 {
				if strangers == nil {
					strangers = make(map[string]*int)
				}
				strangers[target] = seat
			}
		}
		g := &groups[*seat-1]
		g.ops = append(g.ops, op)
	}
	return groups
}

// master returns the position in the snapshot of the master to ask: the one that a
// redirection named, the one that serves the slot, or any for an op without keys.
// It is -1 if that is no master of the snapshot.
func (r *Router) master(snap *snapshot, op *Op) int {
	switch target, _ := op.target(); {
	case target != "":
		if i, ok := snap.index[target]; ok {
			return i
		}
		return -1
	case op.Slot != AnySlot:
		return snap.slots.Index(uint16(op.Slot))
	case len(snap.masters) == 0:
		return -1
	default:
		return int(r.next.Add(1) % uint64(len(snap.masters)))
	}
}

// hold returns the node to ask about op, held: the given master, or the one that a
// redirection named. Without one op has its result, and hold returns nil.
func (r *Router) hold(snap *snapshot, master int, op *Op) *node {
	var n *node
	switch target, _ := op.target(); {
	case master >= 0:
		if n = snap.masters[master]; !n.hold() {
			n = nil
		}
	case target != "":
		n = r.nodes.follow(target)
	default:
		op.addr = ""
		op.res = unanswered(FaultUncovered, ErrUncovered)
		return nil
	}
	if n == nil {
		op.res = unanswered(FaultUnsent, errNodeGone)
	}
	return n
}
