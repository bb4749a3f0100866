package view_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/view"
)

func TestStateNeedsFullCoverage(t *testing.T) {
	v := clusterOf(nodeA)
	require.Equal(t, view.OK, v.State())
	require.NoError(t, v.DelSlots(5))
	require.Equal(t, view.Fail, v.State())

	s := v.Settings()
	s.RequireFullCoverage = false
	v.Set(s)
	require.Equal(t, view.OK, v.State())

	s.RequireFullCoverage = true
	v.Set(s)
	require.Equal(t, view.Fail, v.State())
	require.NoError(t, v.AddSlots(5))
	require.Equal(t, view.OK, v.State())
}

// threeMasters is a cluster in which one may fail without the majority.
func threeMasters() *view.View {
	v := view.New(nodeA)
	v.Meet(nodeB)
	v.Meet(view.Node{ID: nodeS.ID, ConfigEpoch: 3})
	own(v, nodeA.ID, 0, 5000)
	own(v, nodeB.ID, 5001, 10000)
	own(v, nodeS.ID, 10001, 16383)
	return v
}

func TestStateNeedsLiveOwners(t *testing.T) {
	v := threeMasters()
	require.True(t, v.SetHealth(nodeB.ID, true, false))
	require.Equal(t, view.OK, v.State(), "only suspected")
	require.True(t, v.SetHealth(nodeB.ID, false, true))
	require.Equal(t, view.Fail, v.State())

	s := v.Settings()
	s.RequireFullCoverage = false
	v.Set(s)
	require.Equal(t, view.OK, v.State(), "two of three are left")
	require.False(t, v.SetHealth("zz", true, true))
}

func TestStateNeedsTheMajority(t *testing.T) {
	v := threeMasters()
	s := v.Settings()
	s.RequireFullCoverage = false
	v.Set(s)
	require.Equal(t, 3, v.Size())
	v.SetHealth(nodeB.ID, true, false)
	require.Equal(t, view.OK, v.State())
	for _, fail := range []bool{false, true} {
		v.SetHealth(nodeS.ID, !fail, fail)
		require.Equal(t, view.Fail, v.State())
	}

	require.NoError(t, v.DelSlots(allFrom(10001, 16383)...))
	require.Equal(t, 2, v.Size(), "without slots it has no say")
	require.Equal(t, view.Fail, v.State(), "one of two is no majority")
	v.SetHealth(nodeB.ID, false, false)
	require.Equal(t, view.OK, v.State())
}

func allFrom(first, last uint16) []uint16 {
	var slots []uint16
	for slot := first; slot <= last; slot++ {
		slots = append(slots, slot)
	}
	return slots
}

func TestStateFollowsWhatIsHeardOfANode(t *testing.T) {
	v := clusterOf(nodeA)
	require.Equal(t, view.OK, v.State())
	failed := nodeB
	failed.Fail = true
	v.Meet(failed)
	require.Equal(t, view.Fail, v.State())
}

// That a replica is given slots is possible, if not sensible.
func TestOnlyMastersCountForTheMajority(t *testing.T) {
	v := view.New(nodeR)
	v.Meet(nodeA)
	require.NoError(t, v.AddSlots(allFrom(0, 16383)...))
	require.Equal(t, view.Fail, v.State())
	v.Promote()
	require.Equal(t, view.OK, v.State())
}

func TestAFailedNodeWithoutSlotsDoesNotMatter(t *testing.T) {
	v := clusterOf(nodeA)
	v.SetHealth(nodeS.ID, false, true)
	require.Equal(t, view.OK, v.State())
}
