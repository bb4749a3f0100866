package batch

import (
	"context"
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

// valueCmd is a GET in little memory: there may be a million of them.
type valueCmd struct {
	redis.Cmder // all that nobody asks a GET for
	args        [2]any
	val         string
	err         error
}

// aGet is what valueCmds have in common.
var aGet redis.Cmder = redis.NewStringCmd(context.Background(), "get", "")

var _ routing.StringTaker = (*valueCmd)(nil)

func (c *valueCmd) Name() string          { return "get" }
func (c *valueCmd) Args() []any           { return c.args[:] }
func (c *valueCmd) TakeString(val string) { c.val = val }
func (c *valueCmd) SetErr(err error)      { c.err = err }
func (c *valueCmd) Err() error            { return c.err }

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
	gets   []valueCmd // to be used
}

func (r *reads) fill(op *routing.Op, keys []int) {
	op.Flags = routing.Repeatable | routing.SharesMemory
	if len(keys) > 1 {
		op.Cmd = &valuesCmd{args: appendArgs("mget", keys, r.arg)}
		return
	}
	get := r.get()
	get.Cmder, get.args = aGet, [2]any{"get", r.arg(keys[0])}
	op.Cmd = get
}

// get returns a GET without its key. They are made many at a time.
func (r *reads) get() *valueCmd {
	if len(r.gets) == 0 {
		r.gets = make([]valueCmd, min(256, r.values.Len()))
	}
	get := &r.gets[0]
	r.gets = r.gets[1:]
	return get
}

func (r *reads) take(op *routing.Op, keys []int) {
	v := r.values
	switch cmd := op.Cmd.(type) {
	case *valueCmd:
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

func (w *writes) fill(op *routing.Op, keys []int) {
	name := "mset"
	if len(keys) == 1 {
		name = "set"
	}
	args := append(make([]any, 0, 1+2*len(keys)), name)
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

func (d *deletes) fill(op *routing.Op, keys []int) {
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
