package slotmesh_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/batch"
	"github.com/slotmesh/slotmesh/clustertest"
	"github.com/slotmesh/slotmesh/routing"
)

// A state is one in which a call may be when its context ends.
type state struct {
	slow   bool                                        // pauses before retries are
	cold   bool                                        // no shared connection is open yet
	before func(s *scene)                              // what comes before the call
	call   func(ctx context.Context, s *scene) []error // the errors that are to be the context's
	after  func(s *scene)                              // who comes behind it
	lift   func(s *scene)                              // ends what keeps the callers waiting
	check  func(s *scene)                              // what must hold when all have their replies
	want   routing.Outcome
}

// large is most of what may go over a shared connection, and several times what the network
// between client and node takes.
var large = strings.Repeat("x", 900<<10)

func (s *scene) pause(i int)  { require.NoError(s.t, s.Pause(s.Masters()[i])) }
func (s *scene) resume(i int) { require.NoError(s.t, s.Resume(s.Masters()[i])) }

func pauseFirst(s *scene)  { s.pause(0) }
func resumeFirst(s *scene) { s.resume(0) }
func readFirst(s *scene)   { s.read(0) }

func pauseAndRead(s *scene) {
	s.pause(0)
	s.read(0)
}

// jam makes the first node read no more, while more is on its way than the network takes.
func jam(s *scene) {
	s.pause(0)
	for i := range 3 {
		s.other(func(ctx context.Context) error {
			return s.client.Set(ctx, keyOn(0, fmt.Sprint("large", i)), large, 0).Err()
		})
	}
}

func get(ctx context.Context, s *scene) []error { return []error{s.reads(ctx, 0, 0)} }

func incr(ctx context.Context, s *scene) []error {
	return []error{s.client.Incr(ctx, keyOn(0, "n")).Err()}
}

func setLarge(ctx context.Context, s *scene) []error {
	return []error{s.client.Set(ctx, keyOn(0, "mine"), large, 0).Err()}
}

// pop waits for an element of a list of the first node.
func pop(ctx context.Context, s *scene) []error {
	return []error{s.client.BLPop(ctx, 0, keyOn(0, "list")).Err()}
}

// push ends what pop waits for, of n callers.
func push(n int) func(s *scene) {
	return func(s *scene) {
		for range n {
			require.NoError(s.t, s.client.RPush(s.t.Context(), keyOn(0, "list"), "x").Err())
		}
	}
}

// poppers starts n callers who pop.
func poppers(n int) func(s *scene) {
	return func(s *scene) {
		for range n {
			s.other(func(ctx context.Context) error { return errors.Join(pop(ctx, s)...) })
		}
	}
}

// errs returns the errors of commands.
func errs(cmds []redis.Cmder) (all []error) {
	for _, cmd := range cmds {
		all = append(all, cmd.Err())
	}
	return all
}

// incrs is a pipeline over the given nodes.
func incrs(nodes ...int) func(p redis.Pipeliner) error {
	return func(p redis.Pipeliner) error {
		for _, i := range nodes {
			p.Incr(context.Background(), keyOn(i, "n"))
			p.Incr(context.Background(), keyOn(i, "m"))
		}
		return nil
	}
}

func pipeline(ctx context.Context, s *scene) []error {
	cmds, _ := s.client.Pipelined(ctx, incrs(0))
	return errs(cmds)
}

func transaction(ctx context.Context, s *scene) []error {
	cmds, _ := s.client.TxPipelined(ctx, incrs(0))
	return errs(cmds)
}

// wide is a pipeline over all nodes, of which the first does not answer.
func wide(ctx context.Context, s *scene) []error {
	cmds, err := s.client.Pipelined(ctx, incrs(2, 0, 1))
	for _, i := range []int{0, 1, 4, 5} {
		require.NoError(s.t, cmds[i].Err(), "the other nodes have answered")
	}
	return append(errs(cmds[2:4]), err)
}

// mget reads keys of all nodes, of which so many fail.
func mget(fail int) func(ctx context.Context, s *scene) []error {
	return func(ctx context.Context, s *scene) []error {
		keys := []string{keyOn(1, "0"), keyOn(0, "0"), keyOn(0, "1"), keyOn(2, "0")}
		values, err := batch.MGet(ctx, s.client, keys)
		failed := []error{err}
		for i, key := range keys {
			if values.Err(i) != nil {
				failed = append(failed, values.Err(i))
				continue
			}
			got, _ := values.At(i)
			require.Equal(s.t, key, got)
		}
		require.ErrorAs(s.t, err, new(*batch.PartialError))
		require.Len(s.t, failed, 1+fail)
		return failed
	}
}

// isZero checks that keys of the first node were never set.
func isZero(names ...string) func(s *scene) {
	return func(s *scene) {
		for _, name := range names {
			require.Equal(s.t, redis.Nil, s.client.Get(s.t.Context(), keyOn(0, name)).Err(), name)
		}
	}
}

// isSet checks that a key of the first node has what a call that was cancelled gave it:
// its request was complete, or was completed, since those of others came behind it.
func isSet(name, want string) func(s *scene) {
	return func(s *scene) {
		got, err := s.client.Get(s.t.Context(), keyOn(0, name)).Result()
		require.NoError(s.t, err)
		require.True(s.t, want == got, "%d bytes", len(got))
	}
}

// answer makes the first node answer each command of a name so.
func answer(command, reply string) func(s *scene) {
	return func(s *scene) {
		s.Fault(clustertest.Fault{
			Match: clustertest.Selector{Addr: s.Masters()[0], Command: command},
			Count: -1, Kind: clustertest.Answer, Reply: reply,
		})
	}
}

var states = map[string]state{
	"queued":              {before: jam, call: incr, after: readFirst, lift: resumeFirst, check: isZero("n"), want: routing.NotExecuted},
	"queued, a read":      {before: jam, call: get, after: readFirst, lift: resumeFirst, want: routing.NotExecuted},
	"queued, large":       {before: jam, call: setLarge, after: readFirst, lift: resumeFirst, check: isZero("mine"), want: routing.NotExecuted},
	"queued, pipeline":    {before: jam, call: pipeline, after: readFirst, lift: resumeFirst, check: isZero("n", "m"), want: routing.NotExecuted},
	"queued, transaction": {before: jam, call: transaction, after: readFirst, lift: resumeFirst, check: isZero("n", "m"), want: routing.NotExecuted},
	"queued, cut off": {
		before: func(s *scene) {
			require.NoError(s.t, s.Cut(s.Masters()[0], clustertest.Clients))
			for i := range 3 {
				s.other(func(ctx context.Context) error {
					return s.client.Set(ctx, keyOn(0, fmt.Sprint("large", i)), large, 0).Err()
				})
			}
		},
		call: incr, after: readFirst, check: isZero("n"), want: routing.NotExecuted,
		lift: func(s *scene) { require.NoError(s.t, s.Heal(s.Masters()[0], clustertest.Clients)) },
	},
	"writing":              {before: pauseFirst, call: setLarge, after: readFirst, lift: resumeFirst, check: isSet("mine", large)},
	"writing, others read": {before: pauseAndRead, call: setLarge, after: readFirst, lift: resumeFirst, check: isSet("mine", large)},
	"reading":              {before: pauseFirst, call: get, lift: resumeFirst},
	"reading, a write":     {before: pauseFirst, call: incr, lift: resumeFirst, check: isSet("n", "1")},
	"reading for others":   {before: pauseFirst, call: get, after: readFirst, lift: resumeFirst},
	"read for by others":   {before: pauseAndRead, call: get, after: readFirst, lift: resumeFirst},
	"behind a write that is held": {
		before: func(s *scene) {
			s.holdFirst("incr")
			s.other(func(ctx context.Context) error { return s.client.Incr(ctx, keyOn(0, "n")).Err() })
		},
		call: func(ctx context.Context, s *scene) []error {
			return []error{s.client.Append(ctx, keyOn(0, "mine"), "x").Err()}
		},
		after: readFirst, lift: (*scene).release, check: isSet("mine", "x"),
	},
	"pipeline":                    {before: pauseFirst, call: pipeline, after: readFirst, lift: resumeFirst, check: isSet("n", "1")},
	"transaction":                 {before: pauseFirst, call: transaction, after: readFirst, lift: resumeFirst, check: isSet("n", "1")},
	"pipeline over several nodes": {before: pauseFirst, call: wide, after: readFirst, lift: resumeFirst},
	"batch":                       {before: pauseFirst, call: mget(2), after: readFirst, lift: resumeFirst},
	"MGET": {before: pauseFirst, after: readFirst, lift: resumeFirst, call: func(ctx context.Context, s *scene) []error {
		return []error{s.client.MGet(ctx, keyOn(1, "0"), keyOn(0, "0")).Err()}
	}},
	"BLPOP":                    {call: pop, after: poppers(2), lift: push(2)},
	"BLPOP on a borrowed link": {before: poppers(3), call: pop, after: poppers(1), lift: push(4)},
	"BLPOP, many":              {before: poppers(1000), call: pop, lift: push(1000), want: routing.NotExecuted},
	"connecting":               {cold: true, before: (*scene).holdDials, call: get, lift: (*scene).letDial, want: routing.NotExecuted},
	"connecting, with others": {
		cold: true, before: func(s *scene) { s.holdDials(); s.read(0) },
		call: incr, after: readFirst, lift: (*scene).letDial, check: isZero("n"), want: routing.NotExecuted,
	},
	"connecting, handshake": {cold: true, before: pauseAndRead, call: incr, after: readFirst, lift: resumeFirst, check: isZero("n"), want: routing.NotExecuted},
	"connecting, BLPOP": {
		before: func(s *scene) { poppers(2)(s); s.holdDials() },
		call:   pop, lift: func(s *scene) { s.letDial(); push(2)(s) }, want: routing.NotExecuted,
	},
	"connecting, batch": {
		cold: true, before: (*scene).holdDials, lift: (*scene).letDial, want: routing.NotExecuted, call: mget(4),
	},
	"backing off":           {slow: true, before: answer("get", "-LOADING Redis is loading the dataset in memory\r\n"), call: get, want: routing.NotExecuted},
	"backing off, a write":  {slow: true, before: answer("incr", "-CLUSTERDOWN The cluster is down\r\n"), call: incr, want: routing.NotExecuted},
	"backing off, pipeline": {slow: true, before: answer("incr", "-LOADING Redis is loading the dataset in memory\r\n"), call: pipeline, want: routing.NotExecuted},
	"backing off, and it may have run": {
		slow: true, call: func(ctx context.Context, s *scene) []error { return incr(slotmesh.Idempotent(ctx), s) },
		before: func(s *scene) {
			s.Fault(clustertest.Fault{Match: clustertest.Selector{Command: "incr"}, Kind: clustertest.ResetReply})
		},
		check: isSet("n", "1"),
	},
	"sent on by ASK": {
		before: func(s *scene) {
			require.NoError(s.t, s.BeginMigration(s.t.Context(), 0, s.Masters()[1]))
			s.pause(1)
		},
		call: incr, lift: func(s *scene) { s.resume(1) },
	},
	"asking about an unknown command": {before: func(s *scene) {
		for i := range s.Masters() {
			s.pause(i)
		}
	}, call: func(ctx context.Context, s *scene) []error {
		return []error{s.client.Do(ctx, "module.command", keyOn(0, "0")).Err()}
	}, lift: func(s *scene) {
		for i := range s.Masters() {
			s.resume(i)
		}
	}, want: routing.NotExecuted},
}

// When the context of a call ends, so does the call: no time passes, whatever it is about.
// What is known of it is told, and nobody else is disturbed.
func TestCancel(t *testing.T) {
	for name, st := range states {
		t.Run(name+", cancelled", func(t *testing.T) {
			st.play(t, context.Canceled, func(ctx context.Context) context.Context {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(time.Second, cancel)
				return ctx
			})
		})
		if st.slow {
			continue // a pause that is longer than the deadline is not even begun
		}
		t.Run(name+", deadline", func(t *testing.T) {
			st.play(t, context.DeadlineExceeded, func(ctx context.Context) context.Context {
				ctx, cancel := context.WithTimeout(ctx, time.Second)
				time.AfterFunc(time.Minute, cancel)
				return ctx
			})
		})
	}
}

// play brings a call into the state, where it stays for a second, until its context ends.
func (st *state) play(t *testing.T, why error, limit func(context.Context) context.Context) {
	t.Helper()
	inBubble(t, func(s *scene) {
		if !st.cold {
			s.warm()
		}
		s.do(st.before)
		got, start := make(chan []error, 1), time.Now()
		ctx := limit(s.t.Context())
		go func() { got <- st.call(ctx, s) }()
		synctest.Wait()
		s.do(st.after)
		time.Sleep(time.Second - 1) // fake
		synctest.Wait()
		require.Empty(s.t, got, "the call is in the state")

		failed := <-got
		require.Equal(s.t, time.Second, time.Since(start), "that was when its context ended")
		for _, err := range failed {
			requireOutcome(s.t, err, why, st.want)
		}
		time.Sleep(time.Second) // fake
		s.do(st.lift)
		s.others.Wait()
		s.do(st.check)
	}, func(o *slotmesh.Options) {
		if st.slow {
			o.Retry.MinBackoff, o.Retry.MaxBackoff = time.Minute, time.Minute
		}
	})
}

// do does what is to be done, if anything is.
func (s *scene) do(f func(s *scene)) {
	s.t.Helper()
	if f != nil {
		f(s)
	}
	synctest.Wait()
}

// requireOutcome checks why a call ended, and what is told of whether it ran.
func requireOutcome(t *testing.T, err, why error, want routing.Outcome) {
	t.Helper()
	require.ErrorIs(t, err, why)
	var failed *slotmesh.Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, want, failed.Outcome, "%v", err)
}

// holdFirst makes the first node hold commands of a name until release.
func (s *scene) holdFirst(command string) {
	s.kept = s.Hold(clustertest.Selector{Addr: s.Masters()[0], Command: command})
}

func (s *scene) release() { s.kept.Release() }

// A batch that goes to node after node tells of each key what is known: those of the nodes
// before are there, those of the nodes behind were never sent.
func TestCancelBatchNodeAfterNode(t *testing.T) {
	inBubble(t, func(s *scene) {
		s.warm()
		s.pause(1)
		ctx, cancel := context.WithTimeout(s.t.Context(), time.Second)
		defer cancel()
		keys := []string{keyOn(0, "0"), keyOn(1, "0"), keyOn(2, "0")}
		start := time.Now()
		values, err := batch.MGet(ctx, s.client, keys, batch.WithStrategy(batch.Pipelined))
		require.Equal(s.t, time.Second, time.Since(start))
		require.ErrorIs(s.t, err, context.DeadlineExceeded)
		require.Equal(s.t, map[string]string{keys[0]: keys[0]}, values.Map())
		requireOutcome(s.t, values.Err(1), context.DeadlineExceeded, routing.Unknown)
		requireOutcome(s.t, values.Err(2), context.DeadlineExceeded, routing.NotExecuted)
	})
}

// A read that goes elsewhere, since its connection is held up, is still a call that can be
// cancelled there: while that connection is opened, and while it reads.
func TestCancelElsewhere(t *testing.T) {
	for name, disturb := range map[string]func(s *scene){
		"connecting": (*scene).holdDials,
		"reading": func(s *scene) {
			s.Fault(clustertest.Fault{Match: clustertest.Selector{Command: "get"}, Delay: time.Hour})
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(s *scene) {
				s.warm()
				s.holdFirst("incr")
				s.other(func(ctx context.Context) error { return s.client.Incr(ctx, keyOn(0, "n")).Err() })
				time.Sleep(time.Second) // fake: it is known that the node answers elsewhere
				disturb(s)
				ctx, cancel := context.WithTimeout(s.t.Context(), time.Second)
				defer cancel()
				start := time.Now()
				err := s.reads(ctx, 0, 0)
				require.Equal(s.t, time.Second, time.Since(start))
				require.ErrorIs(s.t, err, context.DeadlineExceeded)
				s.release()
			})
		})
	}
}

// A call that is cancelled within the first 10 ms of its read returns when these are over,
// or before: to watch a context costs more than a short read does. Whoever is read for by
// another returns at once.
func TestCancelEarly(t *testing.T) {
	const patience = 10 * time.Millisecond
	for limit := time.Millisecond; limit <= 2*patience; limit += time.Millisecond / 2 {
		inBubble(t, func(s *scene) {
			s.warm()
			s.pause(0)
			reader := s.limited(limit)
			readFor := s.limited(limit / 2)
			require.Equal(s.t, limit/2, <-readFor)
			took := <-reader
			require.GreaterOrEqual(s.t, took, limit)
			require.LessOrEqual(s.t, took, max(limit, patience), "cancelled after %v", limit)
		})
	}
}

// limited starts a read of the first node, which does not answer, and tells how long it
// took.
func (s *scene) limited(limit time.Duration) (took chan time.Duration) {
	took = make(chan time.Duration, 1)
	start := time.Now()
	s.others.Go(func() {
		ctx, cancel := context.WithTimeout(s.t.Context(), limit)
		defer cancel()
		if err := s.reads(ctx, 0, 0); !errors.Is(err, context.DeadlineExceeded) {
			s.t.Error(err)
		}
		took <- time.Since(start)
	})
	synctest.Wait()
	return took
}

// Whenever calls are cancelled, they return no more than 10 ms later, what they tell is
// true, and those that are not cancelled have the replies that are theirs.
func TestCancelAnyTime(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("the seed is %d", seed)
	inBubble(t, func(s *scene) {
		for i, addr := range s.Masters() {
			require.NoError(s.t, s.Latency(addr, time.Duration(5*i)*time.Millisecond))
		}
		var tally tally
		for i := range uint64(50) {
			random := rand.New(rand.NewPCG(seed, i))
			s.others.Go(func() {
				for range 40 {
					tally.add(s.cancelSoon(random))
				}
			})
		}
		for range 20 { // pauses, for calls of all kinds to be cut short in
			time.Sleep(30 * time.Millisecond) // fake
			s.pause(0)
			time.Sleep(30 * time.Millisecond) // fake
			s.resume(0)
		}
		s.others.Wait()
		n := int64(0)
		for i := range s.Masters() {
			value, err := s.client.Get(s.t.Context(), keyOn(i, "n")).Int64()
			require.NoError(s.t, err)
			n += value
		}
		s.t.Logf("INCR: %d done, %d unknown; %d is the sum", tally.done.Load(), tally.unknown.Load(), n)
		require.GreaterOrEqual(s.t, n, tally.done.Load())
		require.LessOrEqual(s.t, n, tally.done.Load()+tally.unknown.Load())
		require.NotZero(s.t, tally.done.Load())
		require.NotZero(s.t, tally.unknown.Load())
	})
}

// tally counts what became of INCRs.
type tally struct{ done, unknown atomic.Int64 }

func (c *tally) add(outcome routing.Outcome) {
	switch outcome {
	case routing.Done:
		c.done.Add(1)
	case routing.Unknown:
		c.unknown.Add(1)
	}
}

// cancelSoon reads and increments under contexts that end soon, and returns the outcome of
// the INCR.
func (s *scene) cancelSoon(random *rand.Rand) routing.Outcome {
	i, n := random.IntN(3), random.IntN(readers)
	within := func(call func(ctx context.Context) error) error {
		limit := time.Duration(random.IntN(30_000)) * time.Microsecond
		ctx, cancel := context.WithTimeout(s.t.Context(), limit)
		defer cancel()
		start := time.Now()
		err := call(ctx)
		if late := time.Since(start) - limit; late > 10*time.Millisecond {
			s.t.Errorf("%v too late: %v", late, err)
		}
		return err
	}
	if err := within(func(ctx context.Context) error { return s.reads(ctx, i, n) }); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		s.t.Error(err)
	}
	err := within(func(ctx context.Context) error { return s.client.Incr(ctx, keyOn(i, "n")).Err() })
	var failed *slotmesh.Error
	switch {
	case err == nil:
		return routing.Done
	case errors.As(err, &failed) && errors.Is(err, context.DeadlineExceeded):
		return failed.Outcome
	default:
		s.t.Error(err)
		return routing.Unknown
	}
}
