package clustertest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/clustertest"
)

func TestCutClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.Start(t, clustertest.Config{InMemory: true, Replicas: 1})
		addr, replica := c.Masters()[0], c.Addrs()[3]
		before := dial(t, c, addr)
		before.is("+PONG", "PING")
		require.NoError(t, c.Cut(clustertest.Clients, addr))
		require.NoError(t, c.Cut(addr, clustertest.Clients), "it is cut already")

		after := dial(t, c, addr)
		before.send("INCR", keyOf(0, "n"))
		after.send("INCR", keyOf(0, "n"))
		require.False(t, before.hears(time.Hour))
		require.False(t, after.hears(time.Hour))
		dial(t, c, c.Masters()[1]).is(":1", "INCR "+keyOf(1, "n"))
		require.NoError(t, c.Migrate(t.Context(), slotOf(0)+1, c.Masters()[1]), "nodes reach each other")

		require.NoError(t, c.Heal(addr, clustertest.Clients))
		require.ElementsMatch(t, []string{":1", ":2"}, []string{before.receive(), after.receive()})
		w := dial(t, c, replica)
		w.ok("READONLY")
		w.is("$1 2", "GET "+keyOf(0, "n"))
	})
}

// What a client sends to a node that is cut off, and gives up, is executed after Heal, as
// TCP would have it: connections do not break.
func TestCutUnderClients(t *testing.T) {
	eachClient(t, func(t *testing.T, connect connect) {
		bubble(t, func(t *testing.T) {
			c := clustertest.Start(t, clustertest.Config{InMemory: true})
			client := connect(t, c)
			for i := range 3 {
				require.NoError(t, client.Set(t.Context(), keyOf(i, "k"), i, 0).Err())
			}
			require.NoError(t, c.Cut(clustertest.Clients, c.Masters()[0]))
			require.Error(t, client.Get(within(t, time.Second), keyOf(0, "k")).Err())
			require.Equal(t, "1", client.Get(within(t, time.Second), keyOf(1, "k")).Val())
			require.NoError(t, c.Heal(clustertest.Clients, c.Masters()[0]))
			require.Equal(t, "0", client.Get(within(t, time.Minute), keyOf(0, "k")).Val())
		})
	})
}

func TestCutReplica(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{Replicas: 1})
	master, replica := c.Masters()[0], c.Addrs()[3]
	writer, reader := dial(t, c, master), dial(t, c, replica)
	reader.ok("READONLY")
	writer.ok("SET " + keyOf(0, "k") + " old")
	require.NoError(t, c.Cut(master, replica))
	writer.ok("SET " + keyOf(0, "k") + " new")
	reader.is("$3 old", "GET "+keyOf(0, "k"))
	require.NoError(t, c.Heal(replica, master))
	reader.is("$3 new", "GET "+keyOf(0, "k"))
}

func TestCutMasters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.Start(t, clustertest.Config{InMemory: true})
		from, to := c.Masters()[0], c.Masters()[1]
		w := dial(t, c, from)
		w.ok("SET " + keyOf(0, "k") + " v")
		require.NoError(t, c.Cut(from, to))
		require.ErrorContains(t, c.Migrate(t.Context(), slotOf(0), to), "IOERR")
		w.is("$1 v", "GET "+keyOf(0, "k"))
		require.NoError(t, c.Heal(from, to))
		require.NoError(t, c.FinishMigration(t.Context(), slotOf(0)))
		dial(t, c, to).is("$1 v", "GET "+keyOf(0, "k"))
	})
}

// A node that is cut off from two others hears of a move between them after Heal.
func TestCutKnowledge(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{})
	from, to, away := c.Masters()[0], c.Masters()[1], c.Masters()[2]
	require.NoError(t, c.Cut(away, from))
	require.NoError(t, c.Cut(to, away))
	require.NoError(t, c.Migrate(t.Context(), slotOf(0), to))
	w := dial(t, c, away)
	w.is(moved(0, from), "GET "+keyOf(0, "k"))
	require.NoError(t, c.Heal(away, to))
	w.is(moved(0, to), "GET "+keyOf(0, "k"))
}

func TestCutNothing(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{InMemory: true})
	addr := c.Masters()[0]
	require.ErrorContains(t, c.Cut(addr, addr), "no link to itself")
	require.Error(t, c.Cut(clustertest.Clients, clustertest.Clients))
	require.NoError(t, c.Heal(addr, c.Masters()[1]), "it was not cut")
}

func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.Start(t, clustertest.Config{InMemory: true})
		slow, fast := c.Masters()[0], c.Masters()[1]
		require.NoError(t, c.Latency(slow, time.Second))
		w, other := dial(t, c, slow), dial(t, c, fast)

		requireTakes(t, time.Second, func() { w.is("+PONG", "PING") })
		requireTakes(t, 0, func() { other.is("+PONG", "PING") })
		requireTakes(t, time.Second, func() {
			w.send("INCR", keyOf(0, "n"))
			w.send("INCR", keyOf(0, "n"))
			require.Equal(t, ":1 :2", strings.Join([]string{w.receive(), w.receive()}, " "))
		})
		requireTakes(t, 3*time.Second, func() { w.is("*-1", "BLPOP "+keyOf(0, "list")+" 2") })

		require.NoError(t, c.Latency(slow, 0))
		requireTakes(t, 0, func() { w.is("+PONG", "PING") })
		require.NoError(t, c.Kill(slow))
		require.ErrorContains(t, c.Latency(slow, time.Second), "is down")
	})
}

// requireTakes checks how long what happens takes: no more and no less.
func requireTakes(t *testing.T, want time.Duration, what func()) {
	t.Helper()
	start := time.Now()
	what()
	require.Equal(t, want, time.Since(start))
}

func TestLag(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{Replicas: 1})
	from, to, behind := c.Masters()[0], c.Masters()[1], c.Masters()[2]
	w := dial(t, c, behind)
	require.NoError(t, c.Lag(behind))
	require.NoError(t, c.Migrate(t.Context(), slotOf(0), to))
	dial(t, c, from).is(moved(0, to), "GET "+keyOf(0, "k"))
	w.is(moved(0, from), "GET "+keyOf(0, "k"))

	w.ok("SET " + keyOf(2, "k") + " v")
	r := dial(t, c, c.Addrs()[5])
	r.ok("READONLY")
	r.is("$1 v", "GET "+keyOf(2, "k"))

	require.NoError(t, c.Migrate(t.Context(), slotOf(1), behind))
	dial(t, c, from).is(moved(1, to), "GET "+keyOf(1, "k"))

	require.NoError(t, c.CatchUp(behind))
	w.is(moved(0, to), "GET "+keyOf(0, "k"))
	dial(t, c, from).is(moved(1, behind), "GET "+keyOf(1, "k"))
}

// A client whose only seed lags still gets there: by the redirections of the others.
func TestLagUnderClients(t *testing.T) {
	eachClient(t, func(t *testing.T, connect connect) {
		c := clustertest.Start(t, clustertest.Config{InMemory: true})
		require.NoError(t, c.Lag(c.Masters()[2]))
		require.NoError(t, c.Migrate(t.Context(), slotOf(0), c.Masters()[1]))
		client := connect(t, c)
		require.NoError(t, client.Set(t.Context(), keyOf(0, "k"), "v", 0).Err())
		dial(t, c, c.Masters()[1]).is("$1 v", "GET "+keyOf(0, "k"))
	})
}
