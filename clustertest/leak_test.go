package clustertest_test

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/clustertest"
)

// footprint is what a process holds.
type footprint struct {
	goroutines, files int
	heap              uint64
}

// measure measures once all that has ended is gone: the runtime needs a moment.
func measure() footprint {
	for range 3 {
		runtime.GC()
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	open, _ := os.ReadDir("/proc/self/fd") // none but on Linux
	return footprint{runtime.NumGoroutine(), len(open), stats.HeapAlloc}
}

// requireNoMore checks that the process holds no more than before, but for a little heap
// that belongs to nothing: what was collected may be counted still.
func requireNoMore(t *testing.T, before footprint) {
	t.Helper()
	const slack = 2 << 20
	var now footprint
	await(t, func() bool {
		now = measure()
		return now.goroutines <= before.goroutines && now.files <= before.files && now.heap <= before.heap+slack
	})
	t.Logf("before %+v, after %+v", before, now)
}

// await returns when done returns true. It tells what still runs if that takes too long.
func await(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for until := time.Now().Add(10 * time.Second); !done(); <-tick.C {
		if time.Now().After(until) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("this still runs:\n%s", stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// cycle is a cluster that starts, serves one client, and ends.
func cycle(t *testing.T, cfg clustertest.Config) {
	t.Helper()
	c, err := clustertest.New(cfg)
	require.NoError(t, err)
	conn, err := c.Dial(t.Context(), c.Masters()[0])
	require.NoError(t, err)
	_, err = conn.Write([]byte("PING\r\n"))
	require.NoError(t, err)
	var pong [7]byte
	_, err = conn.Read(pong[:])
	require.NoError(t, err)
	require.Equal(t, "+PONG\r\n", string(pong[:]))
	require.NoError(t, c.Close())
	require.NoError(t, conn.Close())
}

// Clusters that start and end leave nothing. With SLOTMESH_SOAK=1 they do so ten thousand
// times each, which takes minutes.
func TestCyclesLeaveNothing(t *testing.T) {
	for name, test := range map[string]struct {
		cfg   clustertest.Config
		times int
	}{
		"tcp":    {clustertest.Config{Replicas: 1}, 30},
		"memory": {clustertest.Config{InMemory: true}, 300},
	} {
		t.Run(name, func(t *testing.T) {
			if os.Getenv("SLOTMESH_SOAK") == "1" {
				test.times = 10_000
			}
			cycle(t, test.cfg)
			before := measure()
			for range test.times {
				cycle(t, test.cfg)
			}
			requireNoMore(t, before)
		})
	}
}

// busy are the states in which a cluster may be closed: what w, a client of the first
// master, and the cluster are then about.
var busy = map[string]func(t *testing.T, c *clustertest.Cluster, w *wire){
	"idle": func(t *testing.T, c *clustertest.Cluster, w *wire) {},
	"blocked": func(t *testing.T, c *clustertest.Cluster, w *wire) {
		other := dial(t, c, c.Masters()[0])
		w.send("BLPOP", keyOf(0, "list"), "0")
		await(t, func() bool { return strings.Contains(other.do("INFO clients"), "blocked_clients:1") })
	},
	"waiting for replicas": func(t *testing.T, c *clustertest.Cluster, w *wire) {
		require.NoError(t, c.Pause(c.Addrs()[3]))
		w.ok("SET " + keyOf(0, "k") + " v")
		w.send("WAIT", "1", "0")
	},
	"held": func(t *testing.T, c *clustertest.Cluster, w *wire) {
		hold := c.Hold(incr)
		w.send("INCR", keyOf(0, "n"))
		require.NoError(t, hold.Wait(t.Context(), 1))
	},
	"delayed": func(t *testing.T, c *clustertest.Cluster, w *wire) {
		fault := c.Fault(clustertest.Fault{Match: incr, Delay: time.Hour})
		w.send("INCR", keyOf(0, "n"))
		require.NoError(t, fault.Wait(t.Context(), 1))
	},
	"dropped": func(t *testing.T, c *clustertest.Cluster, w *wire) {
		fault := c.Fault(clustertest.Fault{Match: incr, Kind: clustertest.Drop})
		w.send("INCR", keyOf(0, "n"))
		require.NoError(t, fault.Wait(t.Context(), 1))
	},
	"late": func(t *testing.T, c *clustertest.Cluster, w *wire) {
		require.NoError(t, c.Latency(c.Masters()[0], time.Hour))
		w.send("PING")
	},
	"paused": func(t *testing.T, c *clustertest.Cluster, w *wire) {
		require.NoError(t, c.Pause(c.Masters()[0]))
		w.send("PING")
		dial(t, c, c.Masters()[0]).send("PING")
	},
	"paused by a client": func(t *testing.T, c *clustertest.Cluster, w *wire) {
		w.ok("CLIENT PAUSE 1000000")
		w.send("PING")
	},
	"cut off": func(t *testing.T, c *clustertest.Cluster, w *wire) {
		require.NoError(t, c.Cut(c.Masters()[0], clustertest.Clients))
		w.send("PING")
		dial(t, c, c.Masters()[0]).send("PING")
	},
	"asleep": func(t *testing.T, c *clustertest.Cluster, w *wire) {
		w.send("DEBUG", "SLEEP", "3600")
	},
	"reading nothing": func(t *testing.T, c *clustertest.Cluster, w *wire) {
		w.ok("SET " + keyOf(0, "k") + " " + strings.Repeat("v", 1<<20))
		for range 20 {
			w.send("GET", keyOf(0, "k"))
		}
	},
	"in a migration": func(t *testing.T, c *clustertest.Cluster, w *wire) {
		w.ok("SET " + keyOf(0, "k") + " v")
		require.NoError(t, c.BeginMigration(t.Context(), slotOf(0), c.Masters()[1]))
		require.NoError(t, c.Pause(c.Masters()[1]))
		host, port, _ := strings.Cut(c.Masters()[1], ":")
		w.send("MIGRATE", host, port, keyOf(0, "k"), "0", "3600000")
	},
}

// Close ends all that runs, whatever clients and faults there are at that time.
func TestCloseLeavesNothing(t *testing.T) {
	for name, disturb := range busy {
		for _, inMemory := range []bool{false, true} {
			t.Run(name+map[bool]string{false: " tcp", true: " memory"}[inMemory], func(t *testing.T) {
				before := runtime.NumGoroutine()
				c := clustertest.Start(t, clustertest.Config{Replicas: 1, InMemory: inMemory})
				w := dial(t, c, c.Masters()[0])
				disturb(t, c, w)
				require.NoError(t, c.Close())
				require.NoError(t, w.conn.Close())
				await(t, func() bool { return runtime.NumGoroutine() <= before })
			})
		}
	}
}
