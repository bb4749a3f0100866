package routing

import (
	"context"
	"sync"
)

// send gives each op of the round its result: one exchange per node, all at once. No
// goroutine is needed for that: the first to wait reads what comes for all others too.
func (r *Router) send(ctx context.Context, snap *snapshot, round []*Op, c *call) {
	if len(round) == 1 {
		op := round[0]
		if n := r.node(snap, r.master(snap, op), op); n != nil {
			e := r.begin(c, n)
			e.ops = append(e.ops, op)
			e.wire.Prompt = true
			r.start(e)
			r.finish(ctx, e)
		}
		return
	}
	r.sendMany(ctx, snap, round)
}

// sendMany is send for several ops.
func (r *Router) sendMany(ctx context.Context, snap *snapshot, round []*Op) {
	var few [8]*exchange
	exchanges := r.group(snap, round, few[:0])
	for _, e := range exchanges {
		r.start(e)
	}
	connect(ctx, exchanges)
	for _, e := range exchanges {
		r.finish(ctx, e)
	}
}

// connect sends the exchanges whose connections have to be waited for, each as soon as it is
// there: one node that cannot be reached keeps no other waiting.
func connect(ctx context.Context, exchanges []*exchange) {
	var opening sync.WaitGroup
	for _, e := range exchanges {
		if e.conn == nil && e.err == nil {
			opening.Go(func() { e.connect(ctx) })
		}
	}
	opening.Wait()
}

// start counts an exchange and begins it.
func (r *Router) start(e *exchange) {
	e.stripe.exchanges.Add(1)
	e.stripe.commands.Add(int64(len(e.ops)))
	e.start()
}

// finish ends an exchange.
func (r *Router) finish(ctx context.Context, e *exchange) {
	e.finish(ctx, &r.replays)
	r.exchanges.put(e)
}

// group sorts the round by node, keeping its order for each, and appends what each is sent
// to groups. An op without a node gets its result here.
func (r *Router) group(snap *snapshot, round []*Op, groups []*exchange) []*exchange {
	var few [16]int
	seats := append(few[:0], make([]int, len(snap.masters))...) // 1 + position in groups, by master
	var strangers map[string]*int                               // the same, for nodes that are no master in the map
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
			n := r.node(snap, master, op)
			if n == nil {
				continue
			}
			groups = append(groups, r.exchanges.get(r, n))
			*seat = len(groups)
			if master < 0 {
				if strangers == nil {
					strangers = make(map[string]*int)
				}
				strangers[target] = seat
			}
		}
		g := groups[*seat-1]
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

// node returns the node to ask about op: the given master, or the one that a redirection
// named. Without one op has its result, and node returns nil.
func (r *Router) node(snap *snapshot, master int, op *Op) *node {
	if master >= 0 {
		return snap.masters[master]
	}
	target, _ := op.target()
	if target == "" {
		op.troubled().addr = ""
		op.res = unanswered(FaultUncovered, ErrUncovered)
		return nil
	}
	n := r.nodes.follow(target)
	if n == nil {
		op.res = unanswered(FaultUnsent, errNodeGone)
	}
	return n
}
