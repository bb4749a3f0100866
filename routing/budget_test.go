package routing

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBudget(t *testing.T) {
	b := newBudget(100)
	now := b.at
	for range 100 {
		require.Zero(t, b.wait(now), "what a second brings is there at once")
		b.take()
	}
	for i := range 200 {
		require.InDelta(t, float64(i+1)*10, float64(b.wait(now)/time.Microsecond)/1000, 0.01, "then each waits its turn")
		b.take()
	}
	require.Equal(t, NoBudget, b.wait(now), "if that is not too far away")
	require.Equal(t, 2*time.Second, b.wait(now.Add(10*time.Millisecond)))
	require.Zero(t, b.wait(now.Add(2010*time.Millisecond)))
	later := now.Add(time.Hour)
	for range 100 {
		require.Zero(t, b.wait(later))
		b.take()
	}
	require.NotZero(t, b.wait(later), "no more is saved up than for a second")
}

func TestNoBudgetIsNoBound(t *testing.T) {
	b := newBudget(0)
	for range 10_000 {
		require.Zero(t, b.wait(time.Now()))
		b.take()
	}
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
