package slotmesh_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/batch"
	"github.com/slotmesh/slotmesh/clustertest"
	"github.com/slotmesh/slotmesh/routing"
)

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

// What the other nodes have answered is there when one of them is silent until the context
// ends, however soon that is.
func TestCancelBatchKeepsReplies(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{})
	client, err := slotmesh.New(t.Context(), slotmesh.Options{Addrs: c.Addrs()})
	require.NoError(t, err)
	defer client.Close()
	keys := []string{keyOn(1, "0"), keyOn(0, "0"), keyOn(2, "0")}
	for _, key := range keys {
		require.NoError(t, client.Set(t.Context(), key, key, 0).Err())
	}
	require.NoError(t, c.Pause(c.Masters()[0]))
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Millisecond)
	defer cancel()
	values, err := batch.MGet(ctx, client, keys)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, map[string]string{keys[0]: keys[0], keys[2]: keys[2]}, values.Map())
}

// A read that goes elsewhere, since its connection is held up, is still a call that can be
// cancelled there: while that connection is opened, and while it reads.
func TestCancelElsewhere(t *testing.T) {
	for name, disturb := range map[string]func(s *scene){
		"connecting": holdDials,
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

// Calls that are cancelled before they have a connection take nothing from those that come
// later, be they more than there may be connections.
func TestCancelManyConnecting(t *testing.T) {
	inBubble(t, func(s *scene) {
		poppers(1)(s) // on the connection that is there
		s.holdDials(true)
		ctx, cancel := context.WithTimeout(s.t.Context(), time.Second)
		defer cancel()
		for range 1100 {
			s.others.Go(func() {
				for _, err := range pop(ctx, s) {
					requireOutcome(s.t, err, context.DeadlineExceeded, routing.NotExecuted)
				}
			})
		}
		time.Sleep(time.Second) // fake
		synctest.Wait()
		s.holdDials(false) // what is being dialled still is
		start, full := time.Now(), keyOn(0, "full")
		require.NoError(s.t, s.client.RPush(s.t.Context(), full, "x").Err())
		require.NoError(s.t, s.client.BLPop(s.t.Context(), 0, full).Err())
		require.Zero(s.t, time.Since(start))
		push(1)(s)
	})
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
	inBubble(t, func(s *scene) {
		for i, addr := range s.Masters() {
			require.NoError(s.t, s.Latency(addr, time.Duration(5*i)*time.Millisecond))
		}
		c := &canceller{scene: s, most: 30 * time.Millisecond, late: 10 * time.Millisecond}
		c.start(50, 40)
		for range 20 { // pauses, for calls of all kinds to be cut short in
			time.Sleep(30 * time.Millisecond) // fake
			s.pause(0)
			time.Sleep(30 * time.Millisecond) // fake
			s.resume(0)
		}
		c.finish()
	})
}

// The same in real time, over sockets, where what happens at once happens in any order.
func TestCancelAnyTimeTCP(t *testing.T) {
	s := &scene{t: t, Cluster: clustertest.Start(t, clustertest.Config{})}
	s.client = s.connect()
	s.fill()
	c := &canceller{scene: s, most: time.Millisecond, late: suiteTimeout / 6}
	c.start(32, 150)
	c.finish()
}

// canceller is many callers whose contexts end soon.
type canceller struct {
	*scene
	most          time.Duration // after which they do
	late          time.Duration // how much later the calls may return
	done, unknown atomic.Int64  // INCRs
}

// start starts callers who make so many calls each.
func (c *canceller) start(callers, calls int) {
	seed := rand.Uint64()
	c.t.Logf("the seed is %d", seed)
	for i := range callers {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		c.others.Go(func() {
			for range calls {
				c.read(random)
				c.incr(random)
			}
		})
	}
}

// finish waits for the callers, and checks what is there against what they were told.
func (c *canceller) finish() {
	c.others.Wait()
	n := int64(0)
	for i := range c.Masters() {
		value, err := c.client.Get(c.t.Context(), keyOn(i, "n")).Int64()
		require.NoError(c.t, err)
		n += value
	}
	done, unknown := c.done.Load(), c.unknown.Load()
	c.t.Logf("INCR: %d done, %d unknown; %d is the sum", done, unknown, n)
	require.GreaterOrEqual(c.t, n, done)
	require.LessOrEqual(c.t, n, done+unknown)
	require.NotZero(c.t, done)
	require.NotZero(c.t, unknown)
}

func (c *canceller) read(random *rand.Rand) {
	err := c.within(random, func(ctx context.Context) error {
		return c.reads(ctx, random.IntN(3), random.IntN(readers))
	})
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		c.t.Error(err)
	}
}

func (c *canceller) incr(random *rand.Rand) {
	err := c.within(random, func(ctx context.Context) error {
		return c.client.Incr(ctx, keyOn(random.IntN(3), "n")).Err()
	})
	var failed *slotmesh.Error
	switch {
	case err == nil:
		c.done.Add(1)
	case !errors.As(err, &failed) || !errors.Is(err, context.DeadlineExceeded):
		c.t.Error(err)
	case failed.Outcome == routing.Unknown:
		c.unknown.Add(1)
	}
}

// within makes a call whose context ends soon, and checks that it returns then.
func (c *canceller) within(random *rand.Rand, call func(ctx context.Context) error) error {
	limit := time.Duration(random.Int64N(int64(c.most)))
	ctx, cancel := context.WithTimeout(c.t.Context(), limit)
	defer cancel()
	start := time.Now()
	err := call(ctx)
	if late := time.Since(start) - limit; late > c.late {
		c.t.Errorf("%v too late: %v", late, err)
	}
	return err
}
