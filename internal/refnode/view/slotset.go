package view

import (
	"iter"
	"math/bits"

	"github.com/slotmesh/slotmesh/hashtag"
)

// A SlotSet is a set of slots, laid out as the cluster bus sends it: slot k is bit
// k%8 of byte k/8, counted from the least significant.
type SlotSet [hashtag.Slots / 8]byte

// Has reports whether slot is in the set.
func (s *SlotSet) Has(slot uint16) bool { return s[slot/8]&(1<<(slot%8)) != 0 }

// Add adds slot to the set.
func (s *SlotSet) Add(slot uint16) { s[slot/8] |= 1 << (slot % 8) }

// Remove takes slot out of the set.
func (s *SlotSet) Remove(slot uint16) { s[slot/8] &^= 1 << (slot % 8) }

// Len returns how many slots are in the set.
func (s *SlotSet) Len() int {
	n := 0
	for _, b := range s {
		n += bits.OnesCount8(b)
	}
	return n
}

// A Range is a run of slots, its ends included.
type Range struct{ First, Last uint16 }

// Ranges returns the slots bound to n, in order, in as few ranges as possible.
func (v *View) Ranges(n *Node) []Range {
	var ranges []Range
	for r, owner := range v.runs() {
		if owner == n {
			ranges = append(ranges, r)
		}
	}
	return ranges
}

func (v *View) rangesByOwner() map[*Node][]Range {
	ranges := map[*Node][]Range{}
	for r, owner := range v.runs() {
		ranges[owner] = append(ranges[owner], r)
	}
	return ranges
}

// runs yields, in order, the longest ranges of slots with the same owner.
func (v *View) runs() iter.Seq2[Range, *Node] {
	return func(yield func(Range, *Node) bool) {
		for first := 0; first < hashtag.Slots; {
			owner := v.owners[first]
			next := first + 1
			for next < hashtag.Slots && v.owners[next] == owner {
				next++
			}
			if owner != nil && !yield(Range{uint16(first), uint16(next - 1)}, owner) {
				return
			}
			first = next
		}
	}
}
