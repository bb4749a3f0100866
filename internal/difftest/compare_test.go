package difftest

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// A view is what of a reply must be the same on both sides.
type view int

const (
	exact    view = iota // all of it
	sorted               // all of it, the elements in any order
	pairs                // the same, where every second belongs to the one before it
	scan                 // a cursor, and elements in any order
	scanned              // a cursor, and pairs in any order
	kindOnly             // the kind, and of aggregates the length: the rest is chance
	seconds              // an integer, give or take what a run may be held up
	millis
	slotsText // CLUSTER NODES, without times, in any order
	infoText  // CLUSTER INFO, without the traffic on the bus
)

// slack is how far apart the clocks of the two sides may seem, in seconds.
const slack = 30

// same reports whether two replies of a node to one command are the same, as far as
// it matters.
func (v view) same(a, b value) bool {
	if tolerance := v.tolerance(); tolerance > 0 && a.kind == resp.Int && b.kind == resp.Int {
		return near(a.text, b.text, tolerance)
	}
	return v.of(a).String() == v.of(b).String()
}

func (v view) tolerance() int64 {
	switch v {
	case seconds:
		return slack
	case millis:
		return slack * 1000
	}
	return 0
}

// near compares what is left to live. Below zero is no time: such a key has no
// expiry, or is not there.
func near(a, b string, tolerance int64) bool {
	x, errX := strconv.ParseInt(a, 10, 64)
	y, errY := strconv.ParseInt(b, 10, 64)
	if errX != nil || errY != nil || x < 0 || y < 0 {
		return a == b
	}
	return max(x, y)-min(x, y) <= tolerance
}

// of returns what v leaves of a reply. Errors and nulls are left as they are.
func (v view) of(reply value) value {
	switch v {
	case sorted:
		reply.elems = inOrder(reply.elems, 1)
	case pairs:
		reply.elems = inOrder(reply.elems, 2)
	case scan, scanned:
		if len(reply.elems) == 2 {
			elements := map[view]view{scan: sorted, scanned: pairs}[v]
			reply.elems = []value{reply.elems[0], elements.of(reply.elems[1])}
		}
	case kindOnly:
		return outline(reply)
	case slotsText:
		reply.text = inside(reply, withoutTimes)
	case infoText:
		reply.text = inside(reply, withoutTraffic)
	}
	return reply
}

// inside changes a text, but not the format that stands before it in RESP3.
func inside(reply value, change func(string) string) string {
	if reply.kind != resp.Verbatim {
		return change(reply.text)
	}
	format, text, _ := strings.Cut(reply.text, ":")
	return format + ":" + change(text)
}

// inOrder sorts elements that come in groups of width. In a RESP3 array of pairs
// each pair is one element.
func inOrder(elems []value, width int) []value {
	if len(elems) > 0 && len(elems[0].elems) > 0 {
		width = 1
	}
	if len(elems)%width != 0 {
		return elems
	}
	groups := slices.Collect(slices.Chunk(elems, width))
	text := func(group []value) string { return value{kind: resp.Array, elems: group}.String() }
	slices.SortFunc(groups, func(a, b []value) int { return cmp.Compare(text(a), text(b)) })
	return slices.Concat(groups...)
}

func outline(v value) value {
	if v.kind == resp.Error {
		return v
	}
	return value{kind: v.kind, null: v.null, elems: make([]value, len(v.elems))}
}

var (
	busPort = regexp.MustCompile(`@\d+`)

	// <id> <addr> <flags> <master> <ping> <pong> <epoch> <link> [<slots> ...]
	nodeTimes = regexp.MustCompile(`^(\S+ \S+ \S+ \S+) \d+ \d+ \d+ \S+`)
)

// withoutTimes returns the lines of CLUSTER NODES, sorted. Without their times, the
// state of links that nobody waits for, and the epochs: those of others are what was
// heard on the bus, and BUMPEPOCH tells a node's own.
func withoutTimes(text string) string {
	lines := slices.Collect(strings.Lines(text))
	for i, line := range lines {
		lines[i] = nodeTimes.ReplaceAllString(busPort.ReplaceAllString(line, "@bus"), "$1")
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// infoFields is what of CLUSTER INFO is state.
var infoFields = []string{
	"cluster_state", "cluster_slots_assigned", "cluster_slots_ok", "cluster_slots_pfail",
	"cluster_slots_fail", "cluster_known_nodes", "cluster_size",
}

func withoutTraffic(text string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		name, _, _ := strings.Cut(line, ":")
		if slices.Contains(infoFields, name) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}
