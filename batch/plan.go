package batch

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/slotmap"
)

// Plan says how the keys of a call are cut: by node, and for each node by slot. It
// is pure: made from a slot map and keys, it sends nothing and does not change.
type Plan struct {
	keys   int
	groups []Group
	parts  []Part // those of all groups, in order
	sent   served // without the slots that no node serves
}

// served is what of a plan is sent.
type served struct{ keys, parts, groups int }

// Group is what one node is asked for.
type Group struct {
	Addr  string // address of the master; "" for slots that no node serves
	Parts []Part // by slot, in the order in which the slots first appear
}

// Part is what one slot is asked for.
type Part struct {
	Slot uint16
	Keys []int // positions in the keys of the call, ascending
}

// NewPlan cuts keys by m. It takes time in proportion to the number of keys.
func NewPlan(m *slotmap.Map, keys []string) *Plan {
	p := newPlan(m, keys, &planMemory{})
	return &p
}

// newPlan is NewPlan for a plan that lies in mem.
func newPlan(m *slotmap.Map, keys []string, mem *planMemory) Plan {
	p := Plan{keys: len(keys)}
	parts := mem.partition(len(keys), func(i int) uint16 { return hashtag.Slot(keys[i]) })
	p.parts, p.groups = mem.groupByNode(m, parts)
	for _, g := range p.groups {
		if g.Addr == "" {
			continue
		}
		p.sent.groups++
		p.sent.parts += len(g.Parts)
		for _, part := range g.Parts {
			p.sent.keys += len(part.Keys)
		}
	}
	return p
}

// slotTables are maps from a slot to 1 + the position of its part, all zero.
var slotTables = sync.Pool{New: func() any { return new([hashtag.Slots]int32) }}

// planMemory is where a plan lies, which is of no use any more when another one lies there.
type planMemory struct {
	parts, sorted []Part
	partOf        []int32
	positions     []int
	groups        []Group
}

// planMemories are those whose plans were run.
var planMemories = sync.Pool{New: func() any { return new(planMemory) }}

// recycle lets mem be used again. Nobody has its plan any more.
func (mem *planMemory) recycle() {
	if cap(mem.positions) > maxKept {
		return
	}
	clear(mem.groups) // they name nodes
	planMemories.Put(mem)
}

// resize returns s with n elements, whatever they are.
func resize[E any](s []E, n int) []E { return slices.Grow(s[:0], n)[:n] }

// partition sorts n keys by slot, in the order in which the slots first appear.
func (mem *planMemory) partition(n int, slot func(i int) uint16) []Part {
	table := slotTables.Get().(*[hashtag.Slots]int32)
	mem.partOf, mem.positions = resize(mem.partOf, n), resize(mem.positions, n)
	parts, partOf, positions := slices.Grow(mem.parts[:0], min(n, hashtag.Slots)), mem.partOf, mem.positions
	clear(positions)
	sizes := positions // until they are filled
	for i := range n {
		s := slot(i)
		if table[s] == 0 {
			parts = append(parts, Part{Slot: s})
			table[s] = int32(len(parts))
		}
		partOf[i] = table[s] - 1
		sizes[partOf[i]]++
	}
	taken := 0
	for i := range parts {
		table[parts[i].Slot] = 0
		size := sizes[i]
		parts[i].Keys = positions[taken : taken : taken+size]
		taken += size
	}
	slotTables.Put(table)
	mem.parts = parts
	for i, p := range partOf {
		parts[p].Keys = append(parts[p].Keys, i)
	}
	return parts
}

// groupByNode sorts parts by the master that serves them, in the order of the map;
// slots without one come last.
func (mem *planMemory) groupByNode(m *slotmap.Map, parts []Part) ([]Part, []Group) {
	if len(parts) == 0 {
		return nil, nil
	}
	shards := m.Shards()
	var few [16]int
	sizes := append(few[:0], make([]int, len(shards)+1)...)
	node := func(p Part) int {
		if i := m.Index(p.Slot); i >= 0 {
			return i
		}
		return len(shards)
	}
	for _, p := range parts {
		sizes[node(p)]++
	}
	sorted := resize(mem.sorted, len(parts))
	groups := slices.Grow(mem.groups[:0], len(sizes))
	taken := 0
	for i, size := range sizes {
		if size == 0 {
			continue
		}
		addr := ""
		if i < len(shards) {
			addr = shards[i].Master.Addr
		}
		groups = append(groups, Group{Addr: addr, Parts: sorted[taken : taken : taken+size]})
		taken += size
		sizes[i] = len(groups) // where it is found
	}
	for _, p := range parts {
		g := &groups[sizes[node(p)]-1]
		g.Parts = append(g.Parts, p)
	}
	mem.sorted, mem.groups = sorted, groups
	return sorted, groups
}

// Groups returns what each node is asked for. It must not be changed.
func (p *Plan) Groups() []Group { return p.groups }

// Native reports whether all keys share a slot: the call is then one command,
// whatever the strategy.
func (p *Plan) Native() bool { return len(p.parts) == 1 }

// Requests returns how many commands are sent; none for slots that no node serves.
func (p *Plan) Requests(s Strategy) int {
	if s == Serial && !p.Native() {
		return p.sent.keys
	}
	return p.sent.parts
}

// Waits returns how many times the call waits for the network, one after the other,
// as long as no node redirects it.
func (p *Plan) Waits(s Strategy) int {
	switch s {
	case Serial:
		return p.Requests(s)
	case Pipelined:
		return p.sent.groups
	default:
		return min(1, p.sent.groups)
	}
}

// String tells the plan in one line per node.
func (p *Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s in %s on %s\n", count(p.keys, "key"), count(len(p.parts), "slot"), count(len(p.groups), "node"))
	for _, g := range p.groups {
		keys := 0
		for _, part := range g.Parts {
			keys += len(part.Keys)
		}
		addr := g.Addr
		if addr == "" {
			addr = "(no node)"
		}
		fmt.Fprintf(&b, "  %-21s %s in %s\n", addr, count(keys, "key"), count(len(g.Parts), "slot"))
	}
	return b.String()
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
