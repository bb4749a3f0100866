package refnode

import (
	"time"

	"github.com/slotmesh/slotmesh/internal/refnode/decimal"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// waitReplicas is WAIT replicas timeout: it answers how many replicas have everything
// that was written up to now, and waits until these are enough.
func (r *request) waitReplicas() {
	if r.node.isReplica() {
		r.fail("ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is " +
			"configured to be writable (which is not the default) writes to replicas are just local and are not propagated.")
		return
	}
	wanted, ok := decimal.Parse(r.args[1])
	if !ok {
		r.fail("ERR value is not an integer or out of range")
		return
	}
	ms, ok := r.milliseconds(2)
	if !ok {
		return
	}
	if r.nested || int64(r.node.inSync()) >= wanted {
		r.int(int64(r.node.inSync()))
		return
	}
	r.park = &waiter{
		session: r.session, spec: r.spec, timeout: time.Duration(min(ms, maxPause)) * time.Millisecond, done: make(chan struct{}),
		attempt: func(r *request) bool {
			enough := int64(r.node.inSync()) >= wanted
			if enough {
				r.int(int64(r.node.inSync()))
			}
			return enough
		},
	}
}

// serveWaits answers those who wait for replicas, if these have caught up.
func (n *Node) serveWaits() {
	for w := range n.blocked.all {
		r := request{node: n, session: w.session, spec: w.spec}
		if w.waitsForReplicas() && w.attempt(&r) {
			n.unblock(w, r.out)
		}
	}
}

// waitsForReplicas reports whether w waits in WAIT, and not for keys.
func (w *waiter) waitsForReplicas() bool { return len(w.names) == 0 }

// timedOut returns the reply to a client that has waited in vain.
func (n *Node) timedOut(w *waiter) []byte {
	if w.waitsForReplicas() {
		return resp.AppendInt(nil, int64(n.inSync()))
	}
	return w.session.proto.AppendNullArray(nil)
}
