package refnode

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/slotmesh/slotmesh/internal/refnode/decimal"
	"github.com/slotmesh/slotmesh/internal/refnode/engine"
	"github.com/slotmesh/slotmesh/internal/refnode/rdb"
)

// transferHandlers are the commands that take values out of a node and put them into one.
var transferHandlers = map[string]handler{
	"dump":           (*request).dump,
	"restore":        (*request).restore,
	"restore-asking": (*request).restore,
	"migrate":        (*request).migrate,
}

func (r *request) dump() {
	payload, err := r.node.payload(r.arg(1))
	switch {
	case errors.Is(err, engine.ErrNoKey):
		r.null()
	case err != nil:
		r.fail("ERR " + err.Error())
	default:
		r.bulk(string(payload))
	}
}

// payload returns the value of key as DUMP shows it.
func (n *Node) payload(key string) ([]byte, error) {
	v, err := n.keys.data.Snapshot(key)
	if err != nil {
		return nil, err
	}
	return rdb.AppendPayload(nil, v), nil
}

// restoring is what RESTORE is to do.
type restoring struct {
	ttl      int64 // ms
	replace  bool
	absolute bool
}

func (r *request) restore() {
	how, refusal := r.restoring()
	if refusal != "" {
		r.fail(refusal)
		return
	}
	key := r.arg(1)
	if r.node.keys.has(key) && !how.replace {
		r.fail("BUSYKEY Target key name already exists.")
		return
	}
	if how.ttl, refusal = r.restoreTTL(); refusal != "" {
		r.fail(refusal)
		return
	}
	v, err := rdb.ParsePayload(r.args[3])
	if errors.Is(err, rdb.ErrFormat) {
		err = rdb.ErrFormat // the server does not say where
	}
	if err != nil {
		r.fail("ERR " + err.Error())
		return
	}
	at := how.deadline(r.now)
	if !at.IsZero() && !at.After(r.now) {
		r.node.keys.remove(key) // it would expire at once
		r.node.propagate(r.now, [][]byte{[]byte("del"), r.args[1]})
		r.ok()
		return
	}
	r.node.install(key, v, at)
	r.node.propagate(r.now, r.node.state(key))
	r.ok()
}

// restoring reads the options of RESTORE, in the order in which the server checks them.
func (r *request) restoring() (how restoring, refusal string) {
	for i := 4; i < len(r.args); i++ {
		more := i+1 < len(r.args)
		switch word := r.arg(i); {
		case isAny(word, "replace"):
			how.replace = true
		case isAny(word, "absttl"):
			how.absolute = true
		case isAny(word, "idletime") && more, isAny(word, "freq") && more:
			i++
			n, ok := decimal.Parse(r.args[i])
			if !ok {
				return how, "ERR value is not an integer or out of range"
			}
			if n < 0 && isAny(word, "idletime") {
				return how, "ERR Invalid IDLETIME value, must be >= 0"
			}
			if (n < 0 || n > 255) && isAny(word, "freq") {
				return how, "ERR Invalid FREQ value, must be >= 0 and <= 255"
			}
		default:
			return how, "ERR syntax error"
		}
	}
	return how, ""
}

// restoreTTL reads when the key is to expire, which is looked at only if the key may be
// made.
func (r *request) restoreTTL() (ttl int64, refusal string) {
	ttl, ok := decimal.Parse(r.args[2])
	switch {
	case !ok:
		return 0, "ERR value is not an integer or out of range"
	case ttl < 0:
		return 0, "ERR Invalid TTL value, must be >= 0"
	}
	return ttl, ""
}

// deadline returns when the key is to expire; the zero Time means never.
func (how restoring) deadline(now time.Time) time.Time {
	switch {
	case how.ttl == 0:
		return time.Time{}
	case how.absolute:
		return time.UnixMilli(how.ttl)
	default:
		return time.UnixMilli(now.UnixMilli() + min(how.ttl, math.MaxInt64-now.UnixMilli()))
	}
}

// install makes v the value of key.
func (n *Node) install(key string, v rdb.Value, at time.Time) {
	n.keys.data.Install(key, v)
	n.keys.data.SetDeadline(key, at)
	n.keys.touch(key)
}

// state returns the command that makes key elsewhere what it is here.
func (n *Node) state(key string) [][]byte {
	payload, err := n.payload(key)
	if err != nil {
		return [][]byte{[]byte("del"), []byte(key)}
	}
	ttl := "0"
	if at, ok := n.keys.data.Deadline(key); ok {
		ttl = strconv.FormatInt(at.UnixMilli(), 10)
	}
	return [][]byte{[]byte("restore"), []byte(key), []byte(ttl), payload, []byte("replace"), []byte("absttl")}
}

// removeMigrated removes a key that another node has now.
func (n *Node) removeMigrated(now time.Time, key []byte) {
	n.keys.remove(string(key))
	n.propagate(now, [][]byte{[]byte("del"), slices.Clone(key)})
}
