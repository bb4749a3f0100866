package view_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/internal/refnode/view"
)

func TestANewerClaimWins(t *testing.T) {
	v := clusterOf(nodeA)
	v.Claim(nodeB.ID, 1, setOf(8000, 16383), noKeys)
	require.Equal(t, v.Myself(), v.Owner(8000), "mine has the same epoch")

	v.Claim(nodeB.ID, 3, setOf(8000, 16383), func(slot uint16) bool { return slot == 8001 })
	require.Equal(t, nodeB.ID, v.Owner(8000).ID)
	require.Equal(t, 8000, v.Slots())
	require.EqualValues(t, 3, node(t, v, nodeB.ID).ConfigEpoch)
	require.EqualValues(t, 3, v.CurrentEpoch())
	c := v.TakeChanges()
	require.Equal(t, []uint16{8001}, c.Dirty)
	require.Len(t, c.Left, 192)
	require.Nil(t, c.Master)
}

func TestAnOldClaimGetsWhatIsFree(t *testing.T) {
	v := clusterOf(nodeA)
	require.NoError(t, v.DelSlots(5))
	v.Claim(nodeB.ID, 0, setOf(5, 6), noKeys)
	require.Equal(t, nodeB.ID, v.Owner(5).ID)
	require.Equal(t, nodeA.ID, v.Owner(6).ID)
	require.EqualValues(t, 2, node(t, v, nodeB.ID).ConfigEpoch, "epochs do not fall")
}

func TestAnOldClaimGetsWhatItsOwnerNoLongerClaims(t *testing.T) {
	third := view.Node{ID: nodeS.ID, Port: 7009, ConfigEpoch: 1}
	v := clusterOf(nodeA)
	v.Meet(third)
	v.Claim(nodeB.ID, 2, setOf(8193, 16383), noKeys)
	require.Equal(t, nodeB.ID, v.Owner(8192).ID, "it stays bound")
	require.Equal(t, view.OK, v.State())

	v.Claim(nodeB.ID, 2, setOf(8192, 16383), noKeys)
	v.Claim(third.ID, 1, setOf(8192, 8192), noKeys)
	require.Equal(t, nodeB.ID, v.Owner(8192).ID, "claimed again")

	v.Claim(nodeB.ID, 2, setOf(8193, 16383), noKeys)
	v.Claim(third.ID, 1, setOf(8192, 8192), noKeys)
	require.Equal(t, third.ID, v.Owner(8192).ID)

	v.Claim(nodeB.ID, 1, setOf(8192, 16383), noKeys)
	require.Equal(t, third.ID, v.Owner(8192).ID, "the new owner has not given it up")
}

func TestAnImportedSlotIsLeftAlone(t *testing.T) {
	v := clusterOf(nodeA)
	v.Meet(view.Node{ID: nodeS.ID, ConfigEpoch: 9})
	require.NoError(t, v.SetImporting(slotFoo, nodeB.ID))
	v.Claim(nodeS.ID, 9, setOf(slotFoo, slotFoo+1), noKeys)
	require.Equal(t, nodeB.ID, v.Owner(slotFoo).ID)
	require.Equal(t, nodeS.ID, v.Owner(slotFoo+1).ID)
}

func TestADeposedMasterFollows(t *testing.T) {
	v := clusterOf(nodeA)
	promoted := nodeR
	promoted.MasterID = ""
	v.Meet(promoted)
	v.Claim(nodeR.ID, 3, setOf(0, 8191), func(uint16) bool { return true })
	require.Equal(t, nodeR.ID, v.Myself().MasterID)
	c := v.TakeChanges()
	require.Equal(t, nodeR.ID, c.Master.ID)
	require.Empty(t, c.Dirty, "replication replaces all data")
	require.Len(t, c.Left, 8192)
}

func TestAReplicaFollowsWhoTookItsMastersSlots(t *testing.T) {
	v := clusterOf(nodeR)
	v.Claim(nodeB.ID, 3, setOf(0, 16383), noKeys)
	require.Equal(t, nodeB.ID, v.Myself().MasterID)
	require.Equal(t, nodeB.ID, v.TakeChanges().Master.ID)
}

func TestAReplicaStaysWithAMasterThatKeepsASlot(t *testing.T) {
	v := clusterOf(nodeR)
	v.Claim(nodeB.ID, 3, setOf(1, 16383), func(uint16) bool { return true })
	require.Equal(t, nodeA.ID, v.Myself().MasterID)
	c := v.TakeChanges()
	require.Nil(t, c.Master)
	require.Empty(t, c.Dirty, "its master is to delete the keys")
}

func TestWithoutReplicaMigrationOnlyAFailoverIsFollowed(t *testing.T) {
	fixed := func() *view.View {
		v := clusterOf(nodeA)
		s := v.Settings()
		s.AllowReplicaMigration = false
		v.Set(s)
		return v
	}
	v := fixed()
	v.Claim(nodeB.ID, 3, setOf(0, 16383), func(slot uint16) bool { return slot == 7 })
	require.True(t, v.Myself().IsMaster(), "B has more than was taken from me")
	require.Equal(t, []uint16{7}, v.TakeChanges().Dirty)

	v = fixed()
	v.Meet(view.Node{ID: nodeR.ID})
	v.Claim(nodeR.ID, 3, setOf(0, 8191), noKeys)
	require.Equal(t, nodeR.ID, v.Myself().MasterID, "R has exactly what was taken from me")
}

// R hears that its master is S's replica, and of S's claim to something else.
func TestAReplicaOfAReplicaFollowsItsMaster(t *testing.T) {
	v := clusterOf(nodeR)
	v.Meet(view.Node{ID: nodeS.ID, ConfigEpoch: 3})
	demoted := nodeA
	demoted.MasterID = nodeS.ID
	v.Meet(demoted)
	v.Claim(nodeS.ID, 3, setOf(0, 0), noKeys)
	require.Equal(t, nodeS.ID, v.Myself().MasterID)
	require.Equal(t, nodeS.ID, v.TakeChanges().Master.ID)
}

func TestAReplicaOfItsOwnReplicaStays(t *testing.T) {
	v := clusterOf(nodeR)
	demoted := nodeA
	demoted.MasterID = nodeR.ID
	v.Meet(demoted)
	v.Claim(nodeB.ID, 3, setOf(0, 16383), noKeys)
	require.Equal(t, nodeA.ID, v.Myself().MasterID)
	require.Nil(t, v.TakeChanges().Master)
}

func TestAReplicaOfAnUnknownMasterTakesClaims(t *testing.T) {
	v := view.New(nodeR)
	v.Meet(nodeB)
	v.Claim(nodeB.ID, 2, setOf(0, 16383), noKeys)
	require.Equal(t, hashtag.Slots, node(t, v, nodeB.ID).Slots())
	require.Equal(t, nodeA.ID, v.Myself().MasterID)
}

func TestClaimsThatAreNone(t *testing.T) {
	v := clusterOf(nodeA)
	v.Claim("zz", 9, setOf(0, 16383), noKeys)
	v.Claim(nodeA.ID, 9, setOf(0, 16383), noKeys)
	require.Equal(t, clusterOf(nodeA), v)
}
