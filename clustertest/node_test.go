package clustertest_test

import (
	"context"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/clustertest"
)

// unknown is the address of no node.
const unknown = "127.0.0.1:1"

func TestKill(t *testing.T) {
	for name, inMemory := range map[string]bool{"tcp": false, "memory": true} {
		t.Run(name, func(t *testing.T) {
			c := clustertest.Start(t, clustertest.Config{InMemory: inMemory})
			addr := c.Masters()[0]
			client, idle := dial(t, c, addr), dial(t, c, addr)
			client.ok("SET " + keyOf(0, "k") + " v")
			client.send("BLPOP", keyOf(0, "list"), "0")

			require.NoError(t, c.Kill(addr))
			client.broken()
			idle.broken()
			_, err := c.Dial(t.Context(), addr)
			require.ErrorIs(t, err, syscall.ECONNREFUSED)
			_, err = c.Do(t.Context(), addr, "PING")
			require.ErrorIs(t, err, syscall.ECONNREFUSED)
			require.Contains(t, c.Addrs(), addr)
			require.NoError(t, c.Kill(addr), "it is down already")
			dial(t, c, c.Masters()[1]).ok("SET " + keyOf(1, "k") + " v")

			require.NoError(t, c.Restart(t.Context(), addr))
			dial(t, c, addr).is("$-1", "GET "+keyOf(0, "k"))
		})
	}
}

// A client goes on with the nodes that are left, and with all once the node is back.
func TestKillUnderClients(t *testing.T) {
	eachClient(t, func(t *testing.T, connect connect) {
		bubble(t, func(t *testing.T) {
			c := clustertest.Start(t, clustertest.Config{InMemory: true})
			client := connect(t, c)
			require.NoError(t, client.Set(t.Context(), keyOf(0, "k"), "v", 0).Err())
			require.NoError(t, c.Kill(c.Masters()[0]))

			require.NoError(t, client.Set(t.Context(), keyOf(1, "k"), "v", 0).Err())
			require.Error(t, client.Set(within(t, time.Second), keyOf(0, "k"), "v", 0).Err())

			require.NoError(t, c.Restart(t.Context(), c.Masters()[0]))
			require.Equal(t, redis.Nil, client.Get(within(t, time.Minute), keyOf(0, "k")).Err())
		})
	})
}

func TestRestart(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{Replicas: 1})
	master, replica := c.Masters()[0], c.Addrs()[3]
	client := dial(t, c, master)
	id := client.do("CLUSTER MYID")
	nodes := client.do("CLUSTER SLOTS")
	client.ok("SET " + keyOf(0, "k") + " v")

	t.Run("a replica gets the data again", func(t *testing.T) {
		before := dial(t, c, replica)
		require.NoError(t, c.Restart(t.Context(), replica))
		before.broken()
		w := dial(t, c, replica)
		w.ok("READONLY")
		w.is("$1 v", "GET "+keyOf(0, "k"))
	})
	t.Run("a master is the same member without data", func(t *testing.T) {
		require.NoError(t, c.Restart(t.Context(), master))
		client.broken()
		w := dial(t, c, master)
		w.is(id, "CLUSTER MYID")
		w.is(nodes, "CLUSTER SLOTS")
		w.is(":0", "DBSIZE")
		w.ok("SET " + keyOf(0, "k") + " new")
	})
	t.Run("its replica follows it again", func(t *testing.T) {
		w := dial(t, c, replica)
		w.ok("READONLY")
		w.is("$3 new", "GET "+keyOf(0, "k"))
	})
	t.Run("a closed cluster starts nothing", func(t *testing.T) {
		require.NoError(t, c.Close())
		require.Error(t, c.Restart(t.Context(), master))
		_, err := c.Dial(t.Context(), master)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	})
}

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.Start(t, clustertest.Config{InMemory: true})
		addr := c.Masters()[0]
		before := dial(t, c, addr)
		require.NoError(t, c.Pause(addr))
		require.NoError(t, c.Pause(addr), "it is paused already")

		after := dial(t, c, addr)
		before.send("INCR", keyOf(0, "n"))
		after.send("INCR", keyOf(0, "n"))
		require.False(t, before.hears(time.Hour))
		require.False(t, after.hears(time.Hour))
		_, err := c.Do(within(t, time.Second), addr, "PING")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = c.Owner(t.Context(), slotOf(0))
		require.ErrorContains(t, err, "slot 0")
		dial(t, c, c.Masters()[1]).is(":1", "INCR "+keyOf(1, "n"))

		require.NoError(t, c.Resume(addr))
		require.ElementsMatch(t, []string{":1", ":2"}, []string{before.receive(), after.receive()})
		require.NoError(t, c.Resume(addr), "it is not paused any more")
		before.is(":3", "INCR "+keyOf(0, "n"))
	})
}

// What is paused can be killed, and is not paused when it is back.
func TestKillPaused(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{Replicas: 1})
	for _, addr := range []string{c.Masters()[0], c.Addrs()[3]} {
		w := dial(t, c, addr)
		require.NoError(t, c.Pause(addr))
		require.NoError(t, c.Kill(addr))
		w.broken()
		require.NoError(t, c.Resume(addr), "it is down, so not paused")
		require.ErrorContains(t, c.Pause(addr), "is down")
		require.NoError(t, c.Restart(t.Context(), addr))
		dial(t, c, addr).is("+PONG", "PING")
		require.NoError(t, c.Pause(addr))
		require.NoError(t, c.Restart(t.Context(), addr))
		dial(t, c, addr).is("+PONG", "PING")
	}
}

// A paused node costs the commands for other nodes nothing, and its own the time until it
// goes on.
func TestPauseUnderClients(t *testing.T) {
	eachClient(t, func(t *testing.T, connect connect) {
		bubble(t, func(t *testing.T) {
			c := clustertest.Start(t, clustertest.Config{InMemory: true})
			client := connect(t, c)
			for i := range 3 {
				require.NoError(t, client.Set(t.Context(), keyOf(i, "k"), i, 0).Err())
			}
			require.NoError(t, c.Pause(c.Masters()[0]))
			require.ErrorIs(t, client.Get(within(t, time.Second), keyOf(0, "k")).Err(), context.DeadlineExceeded)
			require.Equal(t, "1", client.Get(within(t, time.Second), keyOf(1, "k")).Val())

			time.AfterFunc(500*time.Millisecond, func() { _ = c.Resume(c.Masters()[0]) })
			require.Equal(t, "0", client.Get(within(t, time.Second), keyOf(0, "k")).Val())
		})
	})
}

func TestUnknownNode(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{InMemory: true})
	known, ctx := c.Masters()[0], t.Context()
	_, errDo := c.Do(ctx, unknown, "PING")
	_, errCommands := c.Commands(unknown)
	for name, err := range map[string]error{
		"Kill":           c.Kill(unknown),
		"Restart":        c.Restart(ctx, unknown),
		"Pause":          c.Pause(unknown),
		"Resume":         c.Resume(unknown),
		"Cut":            c.Cut(known, unknown),
		"Cut clients":    c.Cut(unknown, clustertest.Clients),
		"Heal":           c.Heal(unknown, known),
		"Latency":        c.Latency(unknown, time.Second),
		"Lag":            c.Lag(unknown),
		"CatchUp":        c.CatchUp(unknown),
		"Migrate":        c.Migrate(ctx, 1, unknown),
		"BeginMigration": c.BeginMigration(ctx, 1, unknown),
		"Promote":        c.Promote(ctx, unknown),
		"Do":             errDo,
		"Commands":       errCommands,
	} {
		require.ErrorContains(t, err, unknown+" is not a node of this cluster", name)
	}
}
