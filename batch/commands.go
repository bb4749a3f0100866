package batch

import (
	"context"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/slotmesh/slotmesh/routing"
)

// The requests below are go-redis commands with arguments of our own, which spare
// an allocation per key: what Args returns is sent.

var (
	_ routing.Wrapper = (*valuesCmd)(nil)
	_ routing.Wrapper = (*statusCmd)(nil)
	_ routing.Wrapper = (*countCmd)(nil)
)

// lightCmd is a GET or a SET in little memory: there may be a million of them.
type lightCmd struct {
	redis.Cmder // all that nobody asks it for
	args        []any
	three       [3]any // room for args
	val         string
	err         error
}

// aGet is what all lightCmds have in common.
var aGet redis.Cmder = redis.NewStringCmd(context.Background(), "get", "")

var _ routing.StringTaker = (*lightCmd)(nil)

func (c *lightCmd) Name() string          { return c.args[0].(string) }
func (c *lightCmd) Args() []any           { return c.args }
func (c *lightCmd) TakeString(val string) { c.val = val }
func (c *lightCmd) SetVal(val string)     { c.val = val } // as go-redis's commands have it
func (c *lightCmd) SetErr(err error)      { c.err = err }
func (c *lightCmd) Err() error            { return c.err }

// lightCmds are made many at a time.
type lightCmds struct {
	all  []lightCmd
	used int
}

// grow makes room for n.
func (cs *lightCmds) grow(n int) { cs.all = slices.Grow(cs.all[:0], n)[:n] }

// next returns one with its arguments.
func (cs *lightCmds) next(args ...any) *lightCmd {
	if cs.used == len(cs.all) {
		cs.all, cs.used = make([]lightCmd, 64), 0
	}
	c := &cs.all[cs.used]
	cs.used++
	c.Cmder, c.args = aGet, append(c.three[:0], args...)
	return c
}

// reset returns the memory, to be used again.
func (cs *lightCmds) reset() lightCmds {
	clear(cs.all[:cs.used])
	return lightCmds{all: cs.all[:0]}
}

type valuesCmd struct {
	redis.SliceCmd
	args []any
}

func (c *valuesCmd) Name() string       { return "mget" }
func (c *valuesCmd) Args() []any        { return c.args }
func (c *valuesCmd) Taker() redis.Cmder { return &c.SliceCmd }

type statusCmd struct {
	redis.StatusCmd
	args []any
}

func (c *statusCmd) Name() string       { return c.args[0].(string) }
func (c *statusCmd) Args() []any        { return c.args }
func (c *statusCmd) Taker() redis.Cmder { return &c.StatusCmd }

type countCmd struct {
	redis.IntCmd
	args []any
}

func (c *countCmd) Name() string       { return c.args[0].(string) }
func (c *countCmd) Args() []any        { return c.args }
func (c *countCmd) Taker() redis.Cmder { return &c.IntCmd }

// reads is MGET: a GET for one key, which costs less, and an MGET for more.
type reads struct {
	arg    func(i int) any // the key at position i
	values *Values
}

func (r *reads) fill(op *routing.Op, keys []int, light *lightCmds) {
	op.Flags = routing.Repeatable | routing.SharesMemory
	if len(keys) > 1 {
		op.Cmd = &valuesCmd{args: appendArgs("mget", keys, r.arg)}
		return
	}
	op.Cmd = light.next("get", r.arg(keys[0]))
}

func (r *reads) take(op *routing.Op, keys []int) {
	v := r.values
	switch cmd := op.Cmd.(type) {
	case *lightCmd:
		switch {
		case op.Err == nil:
			v.vals[keys[0]] = value{cmd.val, true}
		case op.Err == redis.Nil, redis.HasErrorPrefix(op.Err, "WRONGTYPE"):
			// Missing, as MGET has it.
		default:
			v.fail(keys, op.Err, op.Outcome)
		}
	case *valuesCmd:
		if op.Err == nil && len(cmd.Val()) != len(keys) {
			op.Err = fmt.Errorf("mget answered %s to %s", count(len(cmd.Val()), "value"), count(len(keys), "key"))
		}
		if op.Err != nil {
			v.fail(keys, op.Err, op.Outcome)
			return
		}
		for i, val := range cmd.Val() {
			if s, ok := val.(string); ok {
				v.vals[keys[i]] = value{s, true}
			}
		}
	}
}

func (r *reads) err() error { return r.values.err("mget") }

// writes is MSET: a SET for one key, an MSET for more.
type writes struct {
	arg     func(i int) any // the key at position i
	val     func(i int) any // the value at position i
	results *Results
	same    map[int]int // a pair that a later one for its key overwrites -> that one
}

// dropOverwritten takes out of parts each pair whose key is set again by a later
// one: sent, it might arrive last.
func (w *writes) dropOverwritten(parts []Part) {
	for p := range parts {
		keys := parts[p].Keys
		if len(keys) < 2 {
			continue
		}
		last := make(map[string]int, len(keys))
		for _, i := range keys {
			last[w.results.keys[i]] = i
		}
		kept := keys[:0]
		for _, i := range keys {
			if winner := last[w.results.keys[i]]; winner == i {
				kept = append(kept, i)
			} else {
				if w.same == nil {
					w.same = make(map[int]int)
				}
				w.same[i] = winner
			}
		}
		parts[p].Keys = kept
	}
}

func (w *writes) fill(op *routing.Op, keys []int, light *lightCmds) {
	if len(keys) == 1 {
		op.Cmd = light.next("set", w.arg(keys[0]), w.val(keys[0]))
		return
	}
	args := append(make([]any, 0, 1+2*len(keys)), "mset")
	for _, i := range keys {
		args = append(args, w.arg(i), w.val(i))
	}
	op.Cmd = &statusCmd{args: args}
}

func (w *writes) take(op *routing.Op, keys []int) {
	if op.Err != nil {
		w.results.fail(keys, op.Err, op.Outcome)
		return
	}
	w.results.count += int64(len(keys))
}

func (w *writes) err() error {
	for i, winner := range w.same {
		if f, ok := w.results.failed[winner]; ok {
			w.results.failed[i] = f
		}
	}
	return w.results.err("mset")
}

// deletes is DEL.
type deletes struct {
	arg     func(i int) any // the key at position i
	results *Results
}

func (d *deletes) fill(op *routing.Op, keys []int, _ *lightCmds) {
	op.Cmd = &countCmd{args: appendArgs("del", keys, d.arg)}
}

func (d *deletes) take(op *routing.Op, keys []int) {
	if op.Err != nil {
		d.results.fail(keys, op.Err, op.Outcome)
		return
	}
	d.results.count += op.Cmd.(*countCmd).Val()
}

func (d *deletes) err() error { return d.results.err("del") }

func appendArgs(name string, keys []int, arg func(i int) any) []any {
	args := append(make([]any, 0, 1+len(keys)), name)
	for _, i := range keys {
		args = append(args, arg(i))
	}
	return args
}
