package slotmap_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/slotmap"
)

// node builds what a server sends for the node name:port.
func node(host any, port int64, id string, metadata ...any) []any {
	return []any{host, port, id, metadata}
}

func entry(first, last int64, nodes ...any) []any {
	return append([]any{first, last}, nodes...)
}

func mustParse(t testing.TB, reply ...any) *slotmap.Map {
	t.Helper()
	m, err := slotmap.Parse(reply, "origin:7000")
	require.NoError(t, err)
	requireSound(t, m)
	return m
}

// three is a cluster of three masters, a with two replicas, b with one; slot 100
// is nobody's.
func three(t testing.TB) *slotmap.Map {
	t.Helper()
	a := []any{node("a", 7000, "ida"), node("a1", 7001, "ida1"), node("a2", 7002, "ida2")}
	b := []any{node("b", 7000, "idb"), node("b1", 7001, "idb1")}
	return mustParse(t,
		entry(0, 99, a...),
		entry(101, 5460, a...),
		entry(5461, 10922, b...),
		entry(10923, 16383, node("c", 7000, "idc")),
	)
}

// requireSound checks what holds for every Map.
func requireSound(t testing.TB, m *slotmap.Map) {
	t.Helper()
	served := requireShardsSound(t, m)
	for _, r := range m.Uncovered() {
		for slot := int(r.First); slot <= int(r.Last); slot++ {
			if m.Index(uint16(slot)) != -1 || m.Shard(uint16(slot)) != nil || m.Master(uint16(slot)) != "" {
				require.Failf(t, "index and uncovered disagree", "slot %d", slot)
			}
			served++
		}
	}
	require.Equal(t, hashtag.Slots, served, "every slot is either served or uncovered")
	requireNodesSound(t, m)
}

func requireShardsSound(t testing.TB, m *slotmap.Map) (served int) {
	t.Helper()
	masters := map[string]bool{}
	first := -1
	for i := range m.Shards() {
		s := &m.Shards()[i]
		require.NotEmpty(t, s.Master.Addr)
		require.False(t, masters[s.Master.Addr], "one shard per master")
		masters[s.Master.Addr] = true
		require.NotEmpty(t, s.Ranges)
		require.Less(t, first, int(s.Ranges[0].First), "shards are ordered")
		first = int(s.Ranges[0].First)
		served += s.Slots()
		last := -2
		for _, r := range s.Ranges {
			require.Less(t, last+1, int(r.First), "ranges are ascending and as long as possible")
			require.LessOrEqual(t, r.First, r.Last)
			last = int(r.Last)
			for slot := int(r.First); slot <= int(r.Last); slot++ {
				if m.Index(uint16(slot)) != i || m.Shard(uint16(slot)) != s || m.Master(uint16(slot)) != s.Master.Addr {
					require.Failf(t, "index and ranges disagree", "slot %d, shard %d", slot, i)
				}
			}
		}
	}
	for _, s := range m.Shards() {
		seen := map[string]bool{}
		for _, n := range s.Replicas {
			require.NotEmpty(t, n.Addr)
			require.False(t, masters[n.Addr], "a master is no replica")
			require.False(t, seen[n.Addr], "a replica is listed once")
			seen[n.Addr] = true
		}
	}
	return served
}

func requireNodesSound(t testing.TB, m *slotmap.Map) {
	t.Helper()
	want := map[string]bool{}
	for i, s := range m.Shards() {
		require.Equal(t, s.Master, m.Nodes()[i], "masters come first")
		want[s.Master.Addr] = true
		for _, n := range s.Replicas {
			want[n.Addr] = true
		}
	}
	got := map[string]bool{}
	for _, n := range m.Nodes() {
		got[n.Addr] = true
	}
	require.Equal(t, want, got)
	require.Len(t, m.Nodes(), len(got), "every node is listed once")
}

func TestEmptyMapServesNothing(t *testing.T) {
	empty, err := slotmap.Parse(nil, "origin:7000")
	require.NoError(t, err)
	for name, m := range map[string]*slotmap.Map{"nil": nil, "zero": {}, "empty reply": empty} {
		t.Run(name, func(t *testing.T) {
			requireSound(t, m)
			require.Empty(t, m.Shards())
			require.Equal(t, []slotmap.Range{{First: 0, Last: 16383}}, m.Uncovered())
			require.Equal(t, -1, m.Index(0))

			moved := m.WithMoved(7, "a:7000")
			requireSound(t, moved)
			require.Equal(t, "a:7000", moved.Master(7))
			require.Equal(t, []slotmap.Range{{First: 0, Last: 6}, {First: 8, Last: 16383}}, moved.Uncovered())
		})
	}
	require.Equal(t, "no slot map", (*slotmap.Map)(nil).String())
	require.Equal(t, "0 shards, 0 nodes, no slot served", empty.String())
}

func TestSlotsThatDoNotExist(t *testing.T) {
	m := three(t)
	for _, slot := range []uint16{16384, 65535} {
		require.Equal(t, -1, m.Index(slot))
		require.Nil(t, m.Shard(slot))
		require.Empty(t, m.Master(slot))
		require.Same(t, m, m.WithMoved(slot, "b:7000"))
	}
}

func TestString(t *testing.T) {
	require.Equal(t, "3 shards, 6 nodes, 1 slot not served: 100", three(t).String())
	require.Equal(t, "1 shard, 1 node, all slots served", mustParse(t, entry(0, 16383, node("a", 1, ""))).String())
	var reply []any
	for slot := int64(0); slot < 10; slot++ {
		reply = append(reply, entry(2*slot, 2*slot, node("a", 1, "")))
	}
	require.Equal(t, "1 shard, 1 node, 16374 slots not served: 1, 3, 5, 7 and 6 more", mustParse(t, reply...).String())
}

func TestWithMovedChangesNothing(t *testing.T) {
	m := three(t)
	require.Same(t, m, m.WithMoved(0, "a:7000"), "already so; the replicas stay")
	require.Same(t, m, m.WithMoved(0, ""))
	require.Nil(t, (*slotmap.Map)(nil).WithMoved(0, ""))
}

func TestWithMovedToMaster(t *testing.T) {
	m := three(t)
	moved := m.WithMoved(0, "b:7000")
	requireSound(t, moved)
	require.Equal(t, "b:7000", moved.Master(0))
	require.Equal(t, "a:7000", moved.Master(1))
	require.Len(t, moved.Shards(), 3)
	require.Equal(t, "b:7000", moved.Shards()[0].Master.Addr, "shards stay ordered by first slot")
	require.Equal(t, []slotmap.Range{{First: 0, Last: 0}, {First: 5461, Last: 10922}}, moved.Shards()[0].Ranges)
	require.Len(t, moved.Shard(0).Replicas, 1)
	require.Len(t, moved.Shard(1).Replicas, 2)

	require.Equal(t, "a:7000", m.Master(0), "the map moved from is untouched")
	require.Equal(t, m.Shards(), moved.WithMoved(0, "a:7000").Shards(), "there and back")
}

func TestWithMovedToReplica(t *testing.T) {
	m := three(t)
	moved := m.WithMoved(5000, "a1:7001")
	requireSound(t, moved)

	a1 := moved.Shard(5000)
	require.Equal(t, slotmap.Node{ID: "ida1", Addr: "a1:7001", Hostname: "a1"}, a1.Master, "what is known of the node stays known")
	require.Equal(t, []slotmap.Range{{First: 5000, Last: 5000}}, a1.Ranges)
	require.Equal(t, []string{"a2:7002"}, addrs(a1.Replicas), "fellow replicas follow; the old master may be dead")

	a := moved.Shard(5001)
	require.Equal(t, "a:7000", a.Master.Addr)
	require.Equal(t, []string{"a2:7002"}, addrs(a.Replicas))
	require.Len(t, m.Shard(5000).Replicas, 2, "the map moved from is untouched")
}

func TestWithMovedToUnknownNode(t *testing.T) {
	moved := three(t).WithMoved(100, "d:7000")
	requireSound(t, moved)
	require.Equal(t, slotmap.Shard{
		Master: slotmap.Node{Addr: "d:7000"},
		Ranges: []slotmap.Range{{First: 100, Last: 100}},
	}, *moved.Shard(100))
	require.Empty(t, moved.Uncovered())
	require.Equal(t, 1, moved.Index(100))
}

func TestWithMovedOfTheLastSlot(t *testing.T) {
	m := mustParse(t, entry(0, 0, node("a", 1, "ida"), node("r", 2, "idr")), entry(1, 16383, node("b", 1, "idb")))
	moved := m.WithMoved(0, "b:1")
	requireSound(t, moved)
	require.Equal(t, []string{"b:1"}, addrs(moved.Nodes()), "who serves nothing is gone")

	failedOver := m.WithMoved(0, "r:2")
	requireSound(t, failedOver)
	require.Equal(t, []string{"r:2", "b:1"}, addrs(failedOver.Nodes()))
}

func TestReadsDoNotAllocate(t *testing.T) {
	m := three(t)
	allocs := testing.AllocsPerRun(100, func() {
		_, _, _ = m.Index(1), m.Shard(1), m.Master(1)
		_, _, _ = m.Shards(), m.Nodes(), m.Uncovered()
		_ = (*slotmap.Map)(nil).Uncovered()
	})
	require.Zero(t, allocs)
}

func addrs(nodes []slotmap.Node) []string {
	all := make([]string, 0, len(nodes))
	for _, n := range nodes {
		all = append(all, n.Addr)
	}
	return all
}

func TestRange(t *testing.T) {
	require.Equal(t, "0-16383", slotmap.Range{First: 0, Last: 16383}.String())
	require.Equal(t, "5061", slotmap.Range{First: 5061, Last: 5061}.String())
	require.Equal(t, 16384, slotmap.Range{First: 0, Last: 16383}.Len())
}
