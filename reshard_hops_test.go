package slotmesh_test

import (
	"sync"

	"github.com/slotmesh/slotmesh/routing"
	"github.com/slotmesh/slotmesh/slotmap"
)

// hops are the MOVED that one client follows, counted by slot and node: each slot goes to
// each node once. A call has one command for a slot, unless that was cut.
type hops struct {
	r       *resharding
	workers []*resharder // of the client

	mu     sync.Mutex
	to     map[hop]int
	known  map[hop][]int64 // how many calls each worker had made when the map knew it
	late   int             // to a call that began when the map knew better
	astray int             // to a node that does not have the slot
	undone int             // slots for which the map went back to such a node
}

type hop struct {
	slot uint16
	addr string
}

func (h *hops) redirect(m routing.Redirect) {
	if m.Ask {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	to := hop{m.Slot, m.To}
	h.to[to]++
	switch known := h.known[to]; {
	case !h.r.right(to):
		h.astray++
	case known != nil && h.allSince(known):
		h.late++
	}
}

// allSince reports whether all calls that were under way at a time have ended.
func (h *hops) allSince(made []int64) bool {
	for i, w := range h.workers {
		if w.calls.Load() == made[i] {
			return false
		}
	}
	return true
}

func (h *hops) mapChanged(d slotmap.Delta) {
	if d.From == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	made := make([]int64, len(h.workers))
	for i, w := range h.workers {
		made[i] = w.calls.Load()
	}
	for _, m := range d.Moves {
		for slot := int(m.First); slot <= int(m.Last); slot++ {
			to := hop{uint16(slot), m.To}
			if h.known[to] = made; !h.r.right(to) {
				h.undone++
			}
		}
	}
}

// perMove returns how many there were on average for a move that the client met, and how
// many moves had how many.
func (h *hops) perMove() (mean float64, moves map[int]int) {
	moves = make(map[int]int)
	total := 0
	for _, n := range h.to {
		total += n
		moves[n]++
	}
	return float64(total) / float64(len(h.to)), moves
}

// right reports whether the slot is at the node, or about to be.
func (r *resharding) right(h hop) bool {
	goal := r.goal[h.slot].Load()
	return goal == nil || *goal == h.addr
}
