package view_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/internal/refnode/view"
)

// refused requires that err is the text of a reply.
func refused(t *testing.T, err error, text string) {
	t.Helper()
	require.Equal(t, view.Error(text), err)
}

func TestAddSlots(t *testing.T) {
	v := clusterOf(nodeA)
	require.NoError(t, v.DelSlots(9000, 9001))

	refused(t, v.AddSlots(9000, 5), "Slot 5 is already busy")
	refused(t, v.AddSlots(5, 5), "Slot 5 is already busy")
	refused(t, v.AddSlots(9000, 9001, 9000), "Slot 9000 specified multiple times")
	require.Nil(t, v.Owner(9000), "a refused command changes nothing")

	require.NoError(t, v.SetImporting(9000, nodeB.ID))
	require.NoError(t, v.AddSlots(9000, 9001))
	require.Equal(t, v.Myself(), v.Owner(9000))
	require.Equal(t, 8194, v.Slots())
	require.Nil(t, v.Importing(9000))
}

func TestDelSlots(t *testing.T) {
	v := clusterOf(nodeA)
	refused(t, v.DelSlots(5, 5), "Slot 5 specified multiple times")
	require.NoError(t, v.SetImporting(9000, nodeB.ID))
	require.NoError(t, v.DelSlots(5, 9000))
	require.Nil(t, v.Owner(5))
	require.Nil(t, v.Owner(9000), "anybody's slot")
	require.Nil(t, v.Importing(9000))
	require.Equal(t, []uint16{5}, v.TakeChanges().Left, "9000 was not of my shard")
	refused(t, v.DelSlots(6, 5), "Slot 5 is already unassigned")
	require.NotNil(t, v.Owner(6), "a refused command changes nothing")
}

func TestFlushSlots(t *testing.T) {
	v := clusterOf(nodeA)
	refused(t, v.FlushSlots(true), "DB must be empty to perform CLUSTER FLUSHSLOTS.")
	require.Equal(t, 8192, v.Slots())
	require.NoError(t, v.FlushSlots(false))
	require.Zero(t, v.Slots())
	require.Equal(t, 8192, v.Assigned(), "the others keep theirs")
	require.Len(t, v.TakeChanges().Left, 8192)
}

func TestParseSlots(t *testing.T) {
	slots, err := view.ParseSlots(keys("0", "16383", "5", "5"))
	require.NoError(t, err)
	require.Equal(t, []uint16{0, 16383, 5, 5}, slots)
	for _, arg := range []string{"16384", "-1", "abc", "", "05", "+5", "-0", " 5", "99999999999999999999"} {
		_, err := view.ParseSlots(keys("1", arg))
		refused(t, err, "Invalid or out of range slot")
	}
}

func TestParseRanges(t *testing.T) {
	slots, err := view.ParseRanges(keys("1", "3", "7", "7", "16383", "16383"))
	require.NoError(t, err)
	require.Equal(t, []uint16{1, 2, 3, 7, 16383}, slots)

	_, err = view.ParseRanges(keys("3030", "3025"))
	refused(t, err, "start slot number 3030 is greater than end slot number 3025")
	for _, args := range [][][]byte{keys("1", "16384"), keys("x", "5"), keys("1", "5", "7", "x")} {
		_, err = view.ParseRanges(args)
		refused(t, err, "Invalid or out of range slot")
	}
	for _, args := range [][][]byte{keys("1", "2", "3"), keys("1"), nil} {
		_, err = view.ParseRanges(args)
		require.ErrorIs(t, err, view.ErrArity)
	}
}

func TestRangesThatOverlapAreRefused(t *testing.T) {
	slots, err := view.ParseRanges(keys("1", "5", "5", "9", "x", "y"))
	require.NoError(t, err)
	refused(t, view.New(nodeA).AddSlots(slots...), "Slot 5 specified multiple times")
	refused(t, clusterOf(nodeA).DelSlots(slots...), "Slot 5 specified multiple times")
	refused(t, clusterOf(nodeA).AddSlots(slots...), "Slot 1 is already busy")
}

// However often a range is repeated, nobody has to hold more than each slot once.
func TestRepeatedRangesStaySmall(t *testing.T) {
	slots, err := view.ParseRanges(slices.Repeat(keys("0", "16383"), 1000))
	require.NoError(t, err)
	require.Len(t, slots, hashtag.Slots+1)
}
