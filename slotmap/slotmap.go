// Package slotmap knows which shard of a Redis Cluster serves which slot.
//
// A [Map] is one picture of the cluster: made by [Parse] from a CLUSTER SLOTS
// reply, changed never, compared by [Diff]. A [Cache] holds the picture that is
// current, and replaces it when the cluster changes: slot by slot as MOVED
// replies tell ([Cache.Moved]), and as a whole by asking again ([Cache.Refresh]).
package slotmap

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slotmesh/slotmesh/hashtag"
)

// Map tells which shard serves each slot. It never changes once made, so it is
// safe for concurrent use; its read methods do not allocate. What they return
// belongs to the Map and must not be modified. In a nil or zero Map nobody
// serves anything.
type Map struct {
	index     [hashtag.Slots]uint16 // position in shards plus one; 0 is nobody
	shards    []Shard
	nodes     []Node
	uncovered []Range // valid if shards is not empty

	// Where and when the Map was published; set by Cache before anybody sees it.
	cache   *Cache
	version uint64
}

// everything is what an empty Map leaves uncovered.
var everything = []Range{{First: 0, Last: hashtag.Slots - 1}}

// Index returns the position in [Map.Shards] of the shard that serves slot, or
// -1 when nobody does. It is for callers that keep something of their own beside
// each shard.
func (m *Map) Index(slot uint16) int {
	if m == nil || slot >= hashtag.Slots {
		return -1
	}
	return int(m.index[slot]) - 1
}

// Shard returns the shard that serves slot, or nil when nobody does.
func (m *Map) Shard(slot uint16) *Shard {
	i := m.Index(slot)
	if i < 0 {
		return nil
	}
	return &m.shards[i]
}

// Master returns the address of the master that serves slot, or "" when nobody
// does.
func (m *Map) Master(slot uint16) string {
	if s := m.Shard(slot); s != nil {
		return s.Master.Addr
	}
	return ""
}

// Shards returns the shards that serve at least one slot, ordered by their first
// slot. No two of them have a master at the same address.
func (m *Map) Shards() []Shard {
	if m == nil {
		return nil
	}
	return m.shards
}

// Nodes returns every node once: the masters in the order of [Map.Shards], then
// the replicas.
func (m *Map) Nodes() []Node {
	if m == nil {
		return nil
	}
	return m.nodes
}

// Uncovered returns the slots that nobody serves, ascending.
func (m *Map) Uncovered() []Range {
	if len(m.Shards()) == 0 {
		return everything
	}
	return m.uncovered
}

// WithMoved returns a Map in which the master at addr serves slot, as "MOVED
// slot addr" says; everything else stays as it is. It returns m itself if that
// is what m says already, if addr is empty, or if there is no such slot.
//
// addr is compared with [Node.Addr] and must be in the same form. If it is the
// address of a replica, there was a failover: the node becomes a master and
// takes over the other replicas of its shard, while the former master keeps its
// other slots until MOVED or a refresh says otherwise. It is not counted among
// the new master's replicas: it may well be dead. An address seen for the first
// time becomes a shard without replicas. A shard that lost its last slot is no
// longer in the Map.
func (m *Map) WithMoved(slot uint16, addr string) *Map {
	if addr == "" || slot >= hashtag.Slots || m.Master(slot) == addr {
		return m
	}
	d := m.draft()
	d.assign(slot, Node{Addr: addr})
	return d.build()
}

// corrected returns m with the masters of the given slots as they are in other,
// where all of these slots are served.
func (m *Map) corrected(slots map[uint16]bool, other *Map) *Map {
	if len(slots) == 0 {
		return m
	}
	d := m.draft()
	for slot := range slots {
		d.assign(slot, other.Shard(slot).Master)
	}
	return d.build()
}

// String returns a summary such as "3 shards, 6 nodes, all slots served".
func (m *Map) String() string {
	if m == nil {
		return "no slot map"
	}
	return fmt.Sprintf("%s, %s, %s", plural(len(m.shards), "shard"), plural(len(m.nodes), "node"), m.coverage())
}

func (m *Map) coverage() string {
	holes := m.Uncovered()
	switch n := count(holes); n {
	case 0:
		return "all slots served"
	case hashtag.Slots:
		return "no slot served"
	default:
		return fmt.Sprintf("%s not served: %s", plural(n, "slot"), list(holes, 4))
	}
}

// same reports whether two maps say the same in every respect: masters,
// replicas, names and ranges.
func (m *Map) same(other *Map) bool {
	return slices.EqualFunc(m.Shards(), other.Shards(), func(a, b Shard) bool {
		return a.Master == b.Master && slices.Equal(a.Replicas, b.Replicas) && slices.Equal(a.Ranges, b.Ranges)
	})
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// list joins at most limit items and says how many it left out.
func list[T fmt.Stringer](items []T, limit int) string {
	var b strings.Builder
	for i, item := range items {
		if i == limit {
			fmt.Fprintf(&b, " and %d more", len(items)-limit)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(item.String())
	}
	return b.String()
}
