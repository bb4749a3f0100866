package typedcheck

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/hashtag"
)

// separate lists methods that have a test of their own only.
var separate = []string{"ClusterCountKeysInSlot", "ClusterGetKeysInSlot"}

// slots compares the commands that name a slot. Nothing else may write meanwhile.
func (d duel) slots(t *testing.T) {
	const tag = "typed slots"
	slot := int(hashtag.Slot(tag))
	for _, e := range []example{
		{method: "ClusterCountKeysInSlot", args: args(slot)},
		{method: "ClusterGetKeysInSlot", args: args(slot, 10), normal: unordered},
		{method: "ClusterGetKeysInSlot", args: args(slot+1, 0)},
	} {
		for _, w := range []way{alone, pipelined} {
			d.compare(t, run{family{}, e, right, w, tag})
		}
	}
}

// acrossSlots compares a command over several slots with the same one in one slot, which
// ClusterClient needs.
func (d duel) acrossSlots(t *testing.T) {
	for n, pair := range [][2]example{
		{
			{method: "MGet", args: args("@a", "@b", "@c", "@a"), data: "SET @a 1; SET @c three", also: scanned(newMapped)},
			{method: "MGet", args: args("=a", "=b", "=c", "=a"), data: "SET =a 1; SET =c three", also: scanned(newMapped)},
		},
		{
			{method: "MSet", args: args("@a", 1, "@b", "two"), data: "SET @a 0"},
			{method: "MSet", args: args("=a", 1, "=b", "two"), data: "SET =a 0"},
		},
		{
			{method: "Del", args: args("@a", "@b", "@c"), data: "SET @a 1; SET @c 3"},
			{method: "Del", args: args("=a", "=b", "=c"), data: "SET =a 1; SET =c 3"},
		},
	} {
		for _, v := range variantsOf(ofLists, pair[0]) {
			for _, w := range []way{alone, pipelined} {
				at := placeOf(fmt.Sprintf("%s.%d", t.Name(), n), v, w)
				want := d.take(t, d.reference, run{ofLists, pair[0], v, w, at})
				got := d.take(t, d.ours, run{ofLists, pair[1], v, w, at})
				require.Equal(t, want, got, "%s, %s, %s", pair[1].method, v, w)
			}
		}
	}
}
