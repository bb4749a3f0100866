package view_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/internal/refnode/view"
)

func TestMeetUpdatesWhatIsKnown(t *testing.T) {
	v := clusterOf(nodeA)
	b := node(t, v, nodeB.ID)
	moved := nodeB
	moved.Port, moved.ConfigEpoch = 7009, 9
	v.Meet(moved)
	require.Same(t, b, node(t, v, nodeB.ID))
	require.Equal(t, 7009, b.Port)
	require.Equal(t, 8192, b.Slots())
	require.EqualValues(t, 9, v.CurrentEpoch())
}

func TestAMasterThatBecomesAReplicaLosesItsSlots(t *testing.T) {
	v := clusterOf(nodeA)
	demoted := nodeB
	demoted.MasterID = nodeS.ID
	v.Meet(demoted)
	require.Nil(t, v.Owner(slotFoo))
	require.Zero(t, node(t, v, nodeB.ID).Slots())
	require.Equal(t, view.Fail, v.State())
}

func TestNobodyKnowsBetterAboutMyself(t *testing.T) {
	v := clusterOf(nodeA)
	v.Meet(view.Node{ID: nodeA.ID, MasterID: nodeB.ID, ConfigEpoch: 99})
	require.Equal(t, clusterOf(nodeA), v)
}

func TestANodeWithoutAddressHasNone(t *testing.T) {
	v := clusterOf(nodeA)
	lost := nodeB
	lost.NoAddr = true
	v.Meet(lost)
	b := node(t, v, nodeB.ID)
	require.Equal(t, []any{"", 0, 0}, []any{b.IP, b.Port, b.BusPort})
}

func TestForget(t *testing.T) {
	v := clusterOf(nodeA)
	refused(t, v.Forget("zz"), "Unknown node zz")
	refused(t, v.Forget(nodeA.ID), "I tried hard but I can't forget myself...")
	refused(t, clusterOf(nodeR).Forget(nodeA.ID), "Can't forget my master!")

	require.NoError(t, v.SetMigrating(slotBar, nodeB.ID))
	require.NoError(t, v.SetImporting(slotFoo, nodeB.ID))
	require.NoError(t, v.Forget(nodeB.ID))
	_, known := v.Node(nodeB.ID)
	require.False(t, known)
	require.Equal(t, []string{nodeA.ID, nodeR.ID, nodeS.ID}, ids(v.Nodes()))
	require.Nil(t, v.Owner(slotFoo))
	require.Equal(t, 8192, v.Assigned())
	require.Nil(t, v.Migrating(slotBar))
	require.Nil(t, v.Importing(slotFoo))
	require.Equal(t, view.Fail, v.State())

	orphan := node(t, v, nodeS.ID)
	require.True(t, orphan.IsReplica())
	require.Contains(t, v.NodeLine(orphan, 0), " slave - ")
	require.NotContains(t, string(v.AppendShards(nil, 2)), orphan.ID)
}

func TestForgettingAReplicaLeavesTheSlots(t *testing.T) {
	v := clusterOf(nodeA)
	require.NoError(t, v.Forget(nodeS.ID))
	require.Equal(t, hashtag.Slots, v.Assigned())
	require.Equal(t, view.OK, v.State())
}

func TestReset(t *testing.T) {
	v := clusterOf(nodeA)
	refused(t, v.Reset("", true), "CLUSTER RESET can't be called with master nodes containing keys")
	require.Equal(t, clusterOf(nodeA), v)

	require.NoError(t, v.SetMigrating(slotBar, nodeB.ID))
	require.NoError(t, v.Reset("", false))
	require.Equal(t, []string{nodeA.ID}, ids(v.Nodes()))
	require.Zero(t, v.Assigned())
	require.Nil(t, v.Migrating(slotBar))
	require.EqualValues(t, 1, v.Myself().ConfigEpoch)
	require.EqualValues(t, 2, v.CurrentEpoch())
	c := v.TakeChanges()
	require.False(t, c.Promoted || c.Flush)
}

func TestResetHard(t *testing.T) {
	v := clusterOf(nodeA)
	fresh := strings.Repeat("f", 40)
	require.NoError(t, v.Reset(fresh, false))
	require.Equal(t, fresh, v.MyID())
	require.Same(t, v.Myself(), node(t, v, fresh))
	_, known := v.Node(nodeA.ID)
	require.False(t, known)
	require.Zero(t, v.Myself().ConfigEpoch)
	require.Zero(t, v.CurrentEpoch())
}

func TestResetOfAReplicaPromotesAndFlushesIt(t *testing.T) {
	v := clusterOf(nodeR)
	require.NoError(t, v.Reset("", true))
	require.True(t, v.Myself().IsMaster())
	require.Equal(t, []string{nodeR.ID}, ids(v.Nodes()))
	c := v.TakeChanges()
	require.True(t, c.Promoted)
	require.True(t, c.Flush)
	require.Len(t, c.Left, 8192, "what it served of its master's")
}

func TestParseMeet(t *testing.T) {
	type address struct {
		ip        string
		port, bus int
	}
	for words, want := range map[string]address{
		"127.0.0.1 7000":      {"127.0.0.1", 7000, 17000},
		"127.0.0.1 7000 7001": {"127.0.0.1", 7000, 7001},
		"0:0:0:0:0:0:0:1 1":   {"::1", 1, 10001},
	} {
		ip, port, bus, err := view.ParseMeet(keys(strings.Fields(words)...))
		require.NoError(t, err)
		require.Equal(t, want, address{ip, port, bus})
	}
	for words, text := range map[string]string{
		"localhost 7000":   "Invalid node address specified: localhost:7000",
		"127.0.0.1 0":      "Invalid node address specified: 127.0.0.1:0",
		"127.0.0.1 70000":  "Invalid node address specified: 127.0.0.1:70000",
		"127.0.0.1 60000":  "Invalid node address specified: 127.0.0.1:60000", // the bus port would be 70000
		"127.0.0.1 7000 0": "Invalid node address specified: 127.0.0.1:7000",
		"fe80::1%lo 7000":  "Invalid node address specified: fe80::1%lo:7000",
		"127.0.0.1 abc":    "Invalid TCP base port specified: abc",
		"127.0.0.1 060":    "Invalid TCP base port specified: 060",
		"localhost abc x":  "Invalid TCP base port specified: abc",
		"localhost 7000 x": "Invalid TCP bus port specified: x",
	} {
		_, _, _, err := view.ParseMeet(keys(strings.Fields(words)...))
		refused(t, err, text)
	}
}

func TestParseReset(t *testing.T) {
	for word, want := range map[string]bool{"soft": false, "HARD": true, "Hard": true} {
		hard, err := view.ParseReset(keys(word))
		require.NoError(t, err)
		require.Equal(t, want, hard)
	}
	hard, err := view.ParseReset(nil)
	require.NoError(t, err)
	require.False(t, hard)
	_, err = view.ParseReset(keys("X"))
	refused(t, err, "syntax error")
}
