package refnode

import (
	"strconv"

	"github.com/slotmesh/slotmesh/internal/refnode/view"
)

// isReplica reports whether the node is one, as far as it knows.
func (n *Node) isReplica() bool { return n.view.Myself().IsReplica() }

// role is ROLE.
func (r *request) role() {
	n := r.node
	if n.isReplica() {
		master := n.viewOfMaster()
		r.array(5)
		r.bulk("slave")
		r.bulk(master.IP)
		r.int(int64(master.Port))
		r.bulk(map[bool]string{true: "connected", false: "connect"}[n.follows()])
		r.int(n.offset)
		return
	}
	r.array(3)
	r.bulk("master")
	r.int(n.offset)
	r.array(len(n.followers))
	for _, f := range n.followers {
		ip, port := splitAddr(f.node.addr)
		r.array(3)
		r.bulk(ip)
		r.bulk(port)
		r.bulk(strconv.FormatInt(n.offset-f.lag(), 10))
	}
}

// viewOfMaster returns what is known of this node's master, which may be nothing.
func (n *Node) viewOfMaster() *view.Node {
	if master, ok := n.view.Node(n.view.Myself().MasterID); ok {
		return master
	}
	return &view.Node{}
}

// follows reports whether the node is attached to a master.
func (n *Node) follows() bool { return n.master() != nil }

// lag returns how much of its master's offset a follower has yet to run. The master's
// lock is held.
func (f *follower) lag() (bytes int64) {
	for _, e := range f.behind {
		for _, arg := range e.args {
			bytes += int64(len(arg))
		}
	}
	return bytes
}
