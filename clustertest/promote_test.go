package clustertest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/clustertest"
)

func TestPromote(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{Replicas: 2})
	old, replica, sibling, other := c.Masters()[0], c.Addrs()[3], c.Addrs()[6], c.Masters()[1]
	dial(t, c, old).ok("SET " + keyOf(0, "k") + " v")
	require.NoError(t, c.Promote(t.Context(), replica))

	for _, addr := range []string{old, sibling, other} {
		dial(t, c, addr).is(moved(0, replica), "GET "+keyOf(0, "k"))
	}
	w := dial(t, c, replica)
	w.is("$1 v", "GET "+keyOf(0, "k"))
	w.ok("SET " + keyOf(0, "k") + " new")
	require.True(t, strings.HasPrefix(w.do("ROLE"), "*3 $6 master"))
	w.is(":2", "WAIT 2 0")
	for _, addr := range []string{old, sibling} {
		r := dial(t, c, addr)
		require.True(t, strings.HasPrefix(r.do("ROLE"), "*5 $5 slave"))
		r.ok("READONLY")
		r.is("$3 new", "GET "+keyOf(0, "k"))
	}
	owner, err := c.Owner(t.Context(), slotOf(0))
	require.NoError(t, err)
	require.Equal(t, replica, owner)
	require.Equal(t, old, c.Masters()[0], "who started as master")
}

func TestPromoteRefused(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{InMemory: true, Replicas: 1})
	replica := c.Addrs()[3]
	require.ErrorContains(t, c.Promote(t.Context(), c.Masters()[0]), "it is a master")
	require.NoError(t, c.Pause(replica))
	require.ErrorContains(t, c.Promote(t.Context(), replica), replica)
	require.NoError(t, c.Kill(replica))
	require.ErrorContains(t, c.Promote(t.Context(), replica), "is down")
}

// A replica whose master is away takes over with what it has; the master comes back as
// its replica, and loses what it alone had.
func TestPromoteWithoutMaster(t *testing.T) {
	for name, away := range map[string]struct {
		leave func(c *clustertest.Cluster, master, replica string) error
		back  func(ctx context.Context, c *clustertest.Cluster, master, replica string) error
	}{
		"killed": {
			func(c *clustertest.Cluster, master, _ string) error { return c.Kill(master) },
			func(ctx context.Context, c *clustertest.Cluster, master, _ string) error {
				return c.Restart(ctx, master)
			},
		},
		"paused": {
			func(c *clustertest.Cluster, master, _ string) error { return c.Pause(master) },
			func(_ context.Context, c *clustertest.Cluster, master, _ string) error { return c.Resume(master) },
		},
		"cut off": {
			(*clustertest.Cluster).Cut,
			func(_ context.Context, c *clustertest.Cluster, master, replica string) error {
				return c.Heal(master, replica)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := clustertest.Start(t, clustertest.Config{InMemory: true, Replicas: 1})
				master, replica := c.Masters()[0], c.Addrs()[3]
				w := dial(t, c, master)
				w.ok("SET "+keyOf(0, "both")+" v", "SET "+keyOf(0, "changed")+" v")
				require.NoError(t, away.leave(c, master, replica))
				if name == "cut off" {
					w.ok("SET "+keyOf(0, "lost")+" v", "SET "+keyOf(0, "changed")+" lost")
				}
				require.NoError(t, c.Promote(t.Context(), replica))
				now := dial(t, c, replica)
				now.ok("SET " + keyOf(0, "new") + " v")

				require.NoError(t, away.back(t.Context(), c, master, replica))
				back := dial(t, c, master)
				back.ok("READONLY")
				for _, key := range []string{"both", "changed", "new"} {
					now.is("$1 v", "GET "+keyOf(0, key))
					back.is("$1 v", "GET "+keyOf(0, key))
				}
				now.is("$-1", "GET "+keyOf(0, "lost"))
				back.is("$-1", "GET "+keyOf(0, "lost"))
				require.True(t, strings.HasPrefix(back.do("ROLE"), "*5 $5 slave"))
				now.ok("SET " + keyOf(0, "new") + " newer")
				back.is("$5 newer", "GET "+keyOf(0, "new"))
				require.NoError(t, c.Promote(t.Context(), master), "and back")
				back.ok("SET " + keyOf(0, "new") + " newest")
			})
		})
	}
}

// Promoting under a load of INCRs loses none that was acknowledged, whether the master
// hands over or was killed: what is acknowledged was copied before.
func TestPromoteUnderLoad(t *testing.T) {
	promote := func(t *testing.T, c *clustertest.Cluster, master, replica string) {
		require.NoError(t, c.Promote(t.Context(), replica))
	}
	kill := func(t *testing.T, c *clustertest.Cluster, master, replica string) {
		require.NoError(t, c.Kill(master))
		require.NoError(t, c.Promote(t.Context(), replica))
		require.NoError(t, c.Restart(t.Context(), master))
	}
	for name, failover := range map[string]func(t *testing.T, c *clustertest.Cluster, master, replica string){
		"handed over": promote, "killed": kill,
	} {
		t.Run(name, func(t *testing.T) {
			eachClient(t, func(t *testing.T, connect connect) {
				c := clustertest.Start(t, clustertest.Config{Replicas: 1})
				load := startLoad(within(t, time.Minute), connect(t, c))
				for i := range 6 {
					load.wait(100)
					pair := []string{c.Masters()[0], c.Addrs()[3]}
					failover(t, c, pair[i%2], pair[(i+1)%2])
				}
				load.wait(100)
				load.stop()
				w, r := dial(t, c, c.Masters()[0]), dial(t, c, c.Addrs()[3])
				r.ok("READONLY")
				for i := range load.acked {
					n := load.check(t, w, i, name == "handed over")
					r.is(fmt.Sprintf("$%d %d", len(fmt.Sprint(n)), n), "GET "+keyOf(0, fmt.Sprint(i)))
				}
			})
		})
	}
}

// A load is clients that count, each on a key of its own in the first slot.
type load struct {
	cancel context.CancelFunc
	group  sync.WaitGroup
	each   chan struct{} // one for each INCR that was acknowledged

	acked   [4]int
	unknown [4]int // errors: these may have been executed, or not
}

func startLoad(ctx context.Context, client redis.UniversalClient) *load {
	l := &load{each: make(chan struct{})}
	ctx, l.cancel = context.WithCancel(ctx)
	for i := range l.acked {
		l.group.Go(func() { l.run(ctx, client, i) })
	}
	return l
}

func (l *load) run(ctx context.Context, client redis.UniversalClient, i int) {
	for ctx.Err() == nil {
		if client.Incr(ctx, keyOf(0, fmt.Sprint(i))).Err() != nil {
			l.unknown[i]++
			continue
		}
		l.acked[i]++
		select {
		case l.each <- struct{}{}:
		case <-ctx.Done():
		}
	}
}

// wait waits for n more INCRs to be acknowledged.
func (l *load) wait(n int) {
	for range n {
		<-l.each
	}
}

func (l *load) stop() {
	l.cancel()
	l.group.Wait()
}

// check checks counter i. Exact says that no connection broke, so that only the INCR that
// was under way at the end is in doubt.
func (l *load) check(t *testing.T, w *wire, i int, exact bool) (n int) {
	t.Helper()
	n = number(w, "INCRBY "+keyOf(0, fmt.Sprint(i))+" 0")
	require.GreaterOrEqual(t, n, l.acked[i], "an INCR that was acknowledged is lost")
	if exact {
		require.LessOrEqual(t, n, l.acked[i]+1)
		require.LessOrEqual(t, l.unknown[i], 1)
	}
	return n
}

// Who waits for a key at a master that is replaced is told, and waits at the new one.
func TestPromoteUnderBlockedClients(t *testing.T) {
	eachClient(t, func(t *testing.T, connect connect) {
		c := clustertest.Start(t, clustertest.Config{InMemory: true, Replicas: 1})
		client := connect(t, c)
		require.NoError(t, client.Ping(t.Context()).Err())
		pop := clustertest.Selector{Command: "blpop"}
		waiting := c.Fault(clustertest.Fault{Match: pop, Count: -1})
		popped := make(chan string)
		go func() {
			for {
				got, err := client.BLPop(t.Context(), 0, keyOf(0, "list")).Result()
				if err == nil {
					popped <- got[1]
					return
				}
				if errors.Is(err, context.Canceled) {
					popped <- err.Error()
					return
				}
			}
		}()
		require.NoError(t, waiting.Wait(t.Context(), 1))
		require.NoError(t, c.Promote(t.Context(), c.Addrs()[3]))
		dial(t, c, c.Addrs()[3]).is(":1", "RPUSH "+keyOf(0, "list")+" v")
		require.Equal(t, "v", <-popped)
	})
}
