package view_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/view"
)

func TestReplicateRefusals(t *testing.T) {
	v := clusterOf(nodeA)
	refused(t, v.Replicate("zz", false), "Unknown node zz")
	refused(t, v.Replicate(nodeA.ID, false), "Can't replicate myself")
	refused(t, v.Replicate(nodeS.ID, false), "I can only replicate a master, not a replica.")
	const full = "To set a master the node must be empty and without assigned slots."
	refused(t, v.Replicate(nodeB.ID, false), full)
	require.NoError(t, v.FlushSlots(false))
	refused(t, v.Replicate(nodeB.ID, true), full)
	require.True(t, v.Myself().IsMaster())
}

func TestReplicate(t *testing.T) {
	v := clusterOf(nodeA)
	require.NoError(t, v.SetImporting(slotFoo, nodeB.ID))
	require.NoError(t, v.FlushSlots(false))
	v.TakeChanges()
	require.NoError(t, v.Replicate(nodeB.ID, false))
	require.Equal(t, nodeB.ID, v.Myself().MasterID)
	require.Nil(t, v.Importing(slotFoo))
	require.Equal(t, view.Changes{Master: node(t, v, nodeB.ID)}, v.TakeChanges())
}

func TestAReplicaMayChangeItsMaster(t *testing.T) {
	v := clusterOf(nodeR)
	require.NoError(t, v.Replicate(nodeB.ID, true))
	c := v.TakeChanges()
	require.Equal(t, nodeB.ID, c.Master.ID)
	require.Len(t, c.Left, 8192, "the slots of its former master")
	ask(t, v, []question{
		{"of the new master", view.Query{Keys: keys("foo"), ReadOnly: true}, served},
		{"of the former", view.Query{Keys: keys("bar"), ReadOnly: true}, movedBar},
	})
}

func TestBecomeReplica(t *testing.T) {
	v := clusterOf(nodeA)
	for _, id := range []string{nodeA.ID, "zz"} {
		v.BecomeReplica(id)
		require.Equal(t, clusterOf(nodeA), v)
	}
	v.BecomeReplica(nodeB.ID)
	require.True(t, v.Myself().IsReplica())
	require.Nil(t, v.Owner(slotBar))
	require.Len(t, v.TakeChanges().Left, 8192)
	v.BecomeReplica(nodeB.ID)
	require.Nil(t, v.TakeChanges().Master, "it is my master already")
}

func TestPromote(t *testing.T) {
	v := clusterOf(nodeR)
	v.RaiseEpoch(5)
	v.Promote()
	require.True(t, v.Myself().IsMaster())
	require.EqualValues(t, 6, v.Myself().ConfigEpoch)
	require.EqualValues(t, 6, v.CurrentEpoch())
	require.Equal(t, []view.Range{{First: 0, Last: 8191}}, v.Ranges(v.Myself()))
	require.True(t, node(t, v, nodeA.ID).IsMaster())
	require.Equal(t, view.Changes{Promoted: true, Announce: true}, v.TakeChanges(),
		"the shard keeps its slots, so subscriptions stay")
}

func TestOnlyAReplicaOfAKnownMasterIsPromoted(t *testing.T) {
	v := clusterOf(nodeA)
	v.Promote()
	require.Equal(t, clusterOf(nodeA), v)

	orphan := view.New(nodeR)
	orphan.Promote()
	require.Equal(t, view.New(nodeR), orphan)
}

func TestOfTwoChangesOfRoleTheLastCounts(t *testing.T) {
	v := clusterOf(nodeR)
	v.Promote()
	v.BecomeReplica(nodeB.ID)
	c := v.TakeChanges()
	require.False(t, c.Promoted)
	require.Equal(t, nodeB.ID, c.Master.ID)
	v.BecomeReplica(nodeA.ID)
	v.Promote()
	c = v.TakeChanges()
	require.True(t, c.Promoted)
	require.Nil(t, c.Master)
}

func TestCheckFailover(t *testing.T) {
	refused(t, clusterOf(nodeA).CheckFailover(view.Takeover), "You should send CLUSTER FAILOVER to a replica")
	refused(t, view.New(nodeR).CheckFailover(view.Takeover), "I'm a replica but my master is unknown to me")

	const unreachable = "Master is down or failed, please use CLUSTER FAILOVER FORCE"
	v := clusterOf(nodeR)
	require.NoError(t, v.CheckFailover(view.Coordinated))
	require.True(t, v.SetHealth(nodeA.ID, false, true))
	refused(t, v.CheckFailover(view.Coordinated), unreachable)
	require.True(t, v.SetHealth(nodeA.ID, false, false))
	node(t, v, nodeA.ID).Connected = false
	refused(t, v.CheckFailover(view.Coordinated), unreachable)
	require.NoError(t, v.CheckFailover(view.Force))
	require.NoError(t, v.CheckFailover(view.Takeover))
}

func TestParseFailover(t *testing.T) {
	for word, want := range map[string]view.FailoverMode{"force": view.Force, "TakeOver": view.Takeover} {
		mode, err := view.ParseFailover(keys(word))
		require.NoError(t, err)
		require.Equal(t, want, mode)
	}
	mode, err := view.ParseFailover(nil)
	require.NoError(t, err)
	require.Equal(t, view.Coordinated, mode)
	_, err = view.ParseFailover(keys("X"))
	refused(t, err, "syntax error")
}
