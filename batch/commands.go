package batch

import (
	"fmt"

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
type reads struct{ values *Values }

func (r *reads) drop([]Part) {}

func (r *reads) fill(op *routing.Op, keys []int, light *routing.Light) {
	op.Flags = routing.Repeatable | routing.SharesMemory
	if len(keys) > 1 {
		op.Cmd = &valuesCmd{args: appendKeys("mget", r.values.keys, keys)}
		return
	}
	light.Get(r.values.keys[keys[0]])
	op.Cmd = light
}

func (r *reads) take(op *routing.Op, keys []int) {
	v := r.values
	switch cmd := op.Cmd.(type) {
	case *routing.Light:
		switch {
		case op.Err == nil:
			v.vals[keys[0]] = value{cmd.Val(), true}
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
	val     func(i int) any // the value at position i
	results *Results
	same    map[int]int // a pair that a later one for its key overwrites -> that one
}

// drop takes out of parts each pair whose key is set again by a later one: sent, it might
// arrive last.
func (w *writes) drop(parts []Part) {
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

func (w *writes) fill(op *routing.Op, keys []int, light *routing.Light) {
	if len(keys) == 1 {
		light.Set(w.results.keys[keys[0]], w.val(keys[0]))
		op.Cmd = light
		return
	}
	args := append(make([]any, 0, 1+2*len(keys)), "mset")
	for _, i := range keys {
		args = append(args, &w.results.keys[i], w.val(i))
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
type deletes struct{ results *Results }

func (d *deletes) drop([]Part) {}

func (d *deletes) fill(op *routing.Op, keys []int, _ *routing.Light) {
	op.Cmd = &countCmd{args: appendKeys("del", d.results.keys, keys)}
}

func (d *deletes) take(op *routing.Op, keys []int) {
	if op.Err != nil {
		d.results.fail(keys, op.Err, op.Outcome)
		return
	}
	d.results.count += op.Cmd.(*countCmd).Val()
}

func (d *deletes) err() error { return d.results.err("del") }

// appendKeys returns the arguments of a command for the keys at the given positions.
func appendKeys(name string, keys []string, at []int) []any {
	args := append(make([]any, 0, 1+len(at)), name)
	for _, i := range at {
		args = append(args, &keys[i])
	}
	return args
}
