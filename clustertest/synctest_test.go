package clustertest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/clustertest"
)

// inBubble runs a test in virtual time with each kind of client. That nothing is left
// at the end synctest itself checks.
func inBubble(t *testing.T, test func(t *testing.T, c *clustertest.Cluster, client redis.UniversalClient)) {
	t.Helper()
	eachClient(t, func(t *testing.T, connect connect) {
		bubble(t, func(t *testing.T) {
			c := clustertest.Start(t, clustertest.Config{InMemory: true, Replicas: 1})
			client := connect(t, c)
			require.NoError(t, client.Ping(t.Context()).Err())
			test(t, c, client)
		})
	})
}

func TestBubbleBlocks(t *testing.T) {
	inBubble(t, func(t *testing.T, c *clustertest.Cluster, client redis.UniversalClient) {
		key := keyOf(0, "list")
		requireTakes(t, time.Hour, func() {
			require.Equal(t, redis.Nil, client.BLPop(t.Context(), time.Hour, key).Err())
		})
		time.AfterFunc(42*time.Minute, func() { client.RPush(t.Context(), key, "v") })
		requireTakes(t, 42*time.Minute, func() {
			require.Equal(t, []string{key, "v"}, client.BLPop(t.Context(), time.Hour, key).Val())
		})
		requireTakes(t, 24*time.Hour, func() {
			require.Equal(t, redis.Nil, client.BZPopMin(t.Context(), 24*time.Hour, key).Err())
		})
	})
}

func TestBubbleLatency(t *testing.T) {
	inBubble(t, func(t *testing.T, c *clustertest.Cluster, client redis.UniversalClient) {
		one := func() { require.NoError(t, client.Set(t.Context(), keyOf(0, "k"), "v", 0).Err()) }
		hundred := func() {
			_, err := client.Pipelined(t.Context(), func(p redis.Pipeliner) error {
				for range 100 {
					p.Incr(t.Context(), keyOf(0, "n"))
				}
				return nil
			})
			require.NoError(t, err)
		}
		blocking := func() {
			require.Equal(t, redis.Nil, client.BLPop(t.Context(), time.Second, keyOf(0, "list")).Err())
		}
		require.NoError(t, c.Latency(c.Masters()[0], time.Second))
		for _, test := range []struct {
			what  func()
			least time.Duration
		}{{one, time.Second}, {hundred, time.Second}, {blocking, 2 * time.Second}} {
			start := time.Now()
			test.what()
			// A client may open a connection for it, which takes it a few round trips more.
			took := time.Since(start)
			require.Zero(t, took%time.Second, took)
			require.GreaterOrEqual(t, took, test.least)
			require.LessOrEqual(t, took, test.least+4*time.Second)
		}
	})
}

func TestBubbleExpires(t *testing.T) {
	inBubble(t, func(t *testing.T, c *clustertest.Cluster, client redis.UniversalClient) {
		const day = 24 * time.Hour
		key, start := keyOf(0, "k"), time.Now()
		require.NoError(t, client.Set(t.Context(), key, "v", day).Err())
		require.NoError(t, c.Migrate(t.Context(), slotOf(0), c.Masters()[1]))
		time.Sleep(day - time.Minute) // fake
		require.Equal(t, "v", client.Get(t.Context(), key).Val())
		require.NoError(t, c.Promote(t.Context(), c.Addrs()[4]))
		require.Equal(t, "v", client.Get(t.Context(), key).Val())

		w := dial(t, c, c.Addrs()[4])
		time.Sleep(time.Duration(number(w, "PTTL "+key)-1) * time.Millisecond) // fake
		w.is(":1", "PTTL "+key)
		w.is("$1 v", "GET "+key)
		time.Sleep(time.Millisecond) // fake
		w.is("$-1", "GET "+key)
		require.Equal(t, day, time.Since(start).Truncate(time.Millisecond))
		require.Equal(t, redis.Nil, client.Get(t.Context(), key).Err())
	})
}

func TestBubbleFaultDelay(t *testing.T) {
	inBubble(t, func(t *testing.T, c *clustertest.Cluster, client redis.UniversalClient) {
		require.NoError(t, client.Set(t.Context(), keyOf(0, "k"), "v", 0).Err())
		pop := clustertest.Selector{Command: "blpop"}
		fault := c.Fault(clustertest.Fault{Match: pop, Delay: time.Minute})
		require.NoError(t, client.RPush(t.Context(), keyOf(0, "list"), "v").Err())
		requireTakes(t, time.Minute, func() {
			require.NoError(t, client.BLPop(t.Context(), time.Hour, keyOf(0, "list")).Err())
		})
		require.Equal(t, 1, fault.Hits())

		get := clustertest.Selector{Command: "get"}
		c.Fault(clustertest.Fault{Match: get, Delay: 500 * time.Millisecond, Kind: clustertest.Garbage})
		c.Fault(clustertest.Fault{Match: get, Delay: 500 * time.Millisecond})
		requireTakes(t, 500*time.Millisecond, func() {
			_, err := c.Do(t.Context(), c.Masters()[0], "GET", keyOf(0, "k"))
			require.ErrorContains(t, err, "garbage")
		})
		requireTakes(t, 500*time.Millisecond, func() {
			require.Equal(t, "v", client.Get(t.Context(), keyOf(0, "k")).Val())
		})
	})
}

// A client that waits for a paused node has its reply at the moment the node goes on, or
// its error when its own time is over.
func TestBubblePause(t *testing.T) {
	inBubble(t, func(t *testing.T, c *clustertest.Cluster, client redis.UniversalClient) {
		key, addr := keyOf(0, "k"), c.Masters()[0]
		require.NoError(t, client.Set(t.Context(), key, "v", 0).Err())
		require.NoError(t, c.Pause(addr))
		requireTakes(t, 700*time.Millisecond, func() {
			require.ErrorIs(t, client.Get(within(t, 700*time.Millisecond), key).Err(), context.DeadlineExceeded)
		})
		time.AfterFunc(1234*time.Millisecond, func() { _ = c.Resume(addr) })
		requireTakes(t, 1234*time.Millisecond, func() {
			require.Equal(t, "v", client.Get(within(t, 2*time.Second), key).Val())
		})
	})
}

// What a bubble ends with, in whatever state, Close ends.
func TestBubbleEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, c *clustertest.Cluster, client redis.UniversalClient) {
		for i, disturb := range []func(addr string) error{
			c.Pause, func(addr string) error { return c.Cut(addr, clustertest.Clients) }, c.Lag,
		} {
			w := dial(t, c, c.Masters()[i])
			require.NoError(t, c.Latency(c.Masters()[i], time.Hour))
			c.Fault(clustertest.Fault{Match: incr, Delay: time.Hour, Count: -1})
			require.NoError(t, disturb(c.Masters()[i]))
			w.send("INCR", keyOf(i, "n"))
			w.send("BLPOP", keyOf(i, "list"), "0")
		}
		synctest.Wait()
	})
}
