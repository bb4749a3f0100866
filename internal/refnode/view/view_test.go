package view_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/internal/refnode/view"
)

// The cluster of most tests. A owns the lower half of the slots, that of bar (5061)
// and b (3300) among them, B the upper, that of foo (12182) among them. R is a replica
// of A, S of B.
var (
	nodeA = view.Node{ID: strings.Repeat("a", 40), IP: "127.0.0.1", Port: 7001, BusPort: 17001, ConfigEpoch: 1, Offset: 1, Connected: true}
	nodeB = view.Node{ID: strings.Repeat("b", 40), IP: "127.0.0.1", Port: 7002, BusPort: 17002, ConfigEpoch: 2, Offset: 1, Connected: true}
	nodeR = view.Node{ID: strings.Repeat("c", 40), IP: "127.0.0.1", Port: 7003, BusPort: 17003, MasterID: nodeA.ID, Offset: 1, Connected: true}
	nodeS = view.Node{ID: strings.Repeat("d", 40), IP: "127.0.0.1", Port: 7004, BusPort: 17004, MasterID: nodeB.ID, Offset: 1, Connected: true}
)

const (
	slotBar = 5061
	slotFoo = 12182
)

// clusterOf is the cluster of most tests as self sees it.
func clusterOf(self view.Node) *view.View {
	v := view.New(self)
	for _, n := range []view.Node{nodeA, nodeB, nodeR, nodeS} {
		v.Meet(n)
	}
	own(v, nodeA.ID, 0, 8191)
	own(v, nodeB.ID, 8192, hashtag.Slots-1)
	v.TakeChanges()
	return v
}

// own binds slots that are unassigned.
func own(v *view.View, id string, first, last uint16) {
	if id == v.MyID() {
		for slot := int(first); slot <= int(last); slot++ {
			if err := v.AddSlots(uint16(slot)); err != nil {
				panic(err)
			}
		}
		return
	}
	v.Claim(id, 0, setOf(first, last), noKeys)
}

// setOf returns the set of the slots from first to last.
func setOf(first, last uint16) *view.SlotSet {
	var s view.SlotSet
	for slot := int(first); slot <= int(last); slot++ {
		s.Add(uint16(slot))
	}
	return &s
}

func noKeys(uint16) bool { return false }

func node(t *testing.T, v *view.View, id string) *view.Node {
	t.Helper()
	n, ok := v.Node(id)
	require.True(t, ok)
	return n
}

func ids(nodes []*view.Node) []string {
	var ids []string
	for _, n := range nodes {
		ids = append(ids, n.ID)
	}
	return ids
}

func TestNewKnowsItself(t *testing.T) {
	v := view.New(view.Node{ID: nodeB.ID, ConfigEpoch: 3})
	require.Equal(t, nodeB.ID, v.MyID())
	require.Equal(t, []*view.Node{v.Myself()}, v.Nodes())
	require.EqualValues(t, 3, v.CurrentEpoch())
	require.Equal(t, view.DefaultSettings(), v.Settings())
	require.Equal(t, view.Fail, v.State())
	require.Zero(t, v.Slots())
}

func TestNodesComeMyselfFirstThenByID(t *testing.T) {
	require.Equal(t, []string{nodeB.ID, nodeA.ID, nodeR.ID, nodeS.ID}, ids(clusterOf(nodeB).Nodes()))
	require.Equal(t, []string{nodeS.ID, nodeA.ID, nodeB.ID, nodeR.ID}, ids(clusterOf(nodeS).Nodes()))
}

func TestSlotsOfNodes(t *testing.T) {
	v := clusterOf(nodeA)
	require.Equal(t, 8192, v.Slots())
	require.Equal(t, 8192, node(t, v, nodeB.ID).Slots())
	require.Zero(t, node(t, v, nodeR.ID).Slots())
	require.Equal(t, hashtag.Slots, v.Assigned())
	require.Equal(t, []view.Range{{First: 8192, Last: 16383}}, v.Ranges(node(t, v, nodeB.ID)))

	require.NoError(t, v.DelSlots(slotFoo, 16383))
	require.Nil(t, v.Owner(slotFoo))
	require.Equal(t, hashtag.Slots-2, v.Assigned())
	require.Equal(t, []view.Range{{First: 8192, Last: slotFoo - 1}, {First: slotFoo + 1, Last: 16382}},
		v.Ranges(node(t, v, nodeB.ID)))
}

func TestSlotSetIsLaidOutAsOnTheBus(t *testing.T) {
	var s view.SlotSet
	for _, slot := range []uint16{0, 9, 16383} {
		s.Add(slot)
		require.True(t, s.Has(slot))
	}
	require.Equal(t, []byte{1, 2, 0}, s[:3])
	require.EqualValues(t, 128, s[2047])
	require.Equal(t, 3, s.Len())
	s.Remove(9)
	require.False(t, s.Has(9))
	require.Equal(t, 2, s.Len())
}
