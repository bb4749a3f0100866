package routing

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// Run sends ops to the nodes that serve their slots and returns when each has its
// result: its reply, or the error that Op.Err and the command then have. It is the
// one way to a node: every command, pipeline, transaction and batch is a list of
// ops.
//
// Ops for one node travel in one write and in order, those for different nodes at
// the same time. What a node redirects or refuses is sent again, as Policy says, and
// nothing else; ops of one slot keep their order among those that are sent again.
//
// Run returns the first error in the order of ops; redis.Nil counts. The deadline
// of ctx bounds all of it. Run is safe for concurrent use, an Op is not.
func (r *Router) Run(ctx context.Context, ops []*Op) error {
	c := r.calls.get(r)
	err := r.run(ctx, ops, c)
	r.calls.put(c)
	return err
}

// run is Run within a call.
func (r *Router) run(ctx context.Context, ops []*Op, c *call) error {
	if err := r.enter(ctx, c.stripe); err != nil {
		r.abandon(ops, err)
		return cmp.Or(firstError(ops), err)
	}
	defer r.leave(c.stripe)

	if over := r.over(ctx); over != nil {
		r.abandon(ops, over)
		return firstError(ops)
	}
	snap := r.snapshot.Load()
	r.send(ctx, snap, ops, c)
	if !allDone(ops) {
		r.persist(ctx, snap, ops, c)
	}
	return firstError(ops)
}

// persist goes on with the ops of which some were not done when all were sent once.
func (r *Router) persist(ctx context.Context, snap *snapshot, ops []*Op, c *call) {
	open, round := ops, ops
	for {
		if open = r.settle(ctx, snap, open, round); len(open) == 0 {
			return
		}
		var wake time.Time
		for round, wake = due(open); len(round) == 0; round, wake = due(open) {
			if err := r.wait(ctx, wake); err != nil {
				r.abandon(open, err)
				return
			}
		}
		if over := r.overNow(ctx); over != nil {
			r.abandon(open, over)
			return
		}
		snap = r.snapshot.Load()
		r.send(ctx, snap, round, c)
	}
}

// allDone reports whether each op was executed.
func allDone(ops []*Op) bool {
	for _, op := range ops {
		if !op.res.executed {
			return false
		}
	}
	return true
}

// over returns why nothing is to be sent, nil if there is no reason.
func (r *Router) over(ctx context.Context) error {
	if r.ctx.Err() != nil {
		return ErrClosed
	}
	return ctx.Err()
}

// overNow is over for what is sent again: a deadline that has just passed counts, even if
// ctx has not noticed yet.
func (r *Router) overNow(ctx context.Context) error {
	if err := r.over(ctx); err != nil {
		return err
	}
	return contextEnded(ctx)
}

// lane is the order of one slot among the ops that are to be sent again.
type lane struct {
	target string // where its first op goes
	held   bool   // an op waits: those behind it must not overtake it
}

// due returns the ops to send now. An op waits for its own pause, and for an earlier
// op of its slot that waits or goes elsewhere, so that the order per slot holds. If
// none is due, wake is when to look again.
func due(open []*Op) (round []*Op, wake time.Time) {
	now := time.Now()
	lanes := make(map[int]lane)
	for _, op := range open {
		t := op.troubled()
		l, behind := lanes[op.Slot]
		if !behind || op.Slot == AnySlot {
			l = lane{target: t.target}
		}
		switch {
		case t.notBefore.After(now):
			l.held = true
			if wake.IsZero() || t.notBefore.Before(wake) {
				wake = t.notBefore
			}
		case t.target != l.target:
			l.held = true
		case !l.held:
			round = append(round, op)
		}
		lanes[op.Slot] = l
	}
	return round, wake
}

// wait pauses until wake, or until ctx or the router ends.
func (r *Router) wait(ctx context.Context, wake time.Time) error {
	timer := time.NewTimer(time.Until(wake))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-r.ctx.Done():
		return ErrClosed
	}
}

// firstError returns the first error in the order of ops. It gives those that were cut
// the error and the outcome of their parts.
func firstError(ops []*Op) error {
	var first error
	for _, op := range ops {
		if parts := op.parts(); len(parts) > 0 {
			op.Outcome = commonOutcome(parts)
			op.Err = op.asWhole(firstError(parts))
		}
		if first == nil {
			first = op.Err
		}
	}
	return first
}

// asWhole returns the error of one part as that of an op of which others may have run.
func (op *Op) asWhole(err error) error {
	if err == nil || op.Outcome != Unknown || !SafeToRetry(err) {
		return err
	}
	whole := &Error{Op: op.Name(), Slot: op.Slot, Outcome: Unknown, Err: err}
	if e, ok := errors.AsType[*Error](err); ok {
		whole.Addr, whole.Attempts, whole.Err = e.Addr, e.Attempts, e.Err
	}
	return whole
}

// commonOutcome is the outcome that all ops share, or Unknown.
func commonOutcome(ops []*Op) Outcome {
	for _, op := range ops[1:] {
		if op.Outcome != ops[0].Outcome {
			return Unknown
		}
	}
	return ops[0].Outcome
}
