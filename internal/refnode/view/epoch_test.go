package view_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/view"
)

func TestBumpEpoch(t *testing.T) {
	bump := func(v *view.View, wantEpoch uint64, wantBumped bool) {
		t.Helper()
		epoch, bumped := v.BumpEpoch()
		require.Equal(t, wantEpoch, epoch)
		require.Equal(t, wantBumped, bumped)
		require.Equal(t, wantEpoch, v.Myself().ConfigEpoch)
		require.Equal(t, wantEpoch, v.CurrentEpoch())
	}
	bump(clusterOf(nodeB), 2, false) // the highest already

	v := clusterOf(nodeA)
	bump(v, 3, true)
	bump(v, 3, false)
	v.RaiseEpoch(8)
	bump(v, 9, true)

	v = view.New(view.Node{ID: nodeA.ID})
	bump(v, 1, true) // 0 is no epoch
	v.RaiseEpoch(0)
	bump(v, 1, false)
}

func TestOfTwoWithTheSameEpochTheGreaterIDKeepsIt(t *testing.T) {
	same := nodeB
	same.ConfigEpoch = nodeA.ConfigEpoch

	a := clusterOf(nodeA)
	a.Meet(same)
	require.True(t, a.ResolveCollision(nodeB.ID))
	require.EqualValues(t, 3, a.Myself().ConfigEpoch)
	require.EqualValues(t, 3, a.CurrentEpoch())

	b := clusterOf(same)
	require.False(t, b.ResolveCollision(nodeA.ID))
	require.EqualValues(t, 1, b.Myself().ConfigEpoch)
}

func TestNoCollision(t *testing.T) {
	a := clusterOf(nodeA)
	require.False(t, a.ResolveCollision(nodeB.ID), "another epoch")
	require.False(t, a.ResolveCollision("zz"), "unknown")
	replica := nodeS
	replica.ConfigEpoch = nodeA.ConfigEpoch
	a.Meet(replica)
	require.False(t, a.ResolveCollision(nodeS.ID), "a replica claims nothing")

	r := clusterOf(nodeR)
	master := nodeS
	master.MasterID, master.ConfigEpoch = "", nodeR.ConfigEpoch
	r.Meet(master)
	require.False(t, r.ResolveCollision(nodeS.ID), "I am a replica")
}

func TestSetConfigEpoch(t *testing.T) {
	refused(t, clusterOf(nodeA).SetConfigEpoch(-1), "Invalid config epoch specified: -1")
	refused(t, clusterOf(nodeA).SetConfigEpoch(5),
		"The user can assign a config epoch only when the node does not know any other node.")
	refused(t, view.New(nodeA).SetConfigEpoch(5), "Node config epoch is already non-zero")

	v := view.New(view.Node{ID: nodeA.ID})
	require.NoError(t, v.SetConfigEpoch(5))
	require.EqualValues(t, 5, v.Myself().ConfigEpoch)
	require.EqualValues(t, 5, v.CurrentEpoch())
}
