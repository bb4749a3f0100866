package slotmap_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/slotmap"
)

func TestDiff(t *testing.T) {
	base := three(t)
	small := mustParse(t, entry(0, 2, node("a", 1, "ida"), node("r", 1, "idr")), entry(4, 4, node("a", 1, "ida")))
	failedOver := small.WithMoved(0, "r:1").WithMoved(1, "r:1").WithMoved(2, "r:1").WithMoved(4, "r:1")
	for name, tc := range map[string]struct {
		from, to *slotmap.Map
		want     string
	}{
		"nothing was known": {nil, base,
			"0-99: nobody to a:7000, 101-5460: nobody to a:7000, 5461-10922: nobody to b:7000, 10923-16383: nobody to c:7000" +
				"; joined a:7000, b:7000, c:7000, a1:7001, a2:7002, b1:7001"},
		"one slot":             {base, base.WithMoved(5, "b:7000"), "5: a:7000 to b:7000"},
		"a slot is served now": {base, base.WithMoved(100, "c:7000"), "100: nobody to c:7000"},
		"an unknown node":      {base, base.WithMoved(5460, "d:1").WithMoved(5461, "d:1"), "5460: a:7000 to d:1, 5461: b:7000 to d:1; joined d:1"},
		"a failover":           {small, failedOver, "0-2: a:1 to r:1, 4: a:1 to r:1; left a:1"},
		"everything is gone":   {mustParse(t, entry(0, 16383, node("a", 1, "ida"))), mustParse(t), "0-16383: a:1 to nobody; left a:1"},
		"no change":            {base, three(t), "no change"},
		"nothing at all":       {nil, mustParse(t), "no change"},
	} {
		t.Run(name, func(t *testing.T) {
			d := slotmap.Diff(tc.from, tc.to)
			require.Same(t, tc.from, d.From)
			require.Same(t, tc.to, d.To)
			require.Equal(t, tc.want, d.String())
			require.Equal(t, tc.want == "no change", d.Empty())
			requireMovesExplain(t, d)
		})
	}
}

// requireMovesExplain checks a Delta slot by slot.
func requireMovesExplain(t *testing.T, d slotmap.Delta) {
	t.Helper()
	var masters [16384]string
	for slot := range masters {
		masters[slot] = d.From.Master(uint16(slot))
	}
	for _, move := range d.Moves {
		require.NotEqual(t, move.From, move.To)
		for slot := int(move.First); slot <= int(move.Last); slot++ {
			if masters[slot] != move.From {
				require.Failf(t, "a move from elsewhere", "slot %d", slot)
			}
			masters[slot] = move.To
		}
	}
	for slot := range masters {
		if masters[slot] != d.To.Master(uint16(slot)) {
			require.Failf(t, "a move is missing", "slot %d", slot)
		}
	}
}

func TestDiffOfDetails(t *testing.T) {
	a, b := node("a", 1, "ida"), node("b", 1, "idb")
	r := node("r", 1, "idr")
	base := mustParse(t, entry(0, 5, a, r), entry(6, 9, b))
	for name, other := range map[string]*slotmap.Map{
		"replica of another master": mustParse(t, entry(0, 5, a), entry(6, 9, b, r)),
		"another id":                mustParse(t, entry(0, 5, node("a", 1, "new"), r), entry(6, 9, b)),
	} {
		t.Run(name, func(t *testing.T) {
			d := slotmap.Diff(base, other)
			require.Empty(t, d.Moves)
			require.Empty(t, d.Joined)
			require.Empty(t, d.Left)
			require.False(t, d.Empty())
			require.Equal(t, "same masters and nodes, other details", d.String())
		})
	}
}
