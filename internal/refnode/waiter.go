package refnode

import (
	"slices"
	"time"

	"github.com/slotmesh/slotmesh/internal/refnode/command"
	"github.com/slotmesh/slotmesh/internal/refnode/view"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// A waiter is a client that is blocked until one of its keys can be served.
type waiter struct {
	session *session
	args    [][]byte
	spec    *command.Spec
	keys    []command.Key
	names   []string // of the keys
	attempt attempt
	timeout time.Duration // 0: none
	done    chan struct{} // closed when there is a reply
	reply   []byte
}

// An attempt tries a blocking command without blocking, and reports whether it answered.
type attempt func(r *request) (served bool)

// blocked are the waiters of a node, in the order in which they came.
type blocked struct {
	byKey map[string][]*waiter
	fresh []string // keys that have changed since waiters were last served
	all   map[*waiter]struct{}
}

func newBlocked() *blocked {
	return &blocked{byKey: map[string][]*waiter{}, all: map[*waiter]struct{}{}}
}

func (b *blocked) add(w *waiter) {
	b.all[w] = struct{}{}
	for _, key := range w.names {
		if !slices.Contains(b.byKey[key], w) {
			b.byKey[key] = append(b.byKey[key], w)
		}
	}
}

// remove removes w, and reports whether it was waiting.
func (b *blocked) remove(w *waiter) bool {
	if _, ok := b.all[w]; !ok {
		return false
	}
	delete(b.all, w)
	for _, key := range w.names {
		b.byKey[key] = slices.DeleteFunc(b.byKey[key], func(x *waiter) bool { return x == w })
		if len(b.byKey[key]) == 0 {
			delete(b.byKey, key)
		}
	}
	return true
}

// ready notes that key has changed, if anybody waits for it.
func (b *blocked) ready(key string) {
	if len(b.byKey[key]) > 0 && !slices.Contains(b.fresh, key) {
		b.fresh = append(b.fresh, key)
	}
}

// blockOr tries the command, and lets the client wait for its keys where it may.
func (r *request) blockOr(timeout time.Duration, try attempt) {
	if try(r) {
		return
	}
	if r.nested {
		r.nullArray()
		return
	}
	w := &waiter{
		session: r.session, spec: r.spec, keys: slices.Clone(r.keys), names: r.keyNames(),
		attempt: try, timeout: timeout, done: make(chan struct{}),
	}
	for _, arg := range r.args {
		w.args = append(w.args, slices.Clone(arg))
	}
	r.park = w
}

// block makes a client wait.
func (n *Node) block(w *waiter) {
	n.blocked.add(w)
	w.session.waiter = w
	w.session.settle(w.spec)
}

// serveReady serves the clients that wait for what has changed, first come, first
// served, as long as there is something for them.
func (n *Node) serveReady(now time.Time) {
	for len(n.blocked.fresh) > 0 {
		key := n.blocked.fresh[0]
		n.blocked.fresh = n.blocked.fresh[1:]
		for _, w := range slices.Clone(n.blocked.byKey[key]) {
			r := request{node: n, session: w.session, args: w.args, spec: w.spec, keys: w.keys, now: now, nested: true, ready: key}
			if w.attempt(&r) {
				n.unblock(w, r.out)
			}
		}
	}
}

// unblock answers a client that waits, and reports false if it does not any more.
func (n *Node) unblock(w *waiter, reply []byte) bool {
	if !n.blocked.remove(w) {
		return false
	}
	w.reply = reply
	w.session.waiter = nil
	close(w.done)
	return true
}

// await waits until a blocked client has its reply.
func (s *session) await(w *waiter, muted bool) bool {
	if !s.wait(w.done, w.timeout) {
		return false
	}
	if !s.node.acquire() {
		return false
	}
	s.node.unblock(w, s.node.timedOut(w)) // unless it was served
	s.node.release()
	if !muted {
		s.out.pending = append(s.out.pending, w.reply...)
	}
	return true
}

// recheckBlocked tells the clients that wait for keys which this node does not serve any
// more.
func (n *Node) recheckBlocked() {
	for w := range n.blocked.all {
		if w.waitsForReplicas() {
			continue
		}
		read := !w.spec.Flags.Has(command.Write)
		if d := n.view.Recheck([]byte(w.names[0]), w.session.readonly, read); d.Kind != view.Serve {
			n.unblock(w, n.view.AppendError(nil, d))
		}
	}
}

// unblockAll ends all waiting, and the connections too: this node is no master any more.
func (n *Node) unblockAll() {
	const text = "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)"
	for w := range n.blocked.all {
		w.session.quit = true
		n.unblock(w, resp.AppendError(nil, text))
	}
}
