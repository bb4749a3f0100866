package slotmap

import (
	"slices"

	"github.com/slotmesh/slotmesh/hashtag"
)

// A Poll is what several nodes have told about one cluster. Nodes may disagree: what one
// knows spreads to the others by gossip, and a node that is cut off learns nothing new. So for
// each slot the master counts that more than half of them name. The zero value is empty.
type Poll struct {
	views []*Map

	known *Map            // for the slots of doubts
	doubt map[uint16]bool // slots about which a majority does not count against known
	done  *ballot         // the views, counted
}

// Add adds the Map that one node has told.
func (p *Poll) Add(view *Map) { p.views, p.done = append(p.views, view), nil }

// Doubt makes a majority undecided that contradicts known about one of the slots: what is
// known of them is younger than what most nodes may know.
func (p *Poll) Doubt(known *Map, slots map[uint16]bool) { p.known, p.doubt, p.done = known, slots, nil }

// Len returns how many have told.
func (p *Poll) Len() int { return len(p.views) }

// Undecided returns the addresses of the masters that are named for slots about which no
// master has a majority, each once. None of them may be named; then "" is one of those that
// are.
func (p *Poll) Undecided() (masters []string) {
	v := p.count()
	for slot := range hashtag.Slots {
		if _, ok := v.winner(slot); ok {
			continue
		}
		for _, number := range v.candidates(slot) {
			if addr := v.addrs[number]; !slices.Contains(masters, addr) {
				masters = append(masters, addr)
			}
		}
	}
	return masters
}

// Result returns the Map that the majority tells. About a slot without one settle is asked,
// which returns one of the masters that are named for it, "" being nobody. The poll must not
// be empty.
func (p *Poll) Result(settle func(slot uint16, masters []string) string) *Map {
	v := p.count()
	winners := make([]uint16, hashtag.Slots)
	agreeing := make([]int, len(p.views)) // slots about which a view tells what counts
	for slot := range winners {
		w, ok := v.winner(slot)
		if !ok {
			w = v.settle(slot, settle)
		}
		winners[slot] = w
		for i, of := range v.votes {
			if of[slot] == w {
				agreeing[i]++
			}
		}
	}
	best := 0
	for i, n := range agreeing {
		if n > agreeing[best] {
			best = i
		}
	}
	if agreeing[best] == hashtag.Slots {
		return p.views[best]
	}
	return p.amended(best, v, winners)
}

// amended returns a view with the masters that count.
func (p *Poll) amended(best int, v *ballot, winners []uint16) *Map {
	d := p.views[best].draft()
	for slot, w := range winners {
		if v.votes[best][slot] == w {
			continue
		}
		if w == 0 {
			d.m.index[slot] = 0
			continue
		}
		d.assign(uint16(slot), p.master(v, slot, w))
	}
	return d.build()
}

// master returns the master of that number, as somebody has told it who names it for slot.
func (p *Poll) master(v *ballot, slot int, number uint16) Node {
	for i, of := range v.votes {
		if of[slot] == number {
			return p.views[i].Shard(uint16(slot)).Master
		}
	}
	return p.known.Shard(uint16(slot)).Master
}

// A ballot is a poll, counted: masters are known by number, 0 being nobody.
type ballot struct {
	addrs        []string // by number
	byID, byAddr map[string]uint16
	votes        [][]uint16        // by view, by slot: the number of the master
	doubt        map[uint16]uint16 // by slot, the number that no majority outvotes
}

func (p *Poll) count() *ballot {
	if p.done != nil {
		return p.done
	}
	v := &ballot{addrs: []string{""}, byID: make(map[string]uint16), byAddr: make(map[string]uint16)}
	for _, view := range p.views {
		v.votes = append(v.votes, v.votesOf(view))
	}
	v.doubt = make(map[uint16]uint16, len(p.doubt))
	for slot := range p.doubt {
		if s := p.known.Shard(slot); s != nil {
			v.doubt[slot] = v.number(s.Master)
		}
	}
	p.done = v
	return v
}

// votesOf returns the number of each slot's master in view.
func (v *ballot) votesOf(view *Map) []uint16 {
	of := make([]uint16, 0, len(view.Shards()))
	for _, s := range view.Shards() {
		of = append(of, v.number(s.Master))
	}
	votes := make([]uint16, hashtag.Slots)
	for slot := range votes {
		if i := view.Index(uint16(slot)); i >= 0 {
			votes[slot] = of[i]
		}
	}
	return votes
}

// number returns the number of a master. Nodes that share an ID or an address are one: each
// node may know another by another name.
func (v *ballot) number(n Node) uint16 {
	number, ok := v.byID[n.ID]
	if !ok || n.ID == "" {
		number, ok = v.byAddr[n.Addr]
	}
	if !ok {
		number = uint16(len(v.addrs))
		v.addrs = append(v.addrs, n.Addr)
	}
	v.byID[n.ID], v.byAddr[n.Addr] = number, number
	return number
}

// winner returns the master that counts for slot: that which more than half name, unless
// that is doubted. It reports false if there is none.
func (v *ballot) winner(slot int) (master uint16, ok bool) {
	for _, of := range v.votes {
		n := 0
		for _, other := range v.votes {
			if other[slot] == of[slot] {
				n++
			}
		}
		if 2*n > len(v.votes) {
			known, doubted := v.doubt[uint16(slot)]
			return of[slot], !doubted || known == of[slot]
		}
	}
	return 0, false
}

// candidates returns the masters that are named for slot, each once.
func (v *ballot) candidates(slot int) (numbers []uint16) {
	for _, of := range v.votes {
		if !slices.Contains(numbers, of[slot]) {
			numbers = append(numbers, of[slot])
		}
	}
	if known, doubted := v.doubt[uint16(slot)]; doubted && !slices.Contains(numbers, known) {
		numbers = append(numbers, known)
	}
	return numbers
}

// settle returns what settle says about a slot, or else the first that is named.
func (v *ballot) settle(slot int, settle func(uint16, []string) string) uint16 {
	numbers := v.candidates(slot)
	masters := make([]string, len(numbers))
	for i, n := range numbers {
		masters[i] = v.addrs[n]
	}
	return numbers[max(0, slices.Index(masters, settle(uint16(slot), masters)))]
}
