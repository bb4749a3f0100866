package routing

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/slotmesh/slotmesh/slotmap"
)

// snapshot is what one round of Run is routed by: a map, and the master of each of
// its shards, in the order of Map.Shards.
type snapshot struct {
	slots   *slotmap.Map
	masters []*node
	index   map[string]int // address of a master -> position in masters
}

// keepUnlisted is how long a node that no map names stays connected after the last
// redirection to it: the target of an ASK may serve no slot yet.
const keepUnlisted = time.Minute

// nodes holds the nodes that the router is connected to, by address. It makes them,
// and lets go of those that are neither in the map nor used.
type nodes struct {
	dial func(addr string) *node

	mu      sync.Mutex
	open    map[string]*member
	leaving map[*node]struct{} // let go of, but some commands still run
	closed  bool
}

// member is a node that is open.
type member struct {
	node     *node
	listed   bool      // in the current map
	followed time.Time // last time that a redirection led there
}

func newNodes(dial func(addr string) *node) *nodes {
	return &nodes{dial: dial, open: make(map[string]*member), leaving: make(map[*node]struct{})}
}

// at returns the node at addr, made if need be. It is nil once the set is closed.
func (ns *nodes) at(addr string) *node {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	m := ns.member(addr)
	if m == nil {
		return nil
	}
	return m.node
}

// follow is at for a redirection: the node stays connected for a while although no
// map may name it.
func (ns *nodes) follow(addr string) *node {
	n := ns.at(addr)
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if m := ns.open[addr]; m != nil {
		m.followed = time.Now()
	}
	return n
}

// budget returns that for retries of the node at addr, nil if there is no such node.
func (ns *nodes) budget(addr string) *budget {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if m := ns.open[addr]; m != nil {
		return m.node.retries
	}
	return nil
}

// reopen makes the node at addr be reached by new connections, if it is open.
func (ns *nodes) reopen(addr string) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if m := ns.open[addr]; m != nil {
		m.node.peer.Reopen()
	}
}

// member returns the member at addr, made if need be. ns.mu is held.
func (ns *nodes) member(addr string) *member {
	if ns.closed {
		return nil
	}
	m := ns.open[addr]
	if m == nil {
		m = &member{node: ns.dial(addr)}
		ns.open[addr] = m
	}
	return m
}

// adopt makes slots the current map and returns the snapshot for it, nil once the set
// is closed. Nodes that left stay until sweep.
func (ns *nodes) adopt(slots *slotmap.Map) *snapshot {
	shards := slots.Shards()
	snap := &snapshot{
		slots:   slots,
		masters: make([]*node, 0, len(shards)),
		index:   make(map[string]int, len(shards)),
	}
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if ns.closed {
		return nil
	}
	for i := range shards {
		n := ns.member(shards[i].Master.Addr).node
		snap.index[n.addr] = i
		snap.masters = append(snap.masters, n)
	}
	for _, m := range ns.open {
		m.listed = false
	}
	for _, n := range slots.Nodes() {
		if m := ns.open[n.Addr]; m != nil {
			m.listed = true
		}
	}
	return snap
}

// sweep lets go of the nodes that no map names and no redirection led to lately. Their
// connections end with their last command. Those of the others authenticate again if the
// credentials have changed.
func (ns *nodes) sweep() {
	for _, n := range ns.sift() {
		n.peer.Close() // which may take a moment: nobody is to wait for that at the lock
	}
}

// sift is sweep, but for closing the nodes that it returns, which have no connection left.
func (ns *nodes) sift() (gone []*node) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if ns.closed {
		return nil
	}
	for n := range ns.leaving {
		if n.peer.Counts().Open == 0 {
			gone = append(gone, n)
			delete(ns.leaving, n)
		}
	}
	for addr, m := range ns.open {
		m.node.peer.Renew()
		if !m.listed && time.Since(m.followed) > keepUnlisted {
			delete(ns.open, addr)
			ns.leaving[m.node] = struct{}{}
			m.node.peer.Retire()
		}
	}
	return gone
}

// poolStats returns the connections to all nodes as go-redis counts them.
func (ns *nodes) poolStats() *redis.PoolStats {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	var sum redis.PoolStats
	for _, m := range ns.open {
		n := m.node.peer.Counts()
		sum.Misses += uint32(n.Dials)
		sum.Timeouts += uint32(n.Crowded)
		sum.TotalConns += uint32(n.Open)
		sum.IdleConns += uint32(n.Idle)
	}
	return &sum
}

// close breaks the connections to all nodes. It makes none after that.
func (ns *nodes) close() {
	for _, n := range ns.shut() {
		n.peer.Close()
	}
}

// shut makes the set closed, and returns all nodes.
func (ns *nodes) shut() (all []*node) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	ns.closed = true
	for _, m := range ns.open {
		all = append(all, m.node)
	}
	all = slices.AppendSeq(all, maps.Keys(ns.leaving))
	clear(ns.open)
	clear(ns.leaving)
	return all
}
