package routing

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/hashtag"
)

// TestLies is promises 5 and 6: whatever the nodes answer, what the client reports is what
// they did. Nodes play tricks, callers make commands of all kinds, and in the end each
// report is compared with how often the command ran. SLOTMESH_SOAK=1 makes a million
// commands and more; SLOTMESH_SEED repeats a round, as far as the seed decides: who runs
// first is the scheduler's.
func TestLies(t *testing.T) {
	steps := 20_000
	if os.Getenv("SLOTMESH_SOAK") == "1" {
		steps = 1_000_000
	}
	seed, one := rand.Uint64()>>32, false
	if text := os.Getenv("SLOTMESH_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, "SLOTMESH_SEED")
		one = true
	}
	quiet := quietSocketPair(t)
	all := newTally()
	start := time.Now()
	for ; all.commands < steps && !t.Failed(); seed++ {
		d := &dice{rng: rand.New(rand.NewPCG(seed, 0))}
		playLies(t, fmt.Sprintf("SLOTMESH_SEED=%d", seed), d, quiet, all)
		if one {
			return
		}
	}
	all.took = time.Since(start)
	t.Log(all)
	if !t.Failed() {
		require.Empty(t, all.missing(), "tricks that never came, in %d commands", all.commands)
	}
}

// FuzzLies is TestLies with tricks and callers that the fuzzer chooses.
func FuzzLies(f *testing.F) {
	quiet := quietSocketPair(f)
	f.Add([]byte{})
	for i := range 16 {
		rng := rand.New(rand.NewPCG(uint64(i), 0))
		bytes := make([]byte, 40*(i+1))
		for j := range bytes {
			bytes[j] = byte(rng.Uint32())
		}
		f.Add(bytes)
	}
	f.Fuzz(func(t *testing.T, bytes []byte) {
		playLies(t, "fuzzed", &dice{bytes: bytes}, quiet, newTally())
	})
}

// tally is what came, over all rounds.
type tally struct {
	rounds, commands, requests int
	outcomes                   map[string]int
	met                        map[string]int
	slowest                    time.Duration
	took                       time.Duration
}

func newTally() *tally { return &tally{outcomes: map[string]int{}, met: map[string]int{}} }

// missing returns the tricks that never came.
func (a *tally) missing() []string {
	names := slices.Clone(dialTricks)
	for _, t := range deck {
		names = append(names, t.name)
	}
	for _, m := range manners {
		for _, name := range []string{"hello", "cluster", "ping"} {
			names = append(names, name+": "+m.name)
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return a.met[name] > 0 })
}

func (a *tally) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d commands in %d rounds, %d requests, in %v; the slowest call took %v of their time\n",
		a.commands, a.rounds, a.requests, a.took.Round(time.Millisecond), a.slowest)
	for _, counts := range []map[string]int{a.outcomes, a.met} {
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			fmt.Fprintf(&b, "%8d  %s\n", counts[name], name)
		}
	}
	return b.String()
}

// lies is one round: callers, and a cluster that plays tricks on them.
type lies struct {
	t      *testing.T
	name   string
	dice   *dice
	liar   *liar
	router *Router

	mu      sync.Mutex
	keys    int
	lines   int
	claims  []*claim
	slowest time.Duration
}

// playLies plays a round in a bubble of its own, in which nobody may be left at the end.
func playLies(t *testing.T, name string, d *dice, quiet net.Conn, all *tally) {
	defer func() {
		if p := recover(); p != nil { // else it does not tell the seed
			panic(fmt.Sprintf("%s: %v", name, p))
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		l := &lies{t: t, name: name, dice: d, liar: newLiar(t, d, quiet)}
		l.router = open(t, l.liar.options())
		l.liar.armed.Store(true)
		l.play()
		l.compare()
		l.count(all)
	})
}

const (
	lyingCallers = 4
	lyingCalls   = 12 // of each
)

// play lets the callers call, and returns when everything is quiet.
func (l *lies) play() {
	watchdog := time.AfterFunc(time.Hour, func() { panic(l.name + ": somebody hangs") })
	defer watchdog.Stop()
	var callers sync.WaitGroup
	for range lyingCallers {
		callers.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					l.t.Errorf("%s: %v\n%s", l.name, p, debug.Stack())
				}
			}()
			for i := 0; i < lyingCalls && (i == 0 || !l.dice.spent()); i++ {
				l.call()
			}
		})
	}
	callers.Wait()
	if l.dice.roll(2) == 0 {
		time.Sleep(time.Minute) // fake: what is under way lands
	}
	l.router.Close()
	synctest.Wait() // dials that nobody waits for any more
	l.liar.mesh.served.Wait()
}

// A claim is a command, and what the client says became of it.
type claim struct {
	cmd        redis.Cmder
	keys       []string
	repeatable bool
	script     bool
	op         *Op      // nil if nobody sees it
	parts      []*claim // that it was cut into
	line       int      // its pipeline; 0 if it is in none
	tx         []*claim // the whole transaction
	vague      bool     // in a transaction, of which only the errors are seen
}

// newKey returns a key that nobody has, of one of a few slots.
func (l *lies) newKey(slot uint16) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keys++
	return fmt.Sprintf("{%s}%d", hashtag.ForSlot(slot), l.keys)
}

func (l *lies) anySlot() uint16 { return l.liar.mesh.slot(l.dice.roll(3)) + uint16(l.dice.roll(2)) }

// command returns a command of any kind.
func (l *lies) command(slot uint16) *claim {
	ctx := context.Background()
	key := l.newKey(slot)
	c := &claim{keys: []string{key}}
	switch n := l.dice.roll(20); {
	case n < 8:
		c.cmd = incr(key)
	case n < 12:
		c.cmd, c.repeatable = get(key), true
	case n < 14:
		c.cmd = set(key, "v")
	case n < 18:
		c.cmd, c.script = do("eval", "return 1", 1, key), true
	case n < 19:
		c.keys = append(c.keys, l.newKey(slot), l.newKey(slot))
		c.cmd, c.repeatable = redis.NewSliceCmd(ctx, "mget", c.keys[0], c.keys[1], c.keys[2]), true
	default:
		c.keys = append(c.keys, l.newKey(slot))
		c.cmd = redis.NewStatusCmd(ctx, "mset", c.keys[0], "v", c.keys[1], "v")
	}
	return c
}

// commands returns up to so many commands.
func (l *lies) commands(most int, slot func() uint16) (claims []*claim, cmds []redis.Cmder) {
	for range 1 + l.dice.roll(most) {
		c := l.command(slot())
		claims, cmds = append(claims, c), append(cmds, c.cmd)
	}
	return claims, cmds
}

// call makes one call, and checks that it ends in time.
func (l *lies) call() {
	ctx, most, cancel := l.context()
	defer cancel()
	var claims []*claim
	start := time.Now()
	switch n := l.dice.roll(10); {
	case n < 4:
		claims = l.process(ctx)
	case n < 6:
		claims = l.pipeline(ctx)
	case n < 8:
		claims = l.transaction(ctx)
	default:
		claims = l.batch(ctx)
	}
	took := time.Since(start)
	if took > most {
		l.t.Errorf("%s: %v took %v, of at most %v", l.name, claims[0].cmd, took, most)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slowest = max(l.slowest, took)
	for _, c := range claims {
		c.repeatable = c.repeatable || isIdempotent(ctx)
		l.claims = append(l.claims, c)
	}
}

const (
	lyingSlack = 10 * time.Millisecond // by which a call may be given up late
	endless    = 10 * time.Second      // a call without a deadline is shorter
)

// context returns a context, and how long a call with it may take.
func (l *lies) context() (ctx context.Context, most time.Duration, cancel context.CancelFunc) {
	ctx, cancel = context.WithCancel(context.Background())
	most = endless
	if l.dice.roll(8) == 1 {
		ctx = Idempotent(ctx)
	}
	switch n := l.dice.roll(16); {
	case n < 9:
		return ctx, most, cancel
	case n == 9:
		cancel()
		return ctx, 0, cancel
	case n < 12:
		most = l.dice.upTo(2 * liarRead)
		time.AfterFunc(most, cancel)
		return ctx, most + lyingSlack, cancel
	case n < 14:
		most = l.dice.upTo(30 * time.Millisecond)
	default:
		most = l.dice.upTo(3 * liarRead)
	}
	ctx, stop := context.WithTimeout(ctx, most)
	context.AfterFunc(ctx, cancel)
	return ctx, most + lyingSlack, stop
}

// process makes one command.
func (l *lies) process(ctx context.Context) []*claim {
	c := l.command(l.anySlot())
	if err := l.router.Process(ctx, c.cmd); !sameError(err, c.cmd.Err()) {
		l.t.Errorf("%s: %v returned %v", l.name, c.cmd, err)
	}
	return []*claim{c}
}

// sameError reports whether two errors are, or have the text of, one.
func sameError(a, b error) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// newLine returns the number of a pipeline.
func (l *lies) newLine() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines++
	return l.lines
}

func (l *lies) pipeline(ctx context.Context) []*claim {
	claims, cmds := l.commands(25, l.anySlot)
	line := l.newLine()
	for _, c := range claims {
		c.line = line
	}
	if l.dice.roll(2) == 0 {
		_ = l.router.ProcessPipeline(ctx, cmds)
		return claims
	}
	var ops []*Op
	for i, cmd := range cmds {
		var p prepared
		l.router.prepare(ctx, cmd, &p)
		claims[i].op = p.ops[0]
		ops = append(ops, p.ops...)
	}
	_ = l.router.Run(ctx, ops)
	return claims
}

func (l *lies) transaction(ctx context.Context) []*claim {
	slot := l.anySlot()
	claims, cmds := l.commands(5, func() uint16 { return slot })
	repeatable := true
	for _, c := range claims {
		repeatable = repeatable && c.repeatable
	}
	for _, c := range claims {
		c.tx, c.repeatable = claims, repeatable
	}
	if l.dice.roll(2) == 0 {
		for _, c := range claims {
			c.vague = true
		}
		_ = l.router.ProcessPipeline(ctx, transact(cmds...))
		return claims
	}
	op, err := l.router.prepareTransaction(ctx, transact(cmds...))
	if err != nil {
		panic(err)
	}
	for _, c := range claims {
		c.op = op
	}
	_ = l.router.Run(ctx, []*Op{op})
	return claims
}

// batch runs ops as package batch does: some small, some that can be cut into keys, some
// that may run twice.
func (l *lies) batch(ctx context.Context) []*claim {
	var claims []*claim
	var ops []*Op
	for range 1 + l.dice.roll(20) {
		c := l.part()
		claims, ops = append(claims, c), append(ops, c.op)
	}
	_ = l.router.Run(ctx, ops)
	return claims
}

func (l *lies) part() *claim {
	slot := l.anySlot()
	switch l.dice.roll(4) {
	case 0, 1:
		return l.light(l.newKey(slot), l.dice.roll(2) == 0)
	case 2:
		c := l.command(slot)
		c.op = &Op{Cmd: c.cmd, Slot: int(slot)}
		if c.script {
			c.op.Flags = Distrusted
		} else if c.repeatable = c.repeatable || l.dice.roll(4) == 1; c.repeatable {
			c.op.Flags = Repeatable | SharesMemory
		}
		return c
	default:
		return l.divisible(slot)
	}
}

func (l *lies) light(key string, reads bool) *claim {
	cmd := &Light{}
	c := &claim{cmd: cmd, keys: []string{key}, repeatable: reads, op: &Op{Cmd: cmd, Slot: int(hashtag.Slot(key))}}
	if reads {
		cmd.Get(key)
		c.op.Flags = Repeatable
	} else {
		cmd.Set(key, "v")
	}
	return c
}

// divisible is an MGET or an MSET that is cut into GETs or SETs where its keys are apart.
func (l *lies) divisible(slot uint16) *claim {
	c := &claim{keys: []string{l.newKey(slot), l.newKey(slot)}}
	reads := l.dice.roll(2) == 0
	if reads {
		c.cmd, c.repeatable = redis.NewSliceCmd(context.Background(), "mget", c.keys[0], c.keys[1]), true
	} else {
		c.cmd = redis.NewStatusCmd(context.Background(), "mset", c.keys[0], "v", c.keys[1], "v")
	}
	c.op = &Op{Cmd: c.cmd, Slot: int(slot)}
	if reads {
		c.op.Flags = Repeatable
	}
	c.op.Cut = func() (ops []*Op) {
		for _, key := range c.keys {
			part := l.light(key, reads)
			part.op.Slot = int(slot)
			c.parts, ops = append(c.parts, part), append(ops, part.op)
		}
		return ops
	}
	return c
}

// compare compares what the client said with what the nodes have done.
func (l *lies) compare() {
	for _, c := range l.claims {
		for _, part := range c.parts {
			part.repeatable = c.repeatable
			l.check(part)
		}
		l.check(c)
	}
	l.checkOrder()
}

// check checks one claim.
func (l *lies) check(c *claim) {
	outcome, err := c.said()
	if outcome == none {
		l.errorf(c, "is an error of no kind")
		return
	}
	if err == nil && len(c.parts) == 0 && !c.isOwn() {
		l.errorf(c, "has the value of another")
	}
	for _, key := range c.keys {
		f := l.liar.fact(key)
		if f.fooled {
			continue
		}
		n := len(f.ran)
		answered := outcome == Done && c.script && err != nil // what a script answers may be a refusal
		switch {
		case outcome == Done && n == 0 && !answered:
			l.errorf(c, "%s never ran", key)
		case n > 1 && !c.repeatable:
			l.errorf(c, "%s ran %d times", key, n)
		case outcome == NotExecuted && n > 0:
			l.errorf(c, "%s ran", key)
		case SafeToRetry(err) && n > 0:
			l.errorf(c, "%s is said to be safe to retry, and ran", key)
		}
		l.checkTransaction(c, f)
	}
}

func (l *lies) errorf(c *claim, format string, args ...any) {
	outcome, err := c.said()
	l.t.Errorf("%s: %v (%v, %v): %s", l.name, c.cmd.Args(), outcome, err, fmt.Sprintf(format, args...))
}

const (
	none  Outcome = 100 // an error that says nothing
	mixed Outcome = 101 // says nothing of one command alone
)

// said returns what the client says became of the command, and its error.
func (c *claim) said() (Outcome, error) {
	err := c.cmd.Err()
	switch {
	case c.op != nil && len(c.parts) > 0:
		return c.op.Outcome, c.op.Err
	case c.op != nil:
		return c.op.Outcome, err
	}
	var e *Error
	switch reply, isReply := err.(redis.Error); {
	case err == nil:
		return Done, nil
	case errors.As(err, &e):
		return e.Outcome, err
	case errors.As(err, new(executedError)):
		return Done, err
	case c.vague:
		return mixed, err // why it was not queued, or an answer within EXEC
	case !isReply:
		return none, err
	case parseReply(reply.Error()).fault == FaultReply:
		return Done, err
	default:
		return NotExecuted, err
	}
}

// isOwn reports whether the command has its own value.
func (c *claim) isOwn() bool {
	switch cmd := c.cmd.(type) {
	case *redis.IntCmd:
		return cmd.Val() == int64(number(c.keys[0]))
	case *redis.StringCmd:
		return cmd.Val() == "value of "+c.keys[0]
	case *redis.StatusCmd:
		return cmd.Val() == "OK"
	case *Light:
		return cmd.Val() == "OK" || cmd.Val() == "value of "+c.keys[0]
	case *redis.Cmd:
		return cmd.Val() == "ran "+c.keys[0]
	case *redis.SliceCmd:
		var want []any
		for _, key := range c.keys {
			want = append(want, "value of "+key)
		}
		return slices.Equal(cmd.Val(), want)
	}
	return false
}

// checkTransaction checks that of a transaction all commands ran together, or none, unless
// a node refused its MULTI.
func (l *lies) checkTransaction(c *claim, f *fact) {
	if c.tx == nil {
		return
	}
	first, keys := l.liar.fact(c.tx[0].keys[0]), 0
	for _, other := range c.tx {
		keys += len(other.keys)
		for _, key := range other.keys {
			if l.liar.fact(key).alone {
				return
			}
		}
	}
	if !slices.Equal(f.in, first.in) || slices.Contains(f.in, 0) {
		l.errorf(c, "is in a transaction that was torn")
	}
	for _, exec := range f.in {
		if exec > 0 && l.liar.execs[exec-1] != keys {
			l.errorf(c, "is in a transaction with others")
		}
	}
}

// A slotLine is the commands for a slot in one pipeline.
type slotLine struct {
	line int
	slot uint16
}

// checkOrder checks that the commands of a pipeline for one slot ran in their order. Who is
// refused must let those behind pass that are sent with it; so of two the first comes first
// if it was not refused more often.
func (l *lies) checkOrder() {
	before := map[slotLine][]*fact{}
	for _, c := range l.claims {
		f := l.liar.fact(c.keys[0])
		if c.line == 0 || c.cmd.Err() != nil || len(f.ran) != 1 || f.seen != f.refused+1 {
			continue
		}
		at := slotLine{c.line, hashtag.Slot(c.keys[0])}
		for _, first := range before[at] {
			if first.refused <= f.refused && first.ran[0] > f.ran[0] {
				l.errorf(c, "has overtaken one before it")
			}
		}
		before[at] = append(before[at], f)
	}
}

// count adds the round to what came.
func (l *lies) count(all *tally) {
	all.rounds++
	all.commands += len(l.claims)
	all.slowest = max(all.slowest, l.slowest)
	for _, f := range l.liar.facts {
		all.requests += f.seen
	}
	for name, n := range l.liar.met {
		all.met[name] += n
	}
	for _, c := range l.claims {
		switch outcome, err := c.said(); {
		case errors.Is(err, ErrTooManyRedirects):
			all.outcomes["said: too many redirections"]++
		case outcome == mixed:
			all.outcomes["said: the answer of a transaction"]++
		case outcome == Done && err != nil:
			all.outcomes["said: done, with an error"]++
		default:
			all.outcomes["said: "+outcome.String()]++
		}
	}
}
