package view_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/view"
)

// setSlot runs CLUSTER SETSLOT with words.
func setSlot(v *view.View, words string, hasKeys bool) error {
	return v.SetSlot(keys(strings.Fields(words)...), func(uint16) bool { return hasKeys })
}

func TestSetSlotRefusals(t *testing.T) {
	const form = "Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP"
	none := strings.Repeat("e", 40)
	for words, text := range map[string]string{
		"x STABLE":                    "Invalid or out of range slot",
		"16384 STABLE":                "Invalid or out of range slot",
		"x FOO":                       "Invalid or out of range slot",
		"1 FOO":                       form,
		"1 STABLE x":                  form,
		"1 MIGRATING":                 form,
		"1 NODE":                      form,
		"1 NODE " + nodeB.ID + " x":   form,
		"12182 MIGRATING " + none:     "I'm not the owner of hash slot 12182",
		"12182 MIGRATING " + nodeB.ID: "I'm not the owner of hash slot 12182",
		"5061 MIGRATING " + none:      "I don't know about node " + none,
		"5061 MIGRATING " + nodeS.ID:  "Target node is not a master",
		"5061 IMPORTING " + none:      "I'm already the owner of hash slot 5061",
		"12182 IMPORTING " + none:     "I don't know about node " + none,
		"12182 IMPORTING " + nodeS.ID: "Target node is not a master",
		"5061 NODE zz":                "Unknown node zz",
		"5061 NODE " + nodeR.ID:       "Target node is not a master",
		"5061 node " + nodeB.ID:       "Can't assign hashslot 5061 to a different node while I still hold keys for this hash slot.",
	} {
		v := clusterOf(nodeA)
		refused(t, setSlot(v, words, true), text)
		require.Equal(t, clusterOf(nodeA), v, "a refused command changes nothing: "+words)
	}
}

func TestSetSlotIsForMasters(t *testing.T) {
	const text = "Please use SETSLOT only with masters."
	v := clusterOf(nodeR)
	for _, words := range []string{"1 STABLE", "x STABLE", "1 FOO"} {
		refused(t, setSlot(v, words, false), text)
	}
	refused(t, v.SetMigrating(1, nodeB.ID), text)
	refused(t, v.SetImporting(1, nodeB.ID), text)
	refused(t, v.SetStable(1), text)
	refused(t, v.SetNode(1, nodeB.ID, false), text)
}

func TestSetSlotOpensAndCloses(t *testing.T) {
	v := clusterOf(nodeA)
	require.NoError(t, setSlot(v, "5061 migrating "+nodeB.ID, true))
	require.NoError(t, setSlot(v, "12182 Importing "+nodeB.ID, true))
	require.Equal(t, nodeB.ID, v.Migrating(slotBar).ID)
	require.Equal(t, nodeB.ID, v.Importing(slotFoo).ID)
	require.NoError(t, setSlot(v, "5061 STABLE", true))
	require.NoError(t, setSlot(v, "12182 stable", true))
	require.Nil(t, v.Migrating(slotBar))
	require.Nil(t, v.Importing(slotFoo))
}

func TestSetNodeGivesASlotAway(t *testing.T) {
	v := migratingBar(t)
	require.NoError(t, setSlot(v, "5061 NODE "+nodeB.ID, false))
	require.Equal(t, nodeB.ID, v.Owner(slotBar).ID)
	require.Nil(t, v.Migrating(slotBar))
	require.Equal(t, view.Changes{Left: []uint16{slotBar}}, v.TakeChanges())
	require.EqualValues(t, 1, v.Myself().ConfigEpoch)
}

func TestSetNodeToMyselfKeepsASlotWithKeysMigrating(t *testing.T) {
	v := migratingBar(t)
	require.NoError(t, v.SetNode(slotBar, nodeA.ID, true))
	require.NotNil(t, v.Migrating(slotBar))
	require.NoError(t, v.SetNode(slotBar, nodeA.ID, false))
	require.Nil(t, v.Migrating(slotBar))
}

func TestSetNodeFinishesAnImport(t *testing.T) {
	v := importingBar(t)
	v.RaiseEpoch(7)
	require.NoError(t, v.SetNode(slotBar, nodeB.ID, true))
	require.Equal(t, v.Myself(), v.Owner(slotBar))
	require.Nil(t, v.Importing(slotBar))
	require.EqualValues(t, 8, v.Myself().ConfigEpoch)
	require.EqualValues(t, 8, v.CurrentEpoch())
	require.Equal(t, view.Changes{Announce: true}, v.TakeChanges())
}

func TestAnImportKeepsTheHighestEpoch(t *testing.T) {
	v := importingBar(t)
	require.NoError(t, v.SetNode(slotBar, nodeB.ID, true))
	require.EqualValues(t, 2, v.Myself().ConfigEpoch, "B's was the highest already")
	require.True(t, v.TakeChanges().Announce)
}

// On a third node that keeps its own view in step.
func TestSetNodeOfOthers(t *testing.T) {
	v := clusterOf(nodeA)
	require.NoError(t, v.SetImporting(slotFoo, nodeB.ID))
	require.NoError(t, v.SetNode(slotFoo, nodeB.ID, true))
	require.NotNil(t, v.Importing(slotFoo), "only who takes the slot ends its import")
	require.Equal(t, view.Changes{}, v.TakeChanges())
}

func TestTheLastSlotTakesMeAlong(t *testing.T) {
	lastSlot := func(migration bool) *view.View {
		v := clusterOf(nodeA)
		s := v.Settings()
		s.AllowReplicaMigration = migration
		v.Set(s)
		for slot := range uint16(8191) {
			require.NoError(t, v.SetNode(slot, nodeB.ID, false))
		}
		require.NoError(t, v.SetImporting(slotFoo, nodeB.ID))
		require.Nil(t, v.TakeChanges().Master)
		require.NoError(t, v.SetNode(8191, nodeB.ID, false))
		return v
	}

	v := lastSlot(true)
	require.Equal(t, nodeB.ID, v.Myself().MasterID)
	require.Equal(t, view.Changes{Master: v.Owner(0), Left: []uint16{8191}}, v.TakeChanges())
	require.Nil(t, v.Importing(slotFoo), "a replica has no open slots")

	v = lastSlot(false)
	require.True(t, v.Myself().IsMaster())
	require.Nil(t, v.TakeChanges().Master)
}
