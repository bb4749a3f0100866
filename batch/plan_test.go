package batch_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/batch"
	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/slotmap"
)

var strategies = []batch.Strategy{batch.Serial, batch.Pipelined, batch.Parallel}

// span is a run of slots and the master that serves it.
type span struct {
	first, last int
	addr        string
}

func slotMap(tb testing.TB, spans ...span) *slotmap.Map {
	reply := make([]any, len(spans))
	for i, s := range spans {
		host, port, err := net.SplitHostPort(s.addr)
		require.NoError(tb, err)
		n, err := strconv.Atoi(port)
		require.NoError(tb, err)
		reply[i] = []any{int64(s.first), int64(s.last), []any{host, int64(n)}}
	}
	m, err := slotmap.Parse(reply, "10.0.0.1:7000")
	require.NoError(tb, err)
	return m
}

// threeMasters serves all slots.
func threeMasters(tb testing.TB) *slotmap.Map {
	return slotMap(tb,
		span{0, 5460, "10.0.0.1:7000"}, span{5461, 10922, "10.0.0.2:7000"}, span{10923, 16383, "10.0.0.3:7000"})
}

// randomMap has up to six masters, each with several runs of slots, and holes.
func randomMap(tb testing.TB, rnd *rand.Rand) *slotmap.Map {
	masters := rnd.IntN(6)
	var spans []span
	for first := 0; first < hashtag.Slots; {
		last := min(first+rnd.IntN(3000), hashtag.Slots-1)
		if n := rnd.IntN(masters + 1); n > 0 {
			spans = append(spans, span{first, last, fmt.Sprintf("10.0.0.%d:7000", n)})
		}
		first = last + 1
	}
	return slotMap(tb, spans...)
}

// randomKeys are up to most keys: plain, tagged and repeated ones.
func randomKeys(rnd *rand.Rand, most int) []string {
	keys := make([]string, rnd.IntN(most+1))
	for i := range keys {
		switch rnd.IntN(4) {
		case 0:
			keys[i] = fmt.Sprintf("{tag%d}%d", rnd.IntN(4), rnd.IntN(8))
		case 1:
			keys[i] = fmt.Sprint(rnd.IntN(20))
		case 2:
			if i > 0 {
				keys[i] = keys[rnd.IntN(i)]
			}
		default:
			keys[i] = fmt.Sprint(rnd.Uint64())
		}
	}
	return keys
}

// obvious is NewPlan in the plainest words, and in no hurry: for each master in the
// order of the map, and then for no master, the slots in the order in which they first
// appear, each with its keys.
func obvious(m *slotmap.Map, keys []string) []batch.Group {
	var slots []uint16
	for _, key := range keys {
		if s := hashtag.Slot(key); !slices.Contains(slots, s) {
			slots = append(slots, s)
		}
	}
	var addrs []string
	for _, shard := range m.Shards() {
		addrs = append(addrs, shard.Master.Addr)
	}
	var groups []batch.Group
	for _, addr := range append(addrs, "") {
		g := batch.Group{Addr: addr}
		for _, s := range slots {
			if m.Master(s) != addr {
				continue
			}
			part := batch.Part{Slot: s}
			for i, key := range keys {
				if hashtag.Slot(key) == s {
					part.Keys = append(part.Keys, i)
				}
			}
			g.Parts = append(g.Parts, part)
		}
		if len(g.Parts) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

// A plan is what the obvious implementation says, names every position once, and does
// not change its input; counts of requests and waits follow from its groups.
func TestPlanIsRight(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		m, keys := randomMap(t, rnd), randomKeys(rnd, 60)
		given := slices.Clone(keys)
		plan := batch.NewPlan(m, keys)
		require.Equal(t, given, keys)
		require.Equal(t, obvious(m, keys), plan.Groups())
		require.Equal(t, plan, batch.NewPlan(m, keys), "the same map and keys make the same plan")

		named := make([]int, len(keys))
		parts := 0
		var sent struct{ keys, parts, groups int } // what has a node to be sent to
		for _, g := range plan.Groups() {
			if g.Addr != "" {
				sent.groups++
			}
			for _, p := range g.Parts {
				parts++
				if g.Addr != "" {
					sent.parts++
					sent.keys += len(p.Keys)
				}
				require.True(t, slices.IsSorted(p.Keys))
				for _, i := range p.Keys {
					named[i]++
					require.Equal(t, p.Slot, hashtag.Slot(keys[i]))
				}
				require.Equal(t, g.Addr, m.Master(p.Slot))
			}
		}
		for i := range named {
			require.Equal(t, 1, named[i], "key %d", i)
		}

		require.Equal(t, parts == 1, plan.Native())
		serial := sent.keys
		if parts == 1 {
			serial = sent.parts
		}
		require.Equal(t, serial, plan.Requests(batch.Serial))
		require.Equal(t, serial, plan.Waits(batch.Serial))
		require.Equal(t, sent.parts, plan.Requests(batch.Pipelined))
		require.Equal(t, sent.parts, plan.Requests(batch.Parallel))
		require.Equal(t, sent.groups, plan.Waits(batch.Pipelined))
		require.Equal(t, min(1, sent.groups), plan.Waits(batch.Parallel))
	}
}

// The parts of a plan do not share room to grow: who appends to one does not write
// into the next.
func TestPlanPartsAreApart(t *testing.T) {
	plan := batch.NewPlan(threeMasters(t), []string{"a", "b", "{a}", "{b}", "c", "d"})
	want := obvious(threeMasters(t), []string{"a", "b", "{a}", "{b}", "c", "d"})
	for _, g := range plan.Groups() {
		_ = append(g.Parts, batch.Part{Slot: 9999})
		for _, p := range g.Parts {
			_ = append(p.Keys, 9999)
		}
	}
	require.Equal(t, want, plan.Groups())
}

// Plans are pure: many made at once, over keys of all sizes, do not disturb each other.
func TestPlansAtOnce(t *testing.T) {
	m := threeMasters(t)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			rnd := rand.New(rand.NewPCG(1, uint64(g)))
			for range 50 {
				keys := randomKeys(rnd, 40)
				if !slices.EqualFunc(obvious(m, keys), batch.NewPlan(m, keys).Groups(), func(a, b batch.Group) bool {
					return a.Addr == b.Addr && slices.EqualFunc(a.Parts, b.Parts, func(a, b batch.Part) bool {
						return a.Slot == b.Slot && slices.Equal(a.Keys, b.Keys)
					})
				}) {
					t.Errorf("another plan got into that of %q", keys)
				}
			}
		})
	}
	all.Wait()
}

// String has one line per node, in the order of the groups.
func TestPlanString(t *testing.T) {
	m := slotMap(t, span{0, 8191, "10.0.0.1:7000"}, span{8192, 12000, "[fd00::2]:7000"})
	at := func(slot int, names ...string) (keys []string) {
		for _, name := range names {
			keys = append(keys, fmt.Sprintf("{%s}%s", hashtag.ForSlot(uint16(slot)), name))
		}
		return keys
	}
	for name, tc := range map[string]struct {
		m    *slotmap.Map
		keys []string
		want string
	}{
		"nothing": {m, nil, "0 keys in 0 slots on 0 nodes\n"},
		"one": {m, at(1, "a"), "" +
			"1 key in 1 slot on 1 node\n" +
			"  10.0.0.1:7000         1 key in 1 slot\n"},
		"several, and slots that nobody serves": {m, slices.Concat(at(16000, "x"), at(9000, "a", "b"), at(2, "c"), at(1, "d", "e"), at(16001, "y")), "" +
			"7 keys in 5 slots on 3 nodes\n" +
			"  10.0.0.1:7000         3 keys in 2 slots\n" +
			"  [fd00::2]:7000        2 keys in 1 slot\n" +
			"  (no node)             2 keys in 2 slots\n"},
		"no map": {nil, at(1, "a", "b"), "" +
			"2 keys in 1 slot on 1 node\n" +
			"  (no node)             2 keys in 1 slot\n"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, batch.NewPlan(tc.m, tc.keys).String())
		})
	}
}

// Keys of slots that no node serves are in the plan, in one group without an address,
// after all others.
func TestPlanUncovered(t *testing.T) {
	m := slotMap(t, span{8192, 16383, "10.0.0.1:7000"})
	low, high := hashtag.ForSlot(5), hashtag.ForSlot(9000)
	require.Equal(t, []batch.Group{
		{Addr: "10.0.0.1:7000", Parts: []batch.Part{{Slot: 9000, Keys: []int{1}}}},
		{Addr: "", Parts: []batch.Part{{Slot: 5, Keys: []int{0, 2}}}},
	}, batch.NewPlan(m, []string{low, high, low}).Groups())

	require.Equal(t, []batch.Group{{Addr: "", Parts: []batch.Part{{Slot: 5, Keys: []int{0}}}}},
		batch.NewPlan(nil, []string{low}).Groups(), "without a map nobody serves anything")
}

// The empty key is a key, in slot 0.
func TestPlanEmptyKey(t *testing.T) {
	require.Equal(t, []batch.Group{{Addr: "10.0.0.1:7000", Parts: []batch.Part{{Slot: 0, Keys: []int{0}}}}},
		batch.NewPlan(threeMasters(t), []string{""}).Groups())
}

// A strategy names itself, one that does not exist too.
func TestStrategyString(t *testing.T) {
	require.Equal(t, "serial", batch.Serial.String())
	require.Equal(t, "pipelined", batch.Pipelined.String())
	require.Equal(t, "parallel", batch.Parallel.String())
	require.Equal(t, "strategy(9)", batch.Strategy(9).String())
}
