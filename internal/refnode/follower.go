package refnode

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
)

// A follower is a replica as its master sees it. There is no replication over the wire
// yet: what a command has done is done to the followers as well, before the client has
// its reply.
type follower struct {
	node   *Node
	link   *transport.Gate
	over   <-chan struct{} // closed when it follows no more: see bond
	behind []effect        // what it has yet to run, guarded by the master's lock
}

// A bond is what a replica has to its master, as long as it follows it. It ends under the
// replica's lock: a master that waits for that lock then gives up, since the replica may
// be about to wait for the master's.
type bond struct {
	master *Node
	over   chan struct{} // closed when the bond ends
}

// master returns whose follower n is, nil if it follows nobody.
func (n *Node) master() *Node {
	if b := n.bond.Load(); b != nil {
		return b.master
	}
	return nil
}

// follow makes n, whose lock is held, a follower of master: of nobody if that is nil. The
// bond that it had is over.
func (n *Node) follow(master *Node) (over <-chan struct{}) {
	var next *bond
	if master != nil {
		next = &bond{master, make(chan struct{})}
		over = next.over
	}
	if old := n.bond.Swap(next); old != nil {
		close(old.over)
	}
	clear(n.strayed)
	return over
}

// An effect is a command for followers, and the time at which it ran.
type effect struct {
	at   time.Time
	args [][]byte
}

// propagate notes what the followers are to run.
func (n *Node) propagate(at time.Time, args [][]byte) {
	if len(n.followers) == 0 {
		return
	}
	e := effect{at: at, args: make([][]byte, len(args))}
	for i, arg := range args {
		e.args[i] = slices.Clone(arg)
		n.offset += int64(len(arg))
	}
	for _, f := range n.followers {
		f.behind = append(f.behind, e)
	}
}

// deliver lets the followers run what they have not yet run: those that can be reached.
// Those that are closed, or follow another, are followers no more.
func (n *Node) deliver() {
	n.followers = slices.DeleteFunc(n.followers, func(f *follower) bool { return f.node.life.Err() != nil || !f.follows() })
	for _, f := range n.followers {
		if len(f.behind) > 0 && !f.link.IsShut() && f.acquire(n) {
			f.catchUp(n)
			f.node.release()
		}
	}
	n.serveWaits()
}

func (f *follower) follows() bool {
	select {
	case <-f.over:
		return false
	default:
		return true
	}
}

// acquire takes the lock of a follower, whose master holds its own, unless it is away or
// follows no more. It does not wait for longer than the master lives: when that is closed
// no reply can leave it any more that promises what the follower lacks.
func (f *follower) acquire(master *Node) bool {
	select {
	case f.node.lock <- struct{}{}:
	case <-*f.node.frozen.Load():
		return false
	case <-f.node.closed:
		return false
	case <-f.over:
		return false
	case <-master.closed:
		return false
	}
	if !f.follows() {
		f.node.release()
		return false
	}
	return f.node.keep()
}

// catchUp runs what the follower has not yet run. Both locks are held. A key that the
// follower let expire by itself may not have expired at the master: it had its deadline
// changed while the follower could not be told.
func (f *follower) catchUp(master *Node) {
	for _, e := range f.behind {
		f.node.apply(e.at, e.args)
	}
	f.behind = nil
	f.node.offset = master.offset
	for key := range f.node.strayed {
		if _, err := master.payload(key); !errors.Is(err, errors.ErrUnsupported) {
			f.node.apply(master.now(), master.state(key))
		}
	}
	clear(f.node.strayed)
}

// acquireUnless takes the node's lock, unless the node is paused or closed, or given
// is closed first.
func (n *Node) acquireUnless(given <-chan struct{}) bool {
	select {
	case n.lock <- struct{}{}:
	case <-*n.frozen.Load():
		return false
	case <-n.closed:
		return false
	case <-given:
		return false
	}
	return n.keep()
}

// inSync returns how many followers have run everything.
func (n *Node) inSync() (count int) {
	for _, f := range n.followers {
		if len(f.behind) == 0 {
			count++
		}
	}
	return count
}

// Attach makes replica follow n: it gets a copy of all keys, and from then on every
// write that link lets through. Its error names keys that cannot be copied; all others
// are. Whom it followed before it follows no more. If the replica does not say, or says no
// more, that n is its master, nothing happens, and the error is ErrNoReplica.
func (n *Node) Attach(replica *Node, link *transport.Gate) error {
	if old := replica.master(); old != nil && old != n {
		_ = old.Detach(replica)
	}
	if !n.acquireUnless(nil) {
		return ErrAway
	}
	defer n.release()
	if n.followsIndirectly(replica) {
		return ErrNoReplica
	}
	if !replica.acquireUnless(n.closed) {
		return ErrAway
	}
	defer replica.release()
	if replica.view.Myself().MasterID != n.view.Myself().ID {
		return ErrNoReplica
	}
	over := replica.follow(n)
	replica.keys.flush()
	err := n.copyTo(replica)
	n.offset = max(n.offset, 1) // a replica at 0 would not be listed
	replica.offset = n.offset
	n.detach(replica)
	n.followers = append(n.followers, &follower{node: replica, link: link, over: over})
	n.serveWaits()
	return err
}

// followsIndirectly reports whether n is a follower of master, or of a follower of it: then
// n must not wait for master's lock. One that says it is a master itself follows nobody.
func (n *Node) followsIndirectly(master *Node) bool {
	if !n.isReplica() {
		n.follow(nil)
	}
	for m := n.master(); m != nil; m = m.master() {
		if m == master {
			return true
		}
	}
	return false
}

// copyTo copies all keys.
func (n *Node) copyTo(replica *Node) error {
	if n.keys.count == 0 {
		return nil
	}
	var errs []error
	for _, keys := range n.keys.slots {
		for key := range keys {
			v, err := n.keys.data.Snapshot(key)
			if err != nil {
				errs = append(errs, fmt.Errorf("copy key %q: %w", key, err))
				continue
			}
			at, _ := n.keys.data.Deadline(key)
			replica.install(key, v, at)
		}
	}
	return errors.Join(errs...)
}

// Detach makes replica follow n no more. It keeps what it has.
func (n *Node) Detach(replica *Node) error {
	if !n.acquireUnless(nil) {
		return ErrAway
	}
	defer n.release()
	n.detach(replica)
	return nil
}

func (n *Node) detach(replica *Node) {
	n.followers = slices.DeleteFunc(n.followers, func(f *follower) bool { return f.node == replica })
}

// Redeliver lets the followers run what they could not be sent when it was written. It
// is to be called when a link is mended, and does not wait for a paused node.
func (n *Node) Redeliver() error {
	if !n.acquireUnless(nil) {
		return ErrAway
	}
	defer n.release()
	n.deliver()
	return nil
}
