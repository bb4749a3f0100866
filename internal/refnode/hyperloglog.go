package refnode

import (
	"bytes"
	"cmp"
	"errors"

	"github.com/slotmesh/slotmesh/internal/refnode/engine"
	"github.com/slotmesh/slotmesh/internal/refnode/hll"
	"github.com/slotmesh/slotmesh/internal/refnode/rdb"
)

// hyperLogLogHandlers are the commands on HyperLogLogs. Those are strings, so all that
// moves or shows strings does so with them too.
var hyperLogLogHandlers = map[string]handler{
	"pfadd":   (*request).pfAdd,
	"pfcount": (*request).pfCount,
	"pfmerge": (*request).pfMerge,
}

var errWrongType = errors.New("WRONGTYPE Operation against a key holding the wrong kind of value")

// pfAdd is PFADD. What it added before it found a string corrupted stays, but as with the
// server nobody is told.
func (r *request) pfAdd() {
	key := r.arg(1)
	value, err := r.node.stringValue(key)
	if err != nil {
		r.fail(err.Error())
		return
	}
	value, changed, err := addElements(value, r.args[2:])
	if changed {
		r.node.setString(key, value)
	}
	switch {
	case err != nil:
		r.fail(err.Error())
	case changed:
		r.wroteState(key)
		r.int(1)
	default:
		r.int(0)
	}
}

// addElements adds elements to s, or to a new HyperLogLog if s is nil, and reports
// whether that made any difference.
func addElements(s []byte, elements [][]byte) (out []byte, changed bool, err error) {
	if s == nil {
		s, changed = hll.New(), true
	}
	if !hll.Valid(s) {
		return s, false, hll.ErrInvalid
	}
	for _, element := range elements {
		var raised bool
		if s, raised, err = hll.Add(s, element); err != nil {
			return s, changed, err
		}
		changed = changed || raised
	}
	return s, changed, nil
}

// pfCount is PFCOUNT. Of several keys it counts the union.
func (r *request) pfCount() {
	if len(r.args) == 2 {
		r.pfCountOne(r.arg(1))
		return
	}
	values, refused := r.node.stringValues(r.keyNames())
	n, err := hll.CountUnion(values...)
	if err := cmp.Or(err, refused); err != nil {
		r.fail(err.Error())
		return
	}
	r.int(int64(n))
}

// pfCountOne answers the count of key, which is then cached in its value. That is a change
// like any other, although the command is no write.
func (r *request) pfCountOne(key string) {
	value, err := r.node.stringValue(key)
	if err != nil {
		r.fail(err.Error())
		return
	}
	if value == nil {
		r.int(0)
		return
	}
	n, counted, err := hll.Count(value)
	if err != nil {
		r.fail(err.Error())
		return
	}
	if !bytes.Equal(counted, value) {
		r.node.setString(key, counted)
		r.wroteState(key)
	}
	r.int(int64(n))
}

// pfMerge is PFMERGE, which is a write even if it changes nothing.
func (r *request) pfMerge() {
	values, refused := r.node.stringValues(r.keyNames())
	merged, err := hll.Merge(values...)
	if err := cmp.Or(err, refused); err != nil {
		r.fail(err.Error())
		return
	}
	r.node.setString(r.arg(1), merged)
	r.wroteState(r.arg(1))
	r.ok()
}

// wroteState takes notice of a key that has changed, of which the followers get the value.
func (r *request) wroteState(key string) {
	r.wrote([]string{key}, r.node.state(key)...)
}

// stringValues returns the values of keys, nil for those that are not there. Those before
// a key that is no string come with the error, since what is wrong with them comes first.
func (n *Node) stringValues(keys []string) (values [][]byte, err error) {
	for _, key := range keys {
		value, err := n.stringValue(key)
		if err != nil {
			return values, err
		}
		values = append(values, value)
	}
	return values, nil
}

// stringValue returns a copy of the value of key, nil if there is none.
func (n *Node) stringValue(key string) ([]byte, error) {
	if kind := n.keys.data.Type(key); kind != "none" && kind != "string" {
		return nil, errWrongType
	}
	v, err := n.keys.data.Snapshot(key)
	if errors.Is(err, engine.ErrNoKey) {
		return nil, nil
	}
	return []byte(v.Str), err
}

// setString makes value that of key, which expires when it did before.
func (n *Node) setString(key string, value []byte) {
	at, _ := n.keys.data.Deadline(key)
	n.keys.data.Install(key, rdb.Value{Kind: rdb.String, Str: string(value)})
	n.keys.data.SetDeadline(key, at)
}
