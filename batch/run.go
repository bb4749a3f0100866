package batch

import (
	"context"
	"slices"
	"sync"

	"github.com/slotmesh/slotmesh/routing"
)

// command is one of the commands of this package, for the keys of one call.
type command interface {
	// drop takes out of parts the keys that need not be sent.
	drop(parts []Part)
	// fill makes op the one for the keys at the given positions, which share a slot.
	// light may become its command.
	fill(op *routing.Op, keys []int, light *routing.Light)
	// take stores what the op for these keys brought.
	take(op *routing.Op, keys []int)
	// err is the error of the call, once all ops were taken.
	err() error
}

// holder is an Executor that can be kept from shutting down between two calls of Run.
type holder interface {
	Hold(ctx context.Context) (held context.Context, release func(), err error)
}

// run plans a command for keys, sends it and takes what comes of it.
func run(ctx context.Context, x Executor, keys []string, s Strategy, cmd command) error {
	mem := planMemories.Get().(*planMemory)
	defer mem.recycle()
	p := newPlan(x.SlotMap(), keys, mem)
	cmd.drop(p.parts)
	all := rounds(&p, s)
	if h, ok := x.(holder); ok && len(all) > 1 {
		// If there is no hold, Run says why, for each key.
		if held, release, err := h.Hold(ctx); err == nil {
			defer release()
			ctx = held
		}
	}
	for _, parts := range all {
		w := newWork(cmd, !p.Native())
		_ = x.Run(ctx, w.ops(parts))
		w.finish()
	}
	return cmd.err()
}

// rounds returns what is sent before the next network wait.
func rounds(p *Plan, s Strategy) [][]Part {
	switch {
	case s == Serial && !p.Native():
		var single [][]Part
		for _, part := range p.parts {
			for i := range part.Keys {
				single = append(single, []Part{{Slot: part.Slot, Keys: part.Keys[i : i+1 : i+1]}})
			}
		}
		return single
	case s == Pipelined:
		byNode := make([][]Part, len(p.groups))
		for i, g := range p.groups {
			byNode[i] = g.Parts
		}
		return byNode
	default:
		return [][]Part{p.parts}
	}
}

// work is the ops of one round, with the keys of each. Its memory is used again.
type work struct {
	cmd       command
	divisible bool // several slots: nothing is promised about keys that share one
	sent      []sent
	slab      []lightOp
	list      []*routing.Op
}

// lightOp is an op, and its command if that is light.
type lightOp struct {
	op  routing.Op
	cmd routing.Light
}

// works are those that are done.
var works sync.Pool

// maxKept is how many ops a work may have that is used again.
const maxKept = 16 << 10

func newWork(cmd command, divisible bool) *work {
	w, ok := works.Get().(*work)
	if !ok {
		w = &work{}
	}
	w.cmd, w.divisible = cmd, divisible
	return w
}

// recycle lets the memory of w be used again. Nobody has its ops any more.
func (w *work) recycle() {
	if cap(w.slab) > maxKept {
		return
	}
	clear(w.sent)
	clear(w.slab)
	clear(w.list)
	*w = work{sent: w.sent[:0], slab: w.slab[:0], list: w.list[:0]}
	works.Put(w)
}

type sent struct {
	op   *routing.Op
	keys []int
	cut  bool // its parts were sent in its place
}

// ops returns the ops for parts. One with several keys may be cut into its keys, if
// the call is over several slots.
func (w *work) ops(parts []Part) []*routing.Op {
	ops := w.add(len(parts), func(i int) Part { return parts[i] })
	if w.divisible {
		for i, op := range ops {
			if len(parts[i].Keys) > 1 {
				op.Cut = func() []*routing.Op { return w.cut(i) }
			}
		}
	}
	return ops
}

// cut replaces the i-th op by one for each of its keys.
func (w *work) cut(i int) []*routing.Op {
	w.sent[i].cut = true
	keys, slot := w.sent[i].keys, uint16(w.sent[i].op.Slot)
	return w.add(len(keys), func(k int) Part { return Part{Slot: slot, Keys: keys[k : k+1 : k+1]} })
}

// add returns ops for n parts and notes that they are sent.
func (w *work) add(n int, part func(i int) Part) []*routing.Op {
	slab, ops := w.room(n)
	for i := range ops {
		p := part(i)
		ops[i] = &slab[i].op
		ops[i].Slot = int(p.Slot)
		w.cmd.fill(ops[i], p.Keys, &slab[i].cmd)
		w.sent = append(w.sent, sent{op: ops[i], keys: p.Keys})
	}
	return ops
}

// room returns room for n ops: that of w the first time, new one for the parts of ops that
// are cut.
func (w *work) room(n int) ([]lightOp, []*routing.Op) {
	if len(w.sent) > 0 {
		return make([]lightOp, n), make([]*routing.Op, n)
	}
	w.sent = slices.Grow(w.sent, n)
	w.slab = slices.Grow(w.slab, n)[:n]
	w.list = slices.Grow(w.list, n)[:n]
	return w.slab, w.list
}

// finish takes the result of every op that was not cut. w is of no use any more then.
func (w *work) finish() {
	for i := range w.sent {
		if s := &w.sent[i]; !s.cut {
			w.cmd.take(s.op, s.keys)
		}
	}
	w.recycle()
}
