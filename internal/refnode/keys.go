package refnode

import (
	"math/rand/v2"
	"strconv"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/internal/refnode/decimal"
	"github.com/slotmesh/slotmesh/internal/refnode/glob"
)

// keyHandlers are the commands on keys that the node answers from what it knows itself:
// which there are.
var keyHandlers = map[string]handler{
	"dbsize":    func(r *request) { r.int(int64(r.node.keys.count)) },
	"randomkey": (*request).randomKey,
	"scan":      (*request).scan,
	"flushall":  (*request).flush,
	"flushdb":   (*request).flush,
	"move":      func(r *request) { r.fail("ERR MOVE is not allowed in cluster mode") },
}

func (r *request) randomKey() {
	n := rand.IntN(max(r.node.keys.count, 1))
	for _, keys := range r.node.keys.slots {
		if n >= len(keys) {
			n -= len(keys)
			continue
		}
		for key := range keys {
			r.bulk(key)
			return
		}
	}
	r.null()
}

func (r *request) flush() {
	if len(r.args) > 2 || len(r.args) == 2 && !isAny(r.arg(1), "async", "sync") {
		r.fail("ERR syntax error")
		return
	}
	r.node.keys.flush()
	r.node.propagate(r.now, r.args)
	r.ok()
}

// A scanFilter is what SCAN is to show.
type scanFilter struct {
	match string
	count int
	kind  string
}

// scan is SCAN. Its cursor is the slot at which to go on: a key never leaves its slot,
// so one that is there all along is shown, whatever happens to the others.
func (r *request) scan() {
	cursor, err := strconv.ParseUint(r.arg(1), 10, 64)
	if err != nil {
		r.fail("ERR invalid cursor")
		return
	}
	f, refusal := r.scanFilter()
	if refusal != "" {
		r.fail(refusal)
		return
	}
	var found []string
	seen, slot := 0, cursor
	for ; slot < hashtag.Slots && seen < f.count; slot++ {
		for key := range r.node.keys.slots[slot] {
			seen++
			if r.shows(f, key) {
				found = append(found, key)
			}
		}
	}
	if slot >= hashtag.Slots {
		slot = 0
	}
	r.array(2)
	r.bulk(strconv.FormatUint(slot, 10))
	r.array(len(found))
	for _, key := range found {
		r.bulk(key)
	}
}

func (r *request) scanFilter() (f scanFilter, refusal string) {
	f = scanFilter{count: 10}
	for i := 2; i < len(r.args); i += 2 {
		if i+1 == len(r.args) {
			return f, "ERR syntax error"
		}
		switch value := r.arg(i + 1); {
		case isAny(r.arg(i), "match"):
			f.match = value
		case isAny(r.arg(i), "type"):
			f.kind = value
		case isAny(r.arg(i), "count"):
			n, ok := decimal.Parse(value)
			if !ok {
				return f, "ERR value is not an integer or out of range"
			}
			if n < 1 {
				return f, "ERR syntax error"
			}
			f.count = int(n)
		default:
			return f, "ERR syntax error"
		}
	}
	return f, ""
}

func (r *request) shows(f scanFilter, key string) bool {
	return (f.match == "" || glob.Match([]byte(f.match), []byte(key))) && (f.kind == "" || isAny(r.node.keys.data.Type(key), f.kind))
}
