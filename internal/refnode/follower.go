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
	behind []effect // what it has yet to run, guarded by the master's lock
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

// deliver lets the followers run what they have not yet run: those that can be reached. It
// does so too while n is being closed: the clients may still get their replies.
// Those that are closed, or follow another, are followers no more.
func (n *Node) deliver() {
	n.followers = slices.DeleteFunc(n.followers, func(f *follower) bool { return f.node.life.Err() != nil || !f.follows(n) })
	for _, f := range n.followers {
		if len(f.behind) > 0 && !f.link.IsShut() && f.node.acquireUnless(nil) {
			if f.follows(n) { // still, now that it cannot take over any more
				f.catchUp()
			}
			f.node.release()
		}
	}
	n.serveWaits()
}

func (f *follower) follows(master *Node) bool { return f.node.master.Load() == master }

func (f *follower) catchUp() {
	for _, e := range f.behind {
		f.node.apply(e.at, e.args)
	}
	f.behind = nil
}

// acquireUnless takes the node's lock, unless the node is paused or closed or given up
// is closed.
func (n *Node) acquireUnless(given <-chan struct{}) bool {
	select {
	case n.lock <- struct{}{}:
		return true
	case <-*n.frozen.Load():
	case <-n.closed:
	case <-given:
	}
	return false
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
// are. Whom it followed before it follows no more.
func (n *Node) Attach(replica *Node, link *transport.Gate) error {
	if old := replica.master.Load(); old != nil && old != n {
		_ = old.Detach(replica)
	}
	if !n.acquireUnless(nil) {
		return ErrAway
	}
	defer n.release()
	if !replica.acquireUnless(n.closed) {
		return ErrAway
	}
	defer replica.release()
	replica.master.Store(n)
	replica.keys.flush()
	err := n.copyTo(replica)
	n.offset = max(n.offset, 1) // a replica at 0 would not be listed
	replica.offset = n.offset
	n.detach(replica)
	n.followers = append(n.followers, &follower{node: replica, link: link})
	n.serveWaits()
	return err
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
