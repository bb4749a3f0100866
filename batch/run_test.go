package batch_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/batch"
	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/routing"
	"github.com/slotmesh/slotmesh/slotmap"
)

// memory is an Executor that runs ops on a plain map, and fails them as told.
type memory struct {
	slots *slotmap.Map
	data  map[string]string
	lists map[string]bool // keys that hold no string

	// answer, if set, says what becomes of a request for these keys. nil: it runs.
	answer func(keys []string) reaction
	// cut, if set, says whether an op that can be cut is.
	cut func(keys []string) bool

	runs  [][]*routing.Op     // the ops of each call of Run, as they were given
	parts []*routing.Op       // of those that were cut
	told  map[string][]result // by key, in order: what each request for it brought
}

// reaction is what becomes of one request.
type reaction struct {
	runs bool  // the data changes
	err  error // what the caller learns; nil only if it runs
	outc routing.Outcome
}

// result is what a request told about one of its keys.
type result struct {
	err     error
	outcome routing.Outcome
}

var ran = reaction{runs: true, outc: routing.Done}

func newMemory(slots *slotmap.Map, pairs ...string) *memory {
	m := &memory{slots: slots, data: make(map[string]string), lists: make(map[string]bool), told: make(map[string][]result)}
	for i := 0; i < len(pairs); i += 2 {
		m.data[pairs[i]] = pairs[i+1]
	}
	return m
}

func (m *memory) SlotMap() *slotmap.Map { return m.slots }

func (m *memory) Run(ctx context.Context, ops []*routing.Op) error {
	m.runs = append(m.runs, copies(ops))
	var first error
	for _, op := range ops {
		m.one(ctx, op)
		if first == nil {
			first = op.Err
		}
	}
	return first
}

// copies returns ops that may be kept: those that are run may be used again.
func copies(ops []*routing.Op) []*routing.Op {
	kept := make([]*routing.Op, len(ops))
	for i, op := range ops {
		kept[i] = &routing.Op{
			Cmd:  redis.NewCmd(context.Background(), slices.Clone(op.Cmd.Args())...),
			Slot: op.Slot, Flags: op.Flags, Block: op.Block, Cut: op.Cut,
		}
	}
	return kept
}

// one runs an op, or its parts in its place.
func (m *memory) one(ctx context.Context, op *routing.Op) {
	args := words(op.Cmd)
	keys := keysOf(args)
	if op.Cut != nil && m.cut != nil && m.cut(keys) {
		parts := op.Cut()
		m.parts = append(m.parts, copies(parts)...)
		for _, part := range parts {
			m.one(ctx, part)
			if op.Err == nil {
				op.Err = part.Err
			}
		}
		return
	}
	re := ran
	switch {
	case ctx.Err() != nil:
		re = failed(routing.NotExecuted, ctx.Err())
	case m.slots.Master(hashtag.Slot(keys[0])) == "":
		re = failed(routing.NotExecuted, routing.ErrUncovered)
	case m.answer != nil:
		re = m.answer(keys)
	}
	err := re.err
	if re.runs {
		if answer := m.apply(op.Cmd, args); err == nil {
			err = answer
		}
	}
	op.Err, op.Outcome = err, re.outc
	op.Cmd.SetErr(err)
	for _, key := range keys {
		m.told[key] = append(m.told[key], result{err, re.outc})
	}
}

// apply does what a node does and returns its error reply, redis.Nil included.
func (m *memory) apply(cmd redis.Cmder, args []string) error {
	switch args[0] {
	case "get":
		if m.lists[args[1]] {
			return errWrongType
		}
		val, ok := m.data[args[1]]
		if !ok {
			return redis.Nil
		}
		cmd.(interface{ SetVal(string) }).SetVal(val)
	case "mget":
		reply := make([]any, len(args)-1)
		for i, key := range args[1:] {
			if val, ok := m.data[key]; ok {
				reply[i] = val
			}
		}
		cmd.(interface{ SetVal([]any) }).SetVal(reply)
	case "set", "mset":
		for i := 1; i < len(args); i += 2 {
			delete(m.lists, args[i])
			m.data[args[i]] = args[i+1]
		}
		cmd.(interface{ SetVal(string) }).SetVal("OK")
	case "del":
		var n int64
		for _, key := range args[1:] {
			_, text := m.data[key]
			if text || m.lists[key] {
				n++
			}
			delete(m.data, key)
			delete(m.lists, key)
		}
		cmd.(interface{ SetVal(int64) }).SetVal(n)
	default:
		panic("memory: unknown command " + args[0])
	}
	return nil
}

// words are the arguments of a command as they are sent.
func words(cmd redis.Cmder) []string {
	args := make([]string, len(cmd.Args()))
	for i, arg := range cmd.Args() {
		text, err := routing.ArgText(arg)
		if err != nil {
			panic(err)
		}
		args[i] = text
	}
	return args
}

func keysOf(args []string) []string {
	step := 1
	if args[0] == "set" || args[0] == "mset" {
		step = 2
	}
	var keys []string
	for i := 1; i < len(args); i += step {
		keys = append(keys, args[i])
	}
	return keys
}

// reply is an error reply of a node.
type reply string

func (r reply) Error() string { return string(r) }
func (reply) RedisError()     {}

const (
	errWrongType = reply("WRONGTYPE Operation against a key holding the wrong kind of value")
	errOdd       = reply("ERR something odd")
	errOOM       = reply("OOM command not allowed when used memory > 'maxmemory'.")
)

var (
	errRefused = errors.New("connection refused")
	errBroke   = errors.New("connection reset by peer")
)

func failed(o routing.Outcome, cause error) reaction {
	return reaction{err: &routing.Error{Op: "x", Addr: "10.0.0.1:7000", Attempts: 1, Outcome: o, Err: cause}, outc: o}
}

// randomly answers most requests and fails the others in every way there is.
func randomly(rnd *rand.Rand, well int) func([]string) reaction {
	return func([]string) reaction {
		if rnd.IntN(100) < well {
			return ran
		}
		switch rnd.IntN(5) {
		case 0:
			return failed(routing.NotExecuted, errRefused)
		case 1:
			return failed(routing.Unknown, errBroke)
		case 2:
			re := failed(routing.Unknown, errBroke)
			re.runs = true
			return re
		case 3:
			return reaction{err: errOdd, outc: routing.Done}
		default:
			return reaction{err: errOOM, outc: routing.NotExecuted}
		}
	}
}

// outcomes is what Values and Results have in common.
type outcomes interface {
	Len() int
	Key(i int) string
	Err(i int) error
	Outcome(i int) routing.Outcome
}

// game is one random run: a cluster, what is in it, and how it fails.
type game struct {
	*testing.T
	rnd    *rand.Rand
	x      *memory
	before map[string]string
}

func newGame(t *testing.T, rnd *rand.Rand) *game {
	g := &game{T: t, rnd: rnd, x: newMemory(randomMap(t, rnd))}
	if rnd.IntN(2) == 0 {
		g.x.slots = threeMasters(t)
	}
	for range 10 {
		g.x.data[randomKey(rnd)] = "old"
	}
	g.before = make(map[string]string)
	for key, val := range g.x.data {
		g.before[key] = val
	}
	g.x.answer = randomly(rnd, []int{0, 50, 90, 100}[rnd.IntN(4)])
	g.x.cut = func([]string) bool { return rnd.IntN(3) == 0 }
	return g
}

func randomKey(rnd *rand.Rand) string { return fmt.Sprintf("{%d}%d", rnd.IntN(6), rnd.IntN(4)) }

func (g *game) keys() []string {
	keys := make([]string, 1+g.rnd.IntN(25))
	for i := range keys {
		keys[i] = randomKey(g.rnd)
	}
	return keys
}

// strategy is one of all, or none, which is the default.
func (g *game) strategy() (batch.Strategy, []batch.Option) {
	if n := g.rnd.IntN(4); n < 3 {
		return strategies[n], []batch.Option{batch.WithStrategy(strategies[n])}
	}
	return batch.Parallel, nil
}

// check proves that the error of a call says what its outcomes say, and nothing else.
func (g *game) check(op string, keys []string, got outcomes, err error) {
	require.Equal(g, len(keys), got.Len())
	var want []batch.KeyError
	safe := true
	for i, key := range keys {
		require.Equal(g, key, got.Key(i))
		if got.Err(i) == nil {
			require.Equal(g, routing.Done, got.Outcome(i), "no error means done")
			continue
		}
		want = append(want, batch.KeyError{Index: i, Key: key, Outcome: got.Outcome(i), Err: got.Err(i)})
		safe = safe && routing.SafeToRetry(got.Err(i))
	}
	if len(want) == 0 {
		require.NoError(g, err)
		return
	}
	var partial *batch.PartialError
	require.ErrorAs(g, err, &partial)
	require.Equal(g, &batch.PartialError{Op: op, Total: len(keys), Failed: want}, partial)
	require.Equal(g, safe && len(want) == len(keys), partial.SafeToRetry())
	for _, f := range want {
		if cause, ok := errors.AsType[*routing.Error](f.Err); ok {
			require.ErrorIs(g, err, cause.Err)
		} else {
			require.ErrorIs(g, err, f.Err)
		}
	}
}

// sent proves that requests travelled as the strategy says: waits and requests as the
// plan tells, a native command whole, and what may be cut only where slots are many.
func (g *game) sent(keys []string, s batch.Strategy, distinct bool) {
	plan := batch.NewPlan(g.x.slots, keys)
	served := func(slot int) bool { return g.x.slots.Master(uint16(slot)) != "" }
	var runs [][]*routing.Op // what a router sends of them
	for _, run := range g.x.runs {
		run = slices.DeleteFunc(slices.Clone(run), func(op *routing.Op) bool { return !served(op.Slot) })
		if len(run) > 0 {
			runs = append(runs, run)
		}
	}
	if distinct && s == batch.Serial && !plan.Native() {
		seen := make(map[string]bool)
		for _, key := range keys {
			if served(int(hashtag.Slot(key))) {
				seen[key] = true
			}
		}
		require.Len(g, runs, len(seen), "a pair that is overwritten is not sent")
	} else {
		require.Len(g, runs, plan.Waits(s))
	}
	ops := 0
	for _, run := range runs {
		ops += len(run)
		nodes := make(map[string]bool)
		for _, op := range run {
			require.GreaterOrEqual(g, op.Slot, 0)
			nodes[g.x.slots.Master(uint16(op.Slot))] = true
			names := keysOf(words(op.Cmd))
			for _, name := range names {
				require.EqualValues(g, op.Slot, hashtag.Slot(name))
			}
			require.Equal(g, len(names) > 1 && !plan.Native(), op.Cut != nil)
		}
		if s == batch.Pipelined {
			require.Len(g, nodes, 1, "node by node")
		}
	}
	if !distinct || s != batch.Serial {
		require.Equal(g, plan.Requests(s), ops)
	}
}

// eachTold proves that what the positions of a call tell, key by key, is what the
// requests brought: each once.
func (g *game) eachTold(got outcomes) {
	told := make(map[string][]result)
	for i := range got.Len() {
		told[got.Key(i)] = append(told[got.Key(i)], result{got.Err(i), got.Outcome(i)})
	}
	for key, requests := range g.x.told {
		for i := range requests {
			if err := requests[i].err; err == redis.Nil || err == errWrongType {
				requests[i].err = nil // MGET has neither
			}
		}
		require.ElementsMatch(g, requests, told[key], key)
	}
	require.Len(g, told, len(g.x.told))
}

func (g *game) mget() {
	keys := g.keys()
	for range 3 {
		list := randomKey(g.rnd)
		g.x.lists[list] = true
		delete(g.x.data, list)
		delete(g.before, list)
	}
	s, opts := g.strategy()
	values, err := batch.MGet(g.Context(), g.x, keys, opts...)
	g.check("mget", keys, values, err)
	g.sent(keys, s, false)
	g.eachTold(values)
	present := make(map[string]string)
	i := 0
	for key, v := range values.All() {
		got, ok := values.At(i)
		require.Equal(g, keys[i], key)
		require.Equal(g, batch.Value{Data: got, OK: ok, Err: values.Err(i)}, v)
		if values.Err(i) != nil {
			require.Equal(g, batch.Value{Err: values.Err(i)}, v, "failed, so there is no value")
		} else {
			want, exists := g.before[key]
			require.Equal(g, batch.Value{Data: want, OK: exists}, v)
			if exists {
				present[key] = want
			}
		}
		i++
	}
	require.Equal(g, len(keys), i)
	require.Equal(g, present, values.Map())
}

func (g *game) mset() {
	keys := g.keys()
	pairs := make([]batch.Pair, len(keys))
	last := make(map[string]int)
	for i, key := range keys {
		pairs[i] = batch.Pair{Key: key, Value: fmt.Sprint("new", i)}
		last[key] = i
	}
	s, opts := g.strategy()
	results, err := batch.MSet(g.Context(), g.x, pairs, opts...)
	g.check("mset", keys, results, err)
	g.sent(keys, s, true)
	var set int64
	for i, key := range keys {
		winner := last[key]
		require.Equal(g, []result{{results.Err(winner), results.Outcome(winner)}}, g.x.told[key], "sent once, and told")
		require.Equal(g, results.Err(winner), results.Err(i), "all pairs of a key share its outcome")
		require.Equal(g, results.Outcome(winner), results.Outcome(i))
		if i != winner {
			continue
		}
		old, was := g.before[key]
		now, is := g.x.data[key]
		switch {
		case results.Err(i) == nil:
			set++
			require.Equal(g, pairs[i].Value, now)
		case results.Outcome(i) == routing.Unknown && is && now != old:
			require.Equal(g, pairs[i].Value, now)
		default:
			require.Equal(g, was, is)
			require.Equal(g, old, now)
		}
	}
	require.Equal(g, set, results.Count())
	g.untouched(keys)
}

func (g *game) del() {
	keys := g.keys()
	s, opts := g.strategy()
	results, err := batch.Del(g.Context(), g.x, keys, opts...)
	g.check("del", keys, results, err)
	g.sent(keys, s, false)
	g.eachTold(results)
	var known, atMost int64
	for _, key := range distinct(keys) {
		_, was := g.before[key]
		_, is := g.x.data[key]
		done, unknown := false, false
		for i := range keys {
			if keys[i] == key {
				done = done || results.Err(i) == nil
				unknown = unknown || results.Outcome(i) == routing.Unknown
			}
		}
		switch {
		case done:
			require.False(g, is, "%q was deleted", key)
		case !unknown:
			require.Equal(g, was, is, "%q was not", key)
		}
		if done && was {
			atMost++
			if !unknown {
				known++
			}
		}
	}
	require.GreaterOrEqual(g, results.Count(), known)
	require.LessOrEqual(g, results.Count(), atMost)
	g.untouched(keys)
}

// untouched proves that keys which the call did not name are as they were.
func (g *game) untouched(named []string) {
	for key, val := range g.before {
		if !slices.Contains(named, key) {
			require.Equal(g, val, g.x.data[key])
		}
	}
}

func distinct(keys []string) []string {
	keys = slices.Clone(keys)
	slices.Sort(keys)
	return slices.Compact(keys)
}

// Whatever fails, and however a call travels: every outcome told is true of what
// happened on the nodes, every error is told, and what did not fail is there.
func TestOutcomesAreTrue(t *testing.T) {
	for name, play := range map[string]func(*game){"mget": (*game).mget, "mset": (*game).mset, "del": (*game).del} {
		t.Run(name, func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			rnd := rand.New(rand.NewPCG(seed, 0))
			for range 400 {
				play(newGame(t, rnd))
			}
		})
	}
}

// Arguments that mean nothing are refused before the executor is asked for anything:
// there is no result.
func TestBadArguments(t *testing.T) {
	x := newMemory(threeMasters(t))
	keys, pairs := []string{"a"}, []batch.Pair{{Key: "a"}}
	calls := map[string]func(context.Context, batch.Executor, bool, ...batch.Option) (bool, error){
		"mget": func(ctx context.Context, x batch.Executor, some bool, o ...batch.Option) (bool, error) {
			r, err := batch.MGet(ctx, x, when(some, keys), o...)
			return r != nil, err
		},
		"mset": func(ctx context.Context, x batch.Executor, some bool, o ...batch.Option) (bool, error) {
			r, err := batch.MSet(ctx, x, when(some, pairs), o...)
			return r != nil, err
		},
		"del": func(ctx context.Context, x batch.Executor, some bool, o ...batch.Option) (bool, error) {
			r, err := batch.Del(ctx, x, when(some, keys), o...)
			return r != nil, err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			for text, try := range map[string]func() (bool, error){
				"no keys":               func() (bool, error) { return call(t.Context(), x, false) },
				"nil context":           func() (bool, error) { return call(nil, x, true) },
				"nil executor":          func() (bool, error) { return call(t.Context(), nil, true) },
				"unknown strategy 0":    func() (bool, error) { return call(t.Context(), x, true, batch.WithStrategy(0)) },
				"unknown strategy 4":    func() (bool, error) { return call(t.Context(), x, true, batch.WithStrategy(4)) },
				"unknown strategy 255":  func() (bool, error) { return call(t.Context(), x, true, batch.WithStrategy(255)) },
				name + ": no keys":      func() (bool, error) { return call(t.Context(), x, false) },
				name + ": nil executor": func() (bool, error) { return call(t.Context(), nil, true) },
			} {
				result, err := try()
				require.ErrorContains(t, err, text)
				require.False(t, result)
				require.False(t, errors.As(err, new(*batch.PartialError)))
			}
			_, err := call(t.Context(), x, false)
			require.ErrorIs(t, err, batch.ErrNoKeys)
			require.Empty(t, x.runs)
		})
	}
}

func when[T any](some bool, list []T) []T {
	if some {
		return list
	}
	return nil
}

// A call whose context has ended tells of every key that it did not run, whatever the
// strategy.
func TestEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, s := range strategies {
		x := newMemory(threeMasters(t), "a", "old")
		results, err := batch.Del(ctx, x, []string{"a", "b", "c"}, batch.WithStrategy(s))
		require.ErrorIs(t, err, context.Canceled)
		for i := range 3 {
			require.Equal(t, routing.NotExecuted, results.Outcome(i), s)
			require.ErrorIs(t, results.Err(i), context.Canceled)
		}
		require.Equal(t, map[string]string{"a": "old"}, x.data)
	}
}

// Serial stops at nothing: keys after one that failed are still asked for.
func TestSerialGoesOn(t *testing.T) {
	x := newMemory(threeMasters(t), "a", "1", "b", "2", "c", "3")
	x.answer = func(keys []string) reaction {
		if keys[0] == "b" {
			return failed(routing.NotExecuted, errRefused)
		}
		return ran
	}
	values, err := batch.MGet(t.Context(), x, []string{"a", "b", "c"}, batch.WithStrategy(batch.Serial))
	require.ErrorIs(t, err, errRefused)
	require.Equal(t, map[string]string{"a": "1", "c": "3"}, values.Map())
}

// Reads may run twice, writes may not: only reads are marked so.
func TestFlags(t *testing.T) {
	x := newMemory(threeMasters(t))
	keys := []string{"a", "b", "{b}"}
	x.cut = func(keys []string) bool { return len(keys) > 1 }
	flags := func() routing.OpFlags {
		all := x.runs[len(x.runs)-1]
		for _, op := range all {
			require.Equal(t, all[0].Flags, op.Flags)
		}
		require.Len(t, x.parts, 2)
		for _, part := range x.parts {
			require.Equal(t, all[0].Flags, part.Flags, "a part is as its whole")
			require.Equal(t, int(hashtag.Slot("b")), part.Slot)
		}
		x.parts = nil
		return all[0].Flags
	}
	_, err := batch.MGet(t.Context(), x, keys)
	require.NoError(t, err)
	require.Equal(t, routing.Repeatable|routing.SharesMemory, flags())
	_, err = batch.MSet(t.Context(), x, []batch.Pair{{Key: "a"}, {Key: "b"}, {Key: "{b}"}})
	require.NoError(t, err)
	require.Zero(t, flags())
	_, err = batch.Del(t.Context(), x, keys)
	require.NoError(t, err)
	require.Zero(t, flags())
}

// A reply with fewer or more values than keys is not what MGET answers. Its keys have
// failed: a missing key is never confused with a failed one, and nothing panics.
func TestReplyOfAnotherLength(t *testing.T) {
	for _, n := range []int{0, 1, 3} {
		for name, keys := range map[string][]string{"native": {"{a}1", "{a}2"}, "cut": {"{a}1", "{a}2", "b"}} {
			t.Run(fmt.Sprintf("%d values for two keys, %s", n, name), func(t *testing.T) {
				x := liar{newMemory(threeMasters(t)), n}
				require.NotPanics(t, func() {
					values, err := batch.MGet(t.Context(), x, keys)
					require.Error(t, err)
					require.Error(t, values.Err(0))
					require.Error(t, values.Err(1))
				})
			})
		}
	}
}

// liar answers MGET with the wrong number of values.
type liar struct {
	*memory
	values int
}

func (l liar) Run(ctx context.Context, ops []*routing.Op) error {
	err := l.memory.Run(ctx, ops)
	for _, op := range ops {
		if cmd, ok := op.Cmd.(interface{ SetVal([]any) }); ok {
			cmd.SetVal(slices.Repeat([]any{"x"}, l.values))
		}
	}
	return err
}
