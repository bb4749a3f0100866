package slotmap_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/slotmap"
)

// pollOf returns a poll of these maps.
func pollOf(views ...*slotmap.Map) *slotmap.Poll {
	var p slotmap.Poll
	for _, v := range views {
		p.Add(v)
	}
	return &p
}

// shared returns a map in which masters share the slots evenly.
func shared(t testing.TB, masters ...string) *slotmap.Map {
	var reply []any
	for i, addr := range masters {
		first, last := i*hashtag.Slots/len(masters), (i+1)*hashtag.Slots/len(masters)-1
		reply = append(reply, []any{int64(first), int64(last), []any{addr, int64(7000), fmt.Sprintf("%040d", i)}})
	}
	m, err := slotmap.Parse(reply, masters[0]+":7000")
	require.NoError(t, err)
	return m
}

// unasked is for polls that are decided.
func unasked(uint16, []string) string { panic("nothing is to settle") }

func TestPollOfThoseWhoAgree(t *testing.T) {
	m := shared(t, "a", "b", "c")
	for n := 1; n < 5; n++ {
		p := pollOf(slices.Repeat([]*slotmap.Map{m}, n)...)
		require.Empty(t, p.Undecided())
		require.Same(t, m, p.Result(unasked))
	}
}

// A dissenter is outvoted, wherever in the row it is.
func TestPollMajority(t *testing.T) {
	m := shared(t, "a", "b", "c")
	old := m.WithMoved(5, "b:7000").WithMoved(6000, "x:7000")
	for _, views := range [][]*slotmap.Map{{old, m, m}, {m, old, m}, {m, m, old}, {m, old, m, m, old}} {
		p := pollOf(views...)
		require.Empty(t, p.Undecided())
		require.Empty(t, slotmap.Diff(m, p.Result(unasked)).Moves)
	}
}

// Slot by slot: each of three nodes may be behind about another slot.
func TestPollIsBySlot(t *testing.T) {
	m := shared(t, "a", "b", "c")
	p := pollOf(m.WithMoved(1, "b:7000"), m.WithMoved(2, "c:7000"), m.WithMoved(9000, "a:7000"))
	require.Empty(t, p.Undecided())
	require.Empty(t, slotmap.Diff(m, p.Result(unasked)).Moves)
}

func TestPollWithoutMajority(t *testing.T) {
	m := shared(t, "a", "b", "c")
	other := m.WithMoved(5, "b:7000")
	p := pollOf(m, other)
	require.ElementsMatch(t, []string{"a:7000", "b:7000"}, p.Undecided())
	for _, want := range []string{"a:7000", "b:7000"} {
		got := p.Result(func(slot uint16, masters []string) string {
			require.EqualValues(t, 5, slot)
			require.ElementsMatch(t, []string{"a:7000", "b:7000"}, masters)
			return want
		})
		require.Equal(t, want, got.Master(5))
		require.Equal(t, "a:7000", got.Master(4))
	}
	require.Equal(t, "a:7000", p.Result(func(uint16, []string) string { return "nonsense" }).Master(5), "the first, if settle names none of them")
}

// That nobody serves a slot is an opinion too.
func TestPollAboutSlotsOfNobody(t *testing.T) {
	m := shared(t, "a", "b")
	hole, err := slotmap.Parse([]any{[]any{int64(1), int64(8191), []any{"a", int64(7000)}}, []any{int64(8192), int64(16383), []any{"b", int64(7000)}}}, "a:7000")
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"", "a:7000"}, pollOf(m, hole).Undecided())
	require.Equal(t, "", pollOf(m, hole, hole).Result(unasked).Master(0))
	require.Equal(t, "a:7000", pollOf(hole, m, m).Result(unasked).Master(0))
	got := pollOf(m, hole).Result(func(uint16, []string) string { return "" })
	require.Equal(t, []slotmap.Range{{First: 0, Last: 0}}, got.Uncovered())
}

// A node that others know by another address is the same one, if it has an ID.
func TestPollKnowsNodesByID(t *testing.T) {
	parse := func(hosts ...string) *slotmap.Map {
		var reply []any
		for i, host := range hosts {
			first := int64(i * 8192)
			reply = append(reply, []any{first, first + 8191, []any{host, int64(7000), fmt.Sprintf("%040d", i)}})
		}
		m, err := slotmap.Parse(reply, "a:7000")
		require.NoError(t, err)
		return m
	}
	names, addresses := parse("a.example", "b.example"), parse("10.0.0.1", "10.0.0.2")
	require.Empty(t, pollOf(names, addresses).Undecided())
	require.Same(t, names, pollOf(names, addresses).Result(unasked), "each is right; the first counts")
	require.Same(t, addresses, pollOf(addresses, names).Result(unasked))
	patched := names.WithMoved(3, "10.0.0.2:7000") // by a MOVED, which tells no ID
	p := pollOf(names, addresses, patched)
	require.Empty(t, p.Undecided())
	require.Equal(t, "a.example:7000", p.Result(unasked).Master(3))
	require.NotEmpty(t, pollOf(names, patched).Undecided())
}

// What is known of a slot and younger than the poll is not outvoted: it is to be settled.
func TestPollDoubts(t *testing.T) {
	m := shared(t, "a", "b", "c")
	known := m.WithMoved(5, "b:7000").WithMoved(6, "x:7000")
	p := pollOf(m, m, m)
	p.Doubt(known, map[uint16]bool{5: true})
	require.ElementsMatch(t, []string{"a:7000", "b:7000"}, p.Undecided())
	for _, want := range []string{"a:7000", "b:7000"} {
		got := p.Result(func(slot uint16, masters []string) string {
			require.EqualValues(t, 5, slot)
			return want
		})
		require.Equal(t, want, got.Master(5))
		require.Equal(t, "a:7000", got.Master(6), "only of the slots that were named")
	}
	agreeing := pollOf(known, known, m)
	agreeing.Doubt(known, map[uint16]bool{5: true})
	require.Empty(t, agreeing.Undecided(), "a majority for what is known")
}

// Random polls, against counting in the plainest way.
func TestPollIsCounting(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	names := []string{"a", "b", "c", "d"}
	for range 200 {
		base := shared(t, names[:1+rng.IntN(3)]...)
		views := make([]*slotmap.Map, 1+rng.IntN(5))
		for i := range views {
			views[i] = base
			for range rng.IntN(4) {
				views[i] = views[i].WithMoved(uint16(rng.IntN(8)*2000), names[rng.IntN(4)]+":7000")
			}
		}
		p := pollOf(views...)
		last := func(_ uint16, masters []string) string { return slices.Max(masters) }
		got, undecided := p.Result(last), p.Undecided()
		for slot := range uint16(hashtag.Slots) {
			votes := map[string]int{}
			for _, v := range views {
				votes[v.Master(slot)]++
			}
			want := ""
			for addr, n := range votes {
				if 2*n > len(views) {
					want = addr
				}
			}
			if want == "" {
				for addr := range votes {
					require.Contains(t, undecided, addr)
					want = max(want, addr)
				}
			}
			require.Equal(t, want, got.Master(slot), "slot %d", slot)
		}
	}
}
