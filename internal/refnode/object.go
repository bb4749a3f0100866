package refnode

import (
	"github.com/slotmesh/slotmesh/internal/refnode/decimal"
	"github.com/slotmesh/slotmesh/internal/refnode/rdb"
)

// objectHandlers say how a value is stored. The engine stores it in its own way: what they
// say is how a redis-server would that got the value as it is now, at once.
var objectHandlers = map[string]handler{
	"object|encoding": (*request).objectEncoding,
	"object|refcount": (*request).objectRefCount,
	"memory|usage":    (*request).memoryUsage,
}

func (r *request) objectEncoding() {
	key := r.arg(2)
	if !r.node.keys.has(key) {
		r.null()
		return
	}
	v, err := r.node.keys.data.Snapshot(key)
	if err != nil {
		r.bulk("stream") // all other types have snapshots
		return
	}
	r.bulk(encoding(v))
}

// The sizes up to which 7.0 packs a value, by default.
const (
	packedEntries = 128
	packedBytes   = 64
	intsetEntries = 512
)

// encoding returns how a redis-server stores v.
func encoding(v rdb.Value) string {
	switch v.Kind {
	case rdb.String:
		return stringEncoding(v.Str)
	case rdb.List:
		return "quicklist"
	case rdb.Set:
		return map[bool]string{true: "intset", false: "hashtable"}[len(v.Items) <= intsetEntries && allIntegers(v.Items)]
	case rdb.Hash:
		return map[bool]string{true: "listpack", false: "hashtable"}[len(v.Items) <= 2*packedEntries && allShort(v.Items)]
	default:
		names := make([]string, len(v.Members))
		for i, m := range v.Members {
			names[i] = m.Name
		}
		return map[bool]string{true: "listpack", false: "skiplist"}[len(names) <= packedEntries && allShort(names)]
	}
}

// embedded is the length up to which a string lies in one piece with its object.
const embedded = 44

func stringEncoding(text string) string {
	switch {
	case isInteger(text):
		return "int"
	case len(text) <= embedded:
		return "embstr"
	default:
		return "raw"
	}
}

func isInteger(text string) bool {
	_, ok := decimal.Parse(text)
	return ok
}

func allIntegers(texts []string) bool {
	for _, text := range texts {
		if !isInteger(text) {
			return false
		}
	}
	return true
}

func allShort(texts []string) bool {
	for _, text := range texts {
		if len(text) > packedBytes {
			return false
		}
	}
	return true
}

func (r *request) objectRefCount() {
	if !r.node.keys.has(r.arg(2)) {
		r.null()
		return
	}
	r.int(1)
}

// overhead is about what a key costs a redis-server besides its name and its value.
const overhead = 56

// memoryUsage answers an estimate: the size of the key and of its payload, and something
// for what is around them.
func (r *request) memoryUsage() {
	if len(r.args) != 3 && (len(r.args) != 5 || !isAny(r.arg(3), "samples")) {
		r.fail("ERR syntax error")
		return
	}
	key := r.arg(2)
	if !r.node.keys.has(key) {
		r.null()
		return
	}
	payload, _ := r.node.payload(key) // a stream has none
	r.int(int64(overhead + len(key) + len(payload)))
}
