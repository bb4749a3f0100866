package clustertest_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/clustertest"
)

// Whatever verbs meet, on whatever nodes, none hangs; and once all is mended again the
// cluster is whole: every slot is served, and all nodes agree by whom.
func TestVerbsTogether(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("the seed is %d", seed)
	c := clustertest.Start(t, clustertest.Config{InMemory: true, Replicas: 1})
	load := startLoad(within(t, time.Minute), slotmeshClient(t, c))
	go func() {
		for range load.each { // nobody counts here
		}
	}()
	var group sync.WaitGroup
	for i := range uint64(4) {
		group.Go(func() {
			verbs := chaos{c, t, rand.New(rand.NewPCG(seed, i))}
			for range 60 {
				verbs.random()
			}
		})
	}
	group.Wait()
	mend(t, c)
	load.stop()
	close(load.each)
	requireWhole(t, c)
}

// chaos calls verbs at random. Their errors are expected: that a node is down, or no
// replica, or what else was done to it.
type chaos struct {
	c    *clustertest.Cluster
	t    *testing.T
	rand *rand.Rand
}

func (v chaos) node() string { return v.c.Addrs()[v.rand.IntN(len(v.c.Addrs()))] }

func (v chaos) peer() string {
	if v.rand.IntN(3) == 0 {
		return clustertest.Clients
	}
	return v.node()
}

func (v chaos) random() {
	ctx, slot := within(v.t, time.Minute), uint16(v.rand.IntN(chaosSlots))
	verbs := []func(){
		func() { _ = v.c.Kill(v.node()) },
		func() { _ = v.c.Restart(ctx, v.node()) },
		func() { _ = v.c.Pause(v.node()) },
		func() { _ = v.c.Resume(v.node()) },
		func() { _ = v.c.Cut(v.node(), v.peer()) },
		func() { _ = v.c.Heal(v.node(), v.peer()) },
		func() { _ = v.c.Lag(v.node()) },
		func() { _ = v.c.CatchUp(v.node()) },
		func() { _ = v.c.Promote(ctx, v.node()) },
		func() { _ = v.c.BeginMigration(ctx, slot, v.node()) },
		func() { _, _ = v.c.Owner(ctx, slot) },
		func() { _, _ = v.c.Commands(v.node()) },
		func() { _, _ = v.c.Do(within(v.t, 10*time.Millisecond), v.node(), "PING") },
		func() { v.c.Fault(clustertest.Fault{Match: incr, Kind: clustertest.Reset}) },
		func() { v.c.Events() },
	}
	verbs[v.rand.IntN(len(verbs))]()
}

// mend undoes what verbs have done to nodes and links.
func mend(t *testing.T, c *clustertest.Cluster) {
	t.Helper()
	addrs := c.Addrs()
	for i, addr := range addrs {
		require.NoError(t, c.Resume(addr))
		require.NoError(t, c.CatchUp(addr))
		require.NoError(t, c.Heal(addr, clustertest.Clients))
		for _, other := range addrs[:i] {
			require.NoError(t, c.Heal(addr, other))
		}
	}
	for _, addr := range addrs {
		require.NoError(t, c.Restart(t.Context(), addr))
		for slot := range chaosSlots { // a slot that is being imported hears of no new owner
			_, _ = c.Do(t.Context(), addr, "cluster", "setslot", slot, "stable")
		}
	}
	require.NoError(t, c.CatchUp(addrs[0])) // when all are stable, they hear each other
}

// chaosSlots is how many slots the chaos opens.
const chaosSlots = 5

// requireWhole checks that all nodes name the same three masters for the same slots, each
// with a replica, and that these serve them.
func requireWhole(t *testing.T, c *clustertest.Cluster) {
	t.Helper()
	var serve []string
	for _, addr := range c.Addrs() {
		w := dial(t, c, addr)
		require.Contains(t, w.do("CLUSTER INFO"), "cluster_slots_ok:16384", addr)
		if strings.HasPrefix(w.do("ROLE"), "*3 $6 master") {
			serve = append(serve, addr)
		}
	}
	require.Len(t, serve, 3)
	for i := range 3 {
		owner, err := c.Owner(t.Context(), slotOf(i))
		require.NoError(t, err)
		require.Contains(t, serve, owner)
		w := dial(t, c, owner)
		w.ok(fmt.Sprintf("SET %s v", keyOf(i, "whole")))
		w.is(":1", "WAIT 1 0")
		for _, addr := range c.Addrs() {
			if addr != owner {
				dial(t, c, addr).is(moved(i, owner), "GET "+keyOf(i, "whole"))
			}
		}
	}
}
