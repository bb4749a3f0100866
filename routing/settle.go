package routing

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/slotmesh/slotmesh/slotmap"
)

// verdict is what settling one round has in common for all its ops: the moment and the
// random number, so that those that failed alike are sent again together.
type verdict struct {
	now    time.Time
	random float64
	moved  []slotmap.Moved // what the map is to learn
	stale  bool            // the map is to be loaded anew

	reserved []*reservation // of the budgets for retries, by node
}

// settle takes the results of the round and returns the ops that are still open, in
// order, those that were cut replaced by their parts.
func (r *Router) settle(ctx context.Context, snap *snapshot, open, round []*Op) []*Op {
	for _, op := range round {
		op.settling = true
	}
	var next []*Op
	var v verdict
	for _, op := range open {
		if !op.settling {
			next = append(next, op)
			continue
		}
		op.settling = false
		if op.res.executed {
			continue
		}
		if v.now.IsZero() {
			v.now, v.random = time.Now(), rand.Float64()
		}
		next = r.decide(ctx, &v, op, next)
	}
	if len(v.moved) > 0 {
		r.cache.MovedAll(v.moved, snap.slots)
	}
	if v.stale {
		r.cache.RefreshSoon()
	}
	v.giveBack()
	return next
}

// decide asks the policy about an op that failed and does as it says, appending to
// next what is to be sent again.
func (r *Router) decide(ctx context.Context, v *verdict, op *Op, next []*Op) []*Op {
	t := op.troubled()
	a, to := attempt(ctx, op)
	reserved := v.reservation(r.nodes, t.addr)
	a.Rand, a.Budget = v.random, reserved.wait
	step := r.policy.Next(a)
	reserved.spent = reserved.spent || step.Spends && step.Action == Again
	if res := &op.res; res.fault == FaultMoved && a.Exact && to == t.addr {
		r.nodes.reopen(to) // it may be that its name leads elsewhere by now
	}
	if step.Learn {
		v.moved = append(v.moved, slotmap.Moved{Slot: t.reply.slot, Addr: to})
	}
	v.stale = v.stale || step.Refresh
	if step.Outcome == Unknown && t.doubt == nil {
		t.doubt = op.res.err
	}
	switch {
	case !op.res.answered && r.ctx.Err() != nil:
		r.fail(op, step.Outcome, ErrClosed)
		return next
	case step.Action == Stop:
		r.stop(ctx, op, step)
		return next
	default:
		return r.reopen(op, step, to, v.now, next)
	}
}

// attempt is the question to the policy, and the address that a redirection names.
func attempt(ctx context.Context, op *Op) (a Attempt, to string) {
	res, t := &op.res, op.trouble
	if res.fault == FaultTimeout && contextEnded(ctx) != nil {
		res.fault = FaultContext
	}
	a = Attempt{
		Fault:     res.fault,
		Exact:     true,
		Flags:     op.Flags,
		Divisible: op.Cut != nil,
		Redirects: len(t.hops),
		Retries:   t.retries,
		Silences:  t.silences,
		HeldUps:   t.heldUps,
		Left:      timeLeft(ctx),
	}
	if res.answered {
		t.reply = parseReply(res.err.Error())
		a.Exact = t.reply.names(op.Slot)
	}
	if rules[res.fault].follow {
		to = t.reply.target(op.trouble.addr)
		a.Known = to != ""
	}
	if isIdempotent(ctx) {
		a.Flags |= Repeatable
	}
	if op.Cmd.NoRetry() {
		a.Flags &^= Repeatable // its reply goes where it cannot be taken back
	}
	return a, to
}

// reopen makes op ready to be sent again, or its parts, and appends them to next.
func (r *Router) reopen(op *Op, step Step, to string, now time.Time, next []*Op) []*Op {
	t := op.trouble
	if n := len(t.hops); n > 0 && !op.res.answered && t.target != "" && step.Outcome == NotExecuted && !step.Stay {
		// The redirection led nowhere. The same one will come again, and is then
		// bounded, and told, as a node that cannot be reached.
		t.hops = t.hops[:n-1]
	}
	if to != "" {
		r.redirected(op, to)
		t.target, t.asking = to, step.Asking
	} else if !step.Stay {
		t.target, t.asking = "", false
	}
	if step.Action == Again {
		r.retried(op, step.Pause)
	}
	if step.Pause > 0 {
		t.notBefore = now.Add(step.Pause)
	}
	if step.Action != Split {
		return append(next, op)
	}
	if t.parts = op.Cut(); len(t.parts) == 0 {
		panic("routing: Op.Cut returned no ops")
	}
	r.stats.splits.Add(1)
	for _, part := range t.parts {
		inherited := *t
		inherited.parts = nil
		part.progress = op.progress
		part.trouble = &inherited
	}
	return append(next, t.parts...)
}

// redirected notes that op was sent on to the node at to.
func (r *Router) redirected(op *Op, to string) {
	t := op.trouble
	ask := op.res.fault == FaultAsk
	if ask {
		r.stats.asked.Add(1)
	} else {
		r.stats.moved.Add(1)
	}
	t.hops = append(t.hops[:len(t.hops):len(t.hops)], fmt.Sprintf("%s: %s to %s", op.trouble.addr, op.res.fault, to))
	r.trace.redirect(Redirect{Op: op.Name(), Slot: t.reply.slot, Ask: ask, From: op.trouble.addr, To: to, Hop: len(t.hops)})
}

// retried notes that op is sent again after a pause.
func (r *Router) retried(op *Op, pause time.Duration) {
	t := op.trouble
	if op.res.fault == FaultHeldUp {
		t.heldUps++
	} else {
		t.retries++
	}
	if rules[op.res.fault].slow {
		t.silences++
	}
	r.stats.retries.Add(1)
	r.trace.retry(Retry{
		Op:    op.Name(),
		Slot:  op.Slot,
		Addr:  op.trouble.addr,
		Fault: op.res.fault,
		Err:   op.res.err,
		Pause: pause,
		Retry: t.retries,
	})
}

// stop gives op its error. A reply of the server stays what it is.
func (r *Router) stop(ctx context.Context, op *Op, step Step) {
	res, outcome := &op.res, step.Outcome
	if len(op.Tx) > 0 && res.answered {
		outcome = NotExecuted // whatever the answer: together the commands did not run
	}
	switch {
	case step.TooMany:
		// Parts of one op may share the hops: appending to them is not ours.
		hops := slices.Concat(op.trouble.hops, []string{fmt.Sprintf("%s: %v", op.trouble.addr, res.err)})
		r.fail(op, step.Outcome, fmt.Errorf("%w: %s", ErrTooManyRedirects, strings.Join(hops, ", ")))
	case step.TooLate:
		r.fail(op, step.Outcome, deadlineError(context.DeadlineExceeded, res.err))
	case res.fault == FaultContext:
		r.fail(op, step.Outcome, contextEnded(ctx))
	case !res.answered || op.outcome(outcome) == Unknown:
		// An earlier attempt may have run: the last reply alone would hide that.
		r.fail(op, outcome, res.err)
	case len(op.Tx) > 0:
		// Each command has its own answer already.
		op.Err, op.Outcome = res.err, outcome
		op.Cmd.SetErr(res.err)
	case step.Outcome == Done:
		op.setErr(asExecuted(res.err), Done)
	default:
		op.setErr(res.err, step.Outcome)
	}
}

// abandon ends ops whose caller, or whose router, is gone.
func (r *Router) abandon(open []*Op, why error) {
	for _, op := range open {
		r.fail(op, NotExecuted, deadlineError(why, op.res.err))
	}
}

// fail gives op an *Error.
func (r *Router) fail(op *Op, last Outcome, cause error) {
	t := op.troubled()
	outcome := op.outcome(last)
	if outcome != last && !errors.Is(cause, t.doubt) {
		cause = fmt.Errorf("%w; an earlier attempt ended in: %w", cause, t.doubt)
	}
	op.setErr(&Error{
		Op:       op.Name(),
		Addr:     t.addr,
		Slot:     op.Slot,
		Attempts: t.attempts,
		Outcome:  outcome,
		Err:      cause,
	}, outcome)
}

// outcome is that of all attempts together, when last is that of the last one.
func (op *Op) outcome(last Outcome) Outcome {
	if op.trouble != nil && op.trouble.doubt != nil && last == NotExecuted {
		return Unknown
	}
	return last
}
