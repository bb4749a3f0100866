package clustertest_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/clustertest"
)

// fill writes n strings into the first slot of the first master.
func fill(w *wire, n int) {
	w.t.Helper()
	for i := range n {
		w.ok(fmt.Sprintf("SET %s %d", keyOf(0, fmt.Sprint("k", i)), i))
	}
}

func TestMigrate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.Start(t, clustertest.Config{InMemory: true, Replicas: 1, Password: "secret"})
		from, to, third := c.Masters()[0], c.Masters()[1], c.Masters()[2]
		source, target, other := dialAuth(t, c, from), dialAuth(t, c, to), dialAuth(t, c, third)
		fill(source, 250)
		source.is(":1", "EXPIRE "+keyOf(0, "k7")+" 100")
		time.Sleep(time.Second) // fake

		require.NoError(t, c.Migrate(t.Context(), slotOf(0), to))
		source.is(":0", "CLUSTER COUNTKEYSINSLOT 0")
		target.is(":250", "CLUSTER COUNTKEYSINSLOT 0")
		target.is("$3 249", "GET "+keyOf(0, "k249"))
		target.is(":99000", "PTTL "+keyOf(0, "k7"))
		target.is(":-1", "PTTL "+keyOf(0, "k8"))
		for _, w := range []*wire{source, other} {
			w.is(moved(0, to), "GET "+keyOf(0, "k0"))
		}
		for _, addr := range c.Addrs()[3:] {
			dialAuth(t, c, addr).is(moved(0, to), "GET "+keyOf(0, "k0"))
		}
		owner, err := c.Owner(t.Context(), slotOf(0))
		require.NoError(t, err)
		require.Equal(t, to, owner)

		before := len(c.Events())
		require.NoError(t, c.Migrate(t.Context(), slotOf(0), to), "it is there already")
		require.Len(t, c.Events(), before)
		require.NoError(t, c.Migrate(t.Context(), slotOf(0), from), "and back")
		source.is("$1 0", "GET "+keyOf(0, "k0"))
		target.is(moved(0, from), "GET "+keyOf(0, "k0"))
	})
}

// dialAuth is dial to a node whose password is secret.
func dialAuth(t *testing.T, c *clustertest.Cluster, addr string) *wire {
	t.Helper()
	w := dial(t, c, addr)
	w.ok("AUTH secret")
	return w
}

func TestOpenSlot(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{InMemory: true})
	ctx := t.Context()
	from, to, third := c.Masters()[0], c.Masters()[1], c.Masters()[2]
	source, target := dial(t, c, from), dial(t, c, to)
	fill(source, 3)
	require.NoError(t, c.BeginMigration(ctx, slotOf(0), to))
	require.ErrorContains(t, c.BeginMigration(ctx, slotOf(0), third), "is open already")
	require.ErrorContains(t, c.Migrate(ctx, slotOf(0), third), "is open", "it would go elsewhere")

	source.is("$1 0", "GET "+keyOf(0, "k0"))
	source.is(ask(0, to), "GET "+keyOf(0, "none"))
	target.is(moved(0, from), "GET "+keyOf(0, "none"))
	target.ok("ASKING", "SET "+keyOf(0, "fresh")+" v")
	dial(t, c, third).is(moved(0, from), "GET "+keyOf(0, "none"))

	for _, step := range []struct{ n, moved, left int }{{0, 0, 3}, {1, 1, 2}, {-1, 2, 0}, {5, 0, 0}} {
		n, err := c.MoveKeys(ctx, slotOf(0), step.n)
		require.NoError(t, err)
		require.Equal(t, step.moved, n)
		source.is(fmt.Sprint(":", step.left), "CLUSTER COUNTKEYSINSLOT 0")
	}
	target.is(":4", "CLUSTER COUNTKEYSINSLOT 0")
	source.is(ask(0, to), "GET "+keyOf(0, "k0"))
	target.is(moved(0, from), "GET "+keyOf(0, "k0"))

	require.NoError(t, c.FinishMigration(ctx, slotOf(0)))
	source.is(moved(0, to), "GET "+keyOf(0, "k0"))
	target.is("$1 0", "GET "+keyOf(0, "k0"))
	_, err := c.MoveKeys(ctx, slotOf(0), 1)
	require.ErrorContains(t, err, "is not open")
	require.ErrorContains(t, c.FinishMigration(ctx, slotOf(0)), "is not open")
}

// Migrate finishes what was begun towards the same node.
func TestMigrateOpenSlot(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{InMemory: true})
	from, to := c.Masters()[0], c.Masters()[1]
	fill(dial(t, c, from), 3)
	require.NoError(t, c.BeginMigration(t.Context(), slotOf(0), to))
	require.NoError(t, c.Migrate(t.Context(), slotOf(0), to))
	dial(t, c, to).is(":3", "CLUSTER COUNTKEYSINSLOT 0")
}

// An open slot whose owner is replaced is moved by the new owner.
func TestOpenSlotOfReplacedOwner(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{InMemory: true, Replicas: 1})
	ctx, to := t.Context(), c.Masters()[1]
	fill(dial(t, c, c.Masters()[0]), 3)
	require.NoError(t, c.BeginMigration(ctx, slotOf(0), to))
	n, err := c.MoveKeys(ctx, slotOf(0), 1)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.NoError(t, c.Promote(ctx, c.Addrs()[3]))
	require.NoError(t, c.FinishMigration(ctx, slotOf(0)))
	dial(t, c, to).is(":3", "CLUSTER COUNTKEYSINSLOT 0")
	for _, addr := range []string{c.Masters()[0], c.Addrs()[3], c.Masters()[2]} {
		dial(t, c, addr).is(moved(0, to), "GET "+keyOf(0, "k0"))
	}
}

// A move that cannot be is an error, and changes nothing.
func TestMigrateRefused(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{InMemory: true, Replicas: 1})
	from, to := c.Masters()[0], c.Masters()[1]
	done, cancel := context.WithCancel(t.Context())
	cancel()
	try := func(why, text string, ctx context.Context, slot uint16, to string) {
		t.Helper()
		require.ErrorContains(t, c.Migrate(ctx, slot, to), text, why)
	}
	try("a replica", "ERR", t.Context(), slotOf(0), c.Addrs()[4])
	try("no such slot", "slot 16384", t.Context(), 16384, to)
	try("no such slot", "slot 65535", t.Context(), 65535, to)
	try("the context is done", "context canceled", done, slotOf(0), to)
	require.ErrorContains(t, c.BeginMigration(t.Context(), slotOf(0), from), "already the owner")

	require.NoError(t, c.Pause(to))
	try("the target is paused", to, t.Context(), slotOf(0), to)
	require.NoError(t, c.Resume(to))
	require.NoError(t, c.Kill(to))
	try("the target is down", to+" is down", t.Context(), slotOf(0), to)
	require.NoError(t, c.Kill(from))
	try("the owner is down", "slot 0", t.Context(), slotOf(0), c.Masters()[2])

	require.NoError(t, c.Restart(t.Context(), from))
	require.NoError(t, c.Restart(t.Context(), to))
	dial(t, c, from).ok("SET " + keyOf(0, "k") + " v")
	dial(t, c, to).is(moved(0, from), "GET "+keyOf(0, "k"))
}

// Clients see every key all along, wherever the slot is in its move.
func TestMigrateUnderClients(t *testing.T) {
	eachClient(t, func(t *testing.T, connect connect) {
		c := clustertest.Start(t, clustertest.Config{InMemory: true})
		ctx, client := t.Context(), connect(t, c)
		n := int64(0)
		incr := func() {
			t.Helper()
			n++
			require.Equal(t, n, client.Incr(ctx, keyOf(0, "n")).Val())
			require.NoError(t, client.Set(ctx, keyOf(0, fmt.Sprint("new", n)), n, 0).Err())
		}
		incr()
		for i := range 6 {
			require.NoError(t, c.BeginMigration(ctx, slotOf(0), c.Masters()[(i+1)%3]))
			incr()
			_, err := c.MoveKeys(ctx, slotOf(0), 1)
			require.NoError(t, err)
			incr()
			require.NoError(t, c.FinishMigration(ctx, slotOf(0)))
			incr()
		}
		for i := range n {
			key := keyOf(0, fmt.Sprint("new", i+1))
			require.Equal(t, fmt.Sprint(i+1), client.Get(ctx, key).Val(), key)
		}
	})
}
