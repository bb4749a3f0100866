package slotmap

import (
	"slices"

	"github.com/slotmesh/slotmesh/hashtag"
)

// draft is a Map in the making. Its shards may be in any order and may be
// without slots, and their Ranges mean nothing: build puts that right.
type draft struct {
	m      *Map // its index refers to shards below
	shards []Shard
}

func newDraft() *draft { return &draft{m: new(Map)} }

// draft returns a draft that says what m says and shares no memory with it that
// the draft would write to.
func (m *Map) draft() *draft {
	d := newDraft()
	if m != nil {
		d.m.index = m.index
		d.shards = slices.Clone(m.shards)
	}
	return d
}

// assign gives slot to master. If the draft knows a node at that address already,
// what it knows about the node counts.
func (d *draft) assign(slot uint16, master Node) {
	d.m.index[slot] = uint16(d.shardOf(master) + 1)
}

// shardOf returns the position of the shard whose master is at the address of
// master, making the shard if there is none.
func (d *draft) shardOf(master Node) int {
	i := slices.IndexFunc(d.shards, func(s Shard) bool { return s.Master.Addr == master.Addr })
	if i < 0 {
		i = len(d.shards)
		d.shards = append(d.shards, d.promote(master))
	}
	return i
}

// promote makes a shard for a master that has none. If the node is a replica so
// far, it stops being one and takes its fellow replicas with it.
func (d *draft) promote(master Node) Shard {
	shard := Shard{Master: master}
	for i := range d.shards {
		s := &d.shards[i]
		at := indexAddr(s.Replicas, master.Addr)
		if at < 0 {
			continue
		}
		shard.Master = s.Replicas[at]
		s.Replicas = slices.Delete(slices.Clone(s.Replicas), at, at+1)
		shard.Replicas = s.Replicas
	}
	return shard
}

// build returns the finished Map: shards ordered by first slot, those without
// slots dropped, ranges as long as possible. The draft must not be used again.
func (d *draft) build() *Map {
	m := d.m
	place := make([]uint16, len(d.shards)+1) // index in the draft to index in m
	for first := 0; first < hashtag.Slots; {
		owner := m.index[first]
		last := first
		for last+1 < hashtag.Slots && m.index[last+1] == owner {
			last++
		}
		run := Range{First: uint16(first), Last: uint16(last)}
		first = last + 1
		if owner == 0 {
			m.uncovered = append(m.uncovered, run)
			continue
		}
		if place[owner] == 0 {
			s := d.shards[owner-1]
			s.Ranges = make([]Range, 0, len(s.Ranges)+1)
			m.shards = append(m.shards, s)
			place[owner] = uint16(len(m.shards))
		}
		m.serve(place[owner], run)
	}
	m.nodes = distinct(m.shards)
	return m
}

func (m *Map) serve(owner uint16, run Range) {
	s := &m.shards[owner-1]
	s.Ranges = append(s.Ranges, run)
	for slot := int(run.First); slot <= int(run.Last); slot++ {
		m.index[slot] = owner
	}
}

// distinct lists every node once, masters first.
func distinct(shards []Shard) []Node {
	nodes := make([]Node, 0, 2*len(shards))
	for i := range shards {
		nodes = append(nodes, shards[i].Master)
	}
	seen := make(map[string]bool)
	for i := range shards {
		for _, n := range shards[i].Replicas {
			if !seen[n.Addr] {
				seen[n.Addr] = true
				nodes = append(nodes, n)
			}
		}
	}
	return nodes
}

func indexAddr(nodes []Node, addr string) int {
	return slices.IndexFunc(nodes, func(n Node) bool { return n.Addr == addr })
}
