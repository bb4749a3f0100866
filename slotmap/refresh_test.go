package slotmap_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/slotmap"
)

func TestRefreshStoresWhatTheSourceSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		c := slotmap.NewCache(g.source, slotmap.CacheOptions{})
		defer c.Close()
		require.Nil(t, c.Load())

		down := errors.New("no node answers")
		ended := begin(c)
		g.answer(nil, down)
		require.ErrorIs(t, <-ended, down)
		require.Nil(t, c.Load())

		ended = begin(c)
		g.answer(nil, nil)
		require.EqualError(t, <-ended, "refresh slot map: source returned no map")

		ended = begin(c)
		g.answer(three(t), nil)
		require.NoError(t, <-ended)
		require.Equal(t, "a:7000", c.Load().Master(0))
	})
}

func TestRefreshWaitsForOneThatBeganLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		c := slotmap.NewCache(g.source, slotmap.CacheOptions{})
		defer c.Close()
		first := begin(c)
		var later []<-chan error
		for range 100 {
			later = append(later, begin(c))
		}
		require.EqualValues(t, 1, g.calls.Load(), "one at a time")

		g.answer(three(t), nil)
		require.NoError(t, <-first)
		require.EqualValues(t, 2, g.calls.Load())
		for _, ended := range later {
			require.Empty(t, ended, "the first began before they asked")
		}
		g.answer(three(t).WithMoved(5, "b:7000"), nil)
		for _, ended := range later {
			require.NoError(t, <-ended)
		}
		require.EqualValues(t, 2, g.calls.Load(), "all share the second")
		require.Equal(t, "b:7000", c.Load().Master(5))
	})
}

func TestContextEndsOnlyTheCallersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		c := slotmap.NewCache(g.source, slotmap.CacheOptions{})
		defer c.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		require.ErrorIs(t, c.Refresh(ctx), context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))

		g.answer(three(t), nil)
		require.NotNil(t, c.Load(), "the refresh went on")

		require.ErrorIs(t, c.Refresh(ctx), context.DeadlineExceeded)
		synctest.Wait()
		require.EqualValues(t, 1, g.calls.Load(), "who is too late already asks for nothing")
	})
}

func TestRefreshTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := slotmap.NewCache(newGate().source, slotmap.CacheOptions{Timeout: 3 * time.Second})
		defer c.Close()
		start := time.Now()
		err := c.Refresh(t.Context())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.EqualError(t, err, "refresh slot map: context deadline exceeded")
		require.Equal(t, 3*time.Second, time.Since(start))
	})
}

func TestTimeoutDefaultsAndOff(t *testing.T) {
	for name, tc := range map[string]struct {
		timeout, want time.Duration
	}{
		"default": {0, 5 * time.Second},
		"off":     {-1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var left time.Duration
				c := slotmap.NewCache(func(ctx context.Context) (*slotmap.Map, error) {
					if deadline, ok := ctx.Deadline(); ok {
						left = time.Until(deadline)
					}
					return three(t), nil
				}, slotmap.CacheOptions{Timeout: tc.timeout})
				defer c.Close()
				require.NoError(t, c.Refresh(t.Context()))
				require.Equal(t, tc.want, left)
			})
		})
	}
}

func TestRefreshSoonIsCoalesced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		c := slotmap.NewCache(g.source, slotmap.CacheOptions{Period: -1})
		defer c.Close()
		for range 1000 {
			go c.RefreshSoon()
		}
		synctest.Wait()
		require.EqualValues(t, 1, g.calls.Load(), "the first begins at once")

		for range 1000 {
			go c.RefreshSoon()
		}
		time.Sleep(time.Second)
		require.EqualValues(t, 1, g.calls.Load(), "one at a time")
		g.answer(three(t), nil)
		require.EqualValues(t, 2, g.calls.Load(), "what was asked meanwhile is one more")
		g.answer(three(t), nil)
		time.Sleep(time.Hour)
		require.EqualValues(t, 2, g.calls.Load())
	})
}

func TestAtMostFiveRefreshesInTheFirstSecond(t *testing.T) {
	for range 5 {
		synctest.Test(t, func(t *testing.T) {
			var starts []time.Time
			c := slotmap.NewCache(func(context.Context) (*slotmap.Map, error) {
				starts = append(starts, time.Now())
				return nil, errors.New("trouble")
			}, slotmap.CacheOptions{})
			for range 1000 {
				go func() {
					for range 50 {
						c.RefreshSoon()
						time.Sleep(20 * time.Millisecond)
					}
				}()
			}
			time.Sleep(time.Second)
			c.Close()
			require.LessOrEqual(t, len(starts), 5)
			require.GreaterOrEqual(t, len(starts), 4)
			for i := 1; i < len(starts); i++ {
				gap := starts[i].Sub(starts[i-1])
				require.GreaterOrEqual(t, gap, 200*time.Millisecond)
				require.LessOrEqual(t, gap, 251*time.Millisecond)
			}
		})
	}
}

func TestRefreshesAreJittered(t *testing.T) {
	gaps := map[time.Duration]bool{}
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			var calls atomic.Int32
			c := slotmap.NewCache(always(three(t), &calls), slotmap.CacheOptions{})
			defer c.Close()
			start := time.Now()
			require.NoError(t, c.Refresh(t.Context()))
			c.RefreshSoon()
			for calls.Load() < 2 {
				time.Sleep(time.Millisecond)
			}
			gaps[time.Since(start)] = true
		})
	}
	require.Greater(t, len(gaps), 3, "the clients of a cluster do not ask in step")
}

func TestRefreshIsNotHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		c := slotmap.NewCache(always(three(t), &calls), slotmap.CacheOptions{Period: -1})
		defer c.Close()
		start := time.Now()
		for range 10 {
			require.NoError(t, c.Refresh(t.Context()))
		}
		require.Zero(t, time.Since(start))
		require.EqualValues(t, 10, calls.Load())

		c.RefreshSoon()
		synctest.Wait()
		require.EqualValues(t, 10, calls.Load(), "in the background there is time")
		require.NoError(t, c.Refresh(t.Context()))
		time.Sleep(time.Minute)
		require.EqualValues(t, 11, calls.Load(), "one that begins after RefreshSoon is what was asked for")
	})
}

func TestMinIntervalOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		c := slotmap.NewCache(always(three(t), &calls), slotmap.CacheOptions{MinInterval: -1})
		defer c.Close()
		for range 100 {
			c.RefreshSoon()
			synctest.Wait()
		}
		require.EqualValues(t, 100, calls.Load())
	})
}

func TestPeriod(t *testing.T) {
	for name, tc := range map[string]struct {
		period   time.Duration
		min, max int32
	}{
		"default": {0, 54, 60},
		"5 min":   {5 * time.Minute, 10, 12},
		"off":     {-1, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var calls atomic.Int32
				c := slotmap.NewCache(always(three(t), &calls), slotmap.CacheOptions{Period: tc.period})
				defer c.Close()
				time.Sleep(time.Hour)
				synctest.Wait()
				require.GreaterOrEqual(t, calls.Load(), tc.min)
				require.LessOrEqual(t, calls.Load(), tc.max)
			})
		})
	}
}

func TestOnRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type report struct {
			m    *slotmap.Map
			took time.Duration
			err  error
		}
		var reports []report
		down := errors.New("no node answers")
		c := slotmap.NewCache(func(context.Context) (*slotmap.Map, error) {
			time.Sleep(30 * time.Millisecond)
			if len(reports) == 0 {
				return nil, down
			}
			return three(t), nil
		}, slotmap.CacheOptions{OnRefresh: func(m *slotmap.Map, took time.Duration, err error) {
			reports = append(reports, report{m, took, err})
		}})
		defer c.Close()

		require.ErrorIs(t, c.Refresh(t.Context()), down)
		require.Len(t, reports, 1)
		require.Nil(t, reports[0].m)
		require.ErrorIs(t, reports[0].err, down)

		require.NoError(t, c.Refresh(t.Context()))
		require.Equal(t, report{c.Load(), 30 * time.Millisecond, nil}, reports[1])
	})
}

func TestCloseEndsRefreshes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		c := slotmap.NewCache(g.source, slotmap.CacheOptions{})
		running, waiting := begin(c), begin(c)
		c.RefreshSoon()
		c.Close()
		require.ErrorIs(t, <-running, slotmap.ErrClosed)
		require.ErrorIs(t, <-waiting, slotmap.ErrClosed)

		require.ErrorIs(t, c.Refresh(t.Context()), slotmap.ErrClosed)
		c.RefreshSoon()
		c.Close()
		time.Sleep(time.Hour)
		require.EqualValues(t, 1, g.calls.Load())
	})
}

func TestCloseWaitsForTheSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var returned atomic.Bool
		c := slotmap.NewCache(func(ctx context.Context) (*slotmap.Map, error) {
			<-ctx.Done()
			time.Sleep(time.Second)
			returned.Store(true)
			return three(t), nil
		}, slotmap.CacheOptions{})
		ended := begin(c)
		go c.Close()
		require.ErrorIs(t, <-ended, slotmap.ErrClosed, "who waits does not wait for the source")
		require.False(t, returned.Load())
		c.Close()
		require.True(t, returned.Load())
		require.Nil(t, c.Load(), "an answer after Close is not stored")
	})
}
