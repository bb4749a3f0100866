package routing

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBudget(t *testing.T) {
	b := newBudget(100)
	now := b.at
	for range 100 {
		require.Zero(t, b.reserve(now), "what a second brings is there at once")
	}
	for i := range 200 {
		require.InDelta(t, float64(i+1)*10, b.reserve(now).Seconds()*1000, 0.01, "then each waits its turn")
	}
	for range 1000 {
		require.Equal(t, NoBudget, b.reserve(now), "if that is not too far away")
	}
	require.Equal(t, 2*time.Second, b.reserve(now.Add(10*time.Millisecond)).Round(time.Microsecond), "those that were refused took nothing")
	b.giveBack()
	require.Equal(t, 2*time.Second, b.reserve(now.Add(10*time.Millisecond)).Round(time.Microsecond))
	require.Zero(t, b.reserve(now.Add(2020*time.Millisecond)))
	later := now.Add(time.Hour)
	for range 100 {
		require.Zero(t, b.reserve(later))
	}
	require.NotZero(t, b.reserve(later), "no more is saved up than for a second")
}

func TestNoBudgetIsNoBound(t *testing.T) {
	for _, b := range []*budget{newBudget(0), nil} {
		for range 10_000 {
			require.Zero(t, b.reserve(time.Now()))
		}
		b.giveBack()
	}
}

// However many callers retry at once, and whatever the hooks take that are told, no more
// tokens are given out than there are.
func TestBudgetIsNotOverdrawn(t *testing.T) {
	b := newBudget(10)
	now := b.at
	var reserved atomic.Int64
	var all sync.WaitGroup
	for range 1000 {
		all.Go(func() {
			if b.reserve(now) != NoBudget {
				reserved.Add(1)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 10+2*10, reserved.Load())
}

// Callers of a node that is down do not use up the retries of another one's.
func TestBudgetIsOfOneNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newPipeMesh(t, 2)
		opts := m.options()
		opts.RetryBudget = 100
		opts.Policy = Policy{MaxRedirects: 5, MaxRetries: 16, MinBackoff: 8 * time.Millisecond, MaxBackoff: 512 * time.Millisecond}
		r := open(t, opts)
		m.nodes[0].on(func(heard) string { return fails("CLUSTERDOWN The cluster is down") })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		var all sync.WaitGroup
		for range 5000 {
			all.Go(func() { require.Error(t, r.Process(ctx, incr(m.key(0)))) })
		}
		time.Sleep(2 * time.Second) // fake
		m.nodes[1].says(fails("TRYAGAIN Multiple keys request during rehashing of slot"))
		start := time.Now()
		require.NoError(t, r.Process(ctx, get(m.key(1))))
		require.Less(t, time.Since(start), 20*time.Millisecond)
		cancel()
		all.Wait()
		r.Close()
		m.stop()
	})
}

// A cluster that is down is asked by all callers together no more often than their first
// attempts, and the budget, make it; and nobody is held longer than its context lasts.
func TestRetriesOfManyCallersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers, perSecond, seconds = 5000, 200, 5
		m := newPipeMesh(t, 1)
		opts := m.options()
		opts.RetryBudget = perSecond
		opts.Policy = Policy{MaxRetries: 1000, MinBackoff: time.Millisecond, MaxBackoff: 8 * time.Millisecond}
		r := open(t, opts)
		m.nodes[0].on(func(heard) string { return fails("CLUSTERDOWN The cluster is down") })
		ctx, cancel := context.WithTimeout(t.Context(), seconds*time.Second)
		defer cancel()
		start := time.Now()
		var all sync.WaitGroup
		for range callers {
			all.Go(func() { require.ErrorContains(t, r.Process(ctx, incr(m.key(0))), "CLUSTERDOWN") })
		}
		all.Wait()
		require.LessOrEqual(t, time.Since(start), seconds*time.Second)
		sent := len(m.nodes[0].received())
		require.Greater(t, sent, callers+perSecond, "there are retries")
		require.LessOrEqual(t, sent, callers+perSecond*(seconds+1)+callers/100)
		r.Close()
		m.stop()
	})
}

// The ops of one call that are sent again together are one retry.
func TestRetryOfABatchIsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newPipeMesh(t, 1)
		opts := m.options()
		opts.RetryBudget = 3
		r := open(t, opts)
		refusals := 300
		m.nodes[0].on(func(heard) string {
			if refusals--; refusals >= 0 {
				return fails("TRYAGAIN Multiple keys request during rehashing of slot")
			}
			return usual
		})
		ops := make([]*Op, 100)
		for i := range ops {
			ops[i] = &Op{Cmd: incr(m.key(0)), Slot: int(m.slot(0))}
		}
		start := time.Now()
		require.NoError(t, r.Run(t.Context(), ops))
		require.Less(t, time.Since(start), 100*time.Millisecond)
		r.Close()
		m.stop()
	})
}
