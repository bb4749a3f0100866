package slotmap

import (
	"slices"

	"github.com/slotmesh/slotmesh/hashtag"
)

// A Poll is what several nodes have told about one cluster. Nodes may disagree: what one
// knows spreads to the others by gossip, and a node that is cut off learns nothing new. So for
// each slot the master counts that more than half of them name. The zero value is empty.
type Poll struct{ views []*Map }

// Add adds the Map that one node has told.
func (p *Poll) Add(view *Map) { p.views = append(p.views, view) }

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
		for _, of := range v.votes {
			if addr := v.addrs[of[slot]]; !slices.Contains(masters, addr) {
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
	winners := make([]int, hashtag.Slots)
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
func (p *Poll) amended(best int, v *ballot, winners []int) *Map {
	d := p.views[best].draft()
	for slot, w := range winners {
		if v.votes[best][slot] == w {
			continue
		}
		if w == 0 {
			d.m.index[slot] = 0
			continue
		}
		teller := slices.IndexFunc(v.votes, func(of []int) bool { return of[slot] == w })
		d.assign(uint16(slot), p.views[teller].Shard(uint16(slot)).Master)
	}
	return d.build()
}

// A ballot is a poll, counted: masters are known by number, 0 being nobody.
type ballot struct {
	addrs        []string // by number
	byID, byAddr map[string]int
	votes        [][]int // by view, by slot: the number of the master
}

func (p *Poll) count() *ballot {
	v := &ballot{addrs: []string{""}, byID: make(map[string]int), byAddr: make(map[string]int)}
	for _, view := range p.views {
		of := make([]int, 0, len(view.Shards()))
		for _, s := range view.Shards() {
			of = append(of, v.number(s.Master))
		}
		votes := make([]int, hashtag.Slots)
		for slot := range votes {
			if i := view.Index(uint16(slot)); i >= 0 {
				votes[slot] = of[i]
			}
		}
		v.votes = append(v.votes, votes)
	}
	return v
}

// number returns the number of a master. Nodes that share an ID or an address are one: each
// node may know another by another name.
func (v *ballot) number(n Node) int {
	number, ok := v.byID[n.ID]
	if !ok || n.ID == "" {
		number, ok = v.byAddr[n.Addr]
	}
	if !ok {
		number = len(v.addrs)
		v.addrs = append(v.addrs, n.Addr)
	}
	v.byID[n.ID], v.byAddr[n.Addr] = number, number
	return number
}

// winner returns the master that more than half name for slot. It reports false if there is
// none.
func (v *ballot) winner(slot int) (master int, ok bool) {
	for _, of := range v.votes {
		n := 0
		for _, other := range v.votes {
			if other[slot] == of[slot] {
				n++
			}
		}
		if 2*n > len(v.votes) {
			return of[slot], true
		}
	}
	return 0, false
}

// settle returns what settle says about a slot, or else the first that is named.
func (v *ballot) settle(slot int, settle func(uint16, []string) string) int {
	var masters []string
	var numbers []int
	for _, of := range v.votes {
		if !slices.Contains(numbers, of[slot]) {
			numbers = append(numbers, of[slot])
			masters = append(masters, v.addrs[of[slot]])
		}
	}
	return numbers[max(0, slices.Index(masters, settle(uint16(slot), masters)))]
}
