package refnode

import (
	"slices"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/internal/refnode/command"
)

var transactionHandlers = map[string]handler{
	"multi":   (*request).multi,
	"exec":    (*request).execTransaction,
	"discard": (*request).discardTransaction,
	"watch":   (*request).watch,
	"unwatch": (*request).unwatch,
}

// A transaction is what was queued since MULTI.
type transaction struct {
	queued []queued
	writes bool // one of them does
	broken bool // one of them was refused
}

// queued is a command in a transaction.
type queued struct {
	args [][]byte
	spec *command.Spec
	keys []command.Key
}

// keys appends the keys of all that is queued to dst.
func (tx *transaction) keys(dst [][]byte) [][]byte {
	for _, q := range tx.queued {
		dst = appendKeys(dst, q.args, q.keys)
	}
	return dst
}

// endsTransaction reports whether a command runs at once although a transaction is open.
func endsTransaction(name string) bool {
	switch name {
	case "exec", "discard", "multi", "watch", "quit", "reset":
		return true
	}
	return false
}

// queue adds the command to the open transaction.
func (r *request) queue() {
	tx := r.session.tx
	r.simple("QUEUED")
	if tx.broken || r.session.watch.dirty {
		return // it will not run, so what it is does not matter
	}
	args := make([][]byte, len(r.args))
	for i, arg := range r.args {
		args[i] = slices.Clone(arg)
	}
	tx.queued = append(tx.queued, queued{args: args, spec: r.spec, keys: slices.Clone(r.keys)})
	tx.writes = tx.writes || r.writes()
}

func (r *request) multi() {
	if r.session.tx != nil {
		r.fail("ERR MULTI calls can not be nested")
		return
	}
	r.session.tx = &transaction{}
	r.ok()
}

func (r *request) discardTransaction() {
	if r.session.tx == nil {
		r.fail("ERR DISCARD without MULTI")
		return
	}
	r.node.discard(r.session)
	r.ok()
}

// discard ends a transaction without running it.
func (n *Node) discard(s *session) {
	s.tx = nil
	n.unwatch(s)
}

func (r *request) execTransaction() {
	tx := r.session.tx
	switch {
	case tx == nil:
		r.fail("ERR EXEC without MULTI")
		return
	case tx.broken:
		r.fail("EXECABORT Transaction discarded because of previous errors.")
	case r.session.watch.dirty:
		r.nullArray()
	default:
		r.runQueued(tx)
	}
	r.node.discard(r.session)
}

// runQueued runs what is queued, as one.
func (r *request) runQueued(tx *transaction) {
	r.session.tx = nil
	r.node.unwatch(r.session)
	r.array(len(tx.queued))
	whole := *r
	r.nested = true
	if keys := tx.keys(r.named[:0]); len(keys) > 0 {
		r.slot = int(hashtag.SlotBytes(keys[0]))
	}
	for _, q := range tx.queued {
		r.args, r.spec, r.keys = q.args, q.spec, q.keys
		r.run()
	}
	r.args, r.spec, r.keys, r.nested = whole.args, whole.spec, whole.keys, false
}

// A watch is the keys that a client watches.
type watch struct {
	keys  map[string]struct{}
	dirty bool // one of them has changed
}

func (r *request) watch() {
	if r.session.tx != nil {
		r.fail("ERR WATCH inside MULTI is not allowed")
		return
	}
	if !r.session.watch.dirty {
		for _, key := range r.keyNames() {
			r.node.keys.watch(r.session, key)
		}
	}
	r.ok()
}

func (r *request) unwatch() {
	r.node.unwatch(r.session)
	r.ok()
}

// watch makes every change of key mark s.
func (k *keyspace) watch(s *session, key string) {
	if s.watch.keys == nil {
		s.watch.keys = map[string]struct{}{}
	}
	s.watch.keys[key] = struct{}{}
	watchers := k.watchers[key]
	if watchers == nil {
		watchers = map[*session]struct{}{}
		k.watchers[key] = watchers
	}
	watchers[s] = struct{}{}
}

// unwatch makes s watch nothing.
func (n *Node) unwatch(s *session) {
	for key := range s.watch.keys {
		delete(n.keys.watchers[key], s)
		if len(n.keys.watchers[key]) == 0 {
			delete(n.keys.watchers, key)
		}
	}
	s.watch = watch{}
}
