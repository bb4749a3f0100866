package slotmap

import (
	"fmt"
	"strings"

	"github.com/slotmesh/slotmesh/hashtag"
)

// Delta is how two Maps differ.
type Delta struct {
	From, To *Map
	// Moves lists the slots whose master has another address, ascending. Each is
	// as long as both maps allow.
	Moves []Move
	// Joined and Left list the nodes at addresses that only To, or only From,
	// knows.
	Joined, Left []Node
}

// Move is a run of slots that went from one master to another.
type Move struct {
	Range
	// From and To are the addresses of the masters; "" is nobody.
	From, To string
}

// Diff returns what changed from old to new, either of which may be nil: nothing
// known. Masters and nodes are told apart by address.
func Diff(old, new *Map) Delta {
	return Delta{
		From:   old,
		To:     new,
		Moves:  moves(old, new),
		Joined: missing(new.Nodes(), old.Nodes()),
		Left:   missing(old.Nodes(), new.Nodes()),
	}
}

// Empty reports whether From and To say the same. A Delta without Moves, Joined
// and Left is not empty if a node changed its ID or name, or a replica its master.
func (d Delta) Empty() bool {
	return len(d.Moves) == 0 && len(d.Joined) == 0 && len(d.Left) == 0 && d.From.same(d.To)
}

// String returns a line such as
// "5061: 10.0.0.1:7000 to 10.0.0.2:7000; joined 10.0.0.2:7000".
func (d Delta) String() string {
	var parts []string
	if len(d.Moves) > 0 {
		parts = append(parts, list(d.Moves, 8))
	}
	if len(d.Joined) > 0 {
		parts = append(parts, "joined "+addrs(d.Joined, 8))
	}
	if len(d.Left) > 0 {
		parts = append(parts, "left "+addrs(d.Left, 8))
	}
	switch {
	case len(parts) > 0:
		return strings.Join(parts, "; ")
	case d.Empty():
		return "no change"
	default:
		return "same masters and nodes, other details"
	}
}

// String returns m as "0-100: 10.0.0.1:7000 to 10.0.0.2:7000".
func (m Move) String() string {
	return fmt.Sprintf("%v: %s to %s", m.Range, orNobody(m.From), orNobody(m.To))
}

func orNobody(addr string) string {
	if addr == "" {
		return "nobody"
	}
	return addr
}

// moves compares shards by index, translated once, instead of 16384 times by
// address.
func moves(from, to *Map) []Move {
	same := translate(from, to)
	var moved []Move
	for first := 0; first < hashtag.Slots; {
		run := commonRun(from, to, uint16(first))
		first = int(run.Last) + 1
		if same[from.Index(run.First)+1] != to.Index(run.First)+1 {
			moved = append(moved, Move{Range: run, From: from.Master(run.First), To: to.Master(run.First)})
		}
	}
	return moved
}

// commonRun returns the longest run from first on in which neither map changes
// shards.
func commonRun(from, to *Map, first uint16) Range {
	a, b := from.Index(first), to.Index(first)
	last := first
	for last+1 < hashtag.Slots && from.Index(last+1) == a && to.Index(last+1) == b {
		last++
	}
	return Range{First: first, Last: last}
}

// translate returns, for each index in from plus one, the index plus one of the
// shard in to that has its master at the same address; -1 if there is none.
// Position 0 is nobody in both.
func translate(from, to *Map) []int {
	at := make(map[string]int, len(to.Shards()))
	for i, s := range to.Shards() {
		at[s.Master.Addr] = i + 1
	}
	same := make([]int, len(from.Shards())+1)
	for i, s := range from.Shards() {
		same[i+1] = -1
		if j, ok := at[s.Master.Addr]; ok {
			same[i+1] = j
		}
	}
	return same
}

// missing returns the nodes whose addresses are not among others.
func missing(nodes, others []Node) []Node {
	known := make(map[string]bool, len(others))
	for _, n := range others {
		known[n.Addr] = true
	}
	var rest []Node
	for _, n := range nodes {
		if !known[n.Addr] {
			rest = append(rest, n)
		}
	}
	return rest
}

func addrs(nodes []Node, limit int) string {
	items := make([]addr, len(nodes))
	for i, n := range nodes {
		items[i] = addr(n.Addr)
	}
	return list(items, limit)
}

type addr string

func (a addr) String() string { return string(a) }
