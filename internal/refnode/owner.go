package refnode

import (
	"bytes"
	"context"
	"errors"
	"net"
	"slices"

	"github.com/slotmesh/slotmesh/internal/refnode/view"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// Do runs one command as a client of the node would who is authenticated and new, and
// returns the reply, as RESP2. It is not intercepted, and no gate holds it back; a paused
// node answers when it goes on. Commands that wait, such as BLPOP, are not for Do.
func (n *Node) Do(ctx context.Context, args ...any) (reply []byte, err error) {
	sent, err := resp.AppendRequest(nil, args)
	if err != nil {
		return nil, err
	}
	select {
	case n.lock <- struct{}{}:
	case <-n.closed:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if !n.keep() {
		return nil, ErrClosed
	}
	defer n.release()
	in := resp.NewReader(bytes.NewReader(sent))
	if err := in.Fill(); err != nil {
		return nil, err
	}
	parsed, _, err := in.Next()
	if err != nil {
		return nil, err
	}
	s := &session{node: n, proto: resp.RESP2, authed: true, out: &outbox{}}
	s.req = request{node: n, session: s}
	v := n.process(s, parsed)
	if v != replied {
		n.blocked.remove(s.req.park)
		return nil, errors.New("the command would have to wait")
	}
	if n.life.Err() != nil {
		return nil, ErrClosed // the followers may not have what it did
	}
	return s.out.pending, nil
}

// ServeConn serves conn as if a client had connected, or closes it if the node is closed. It
// returns at once.
func (n *Node) ServeConn(conn net.Conn) {
	if !n.sessions.unlessClosed(func() { n.wait.Go(func() { n.serve(conn) }) }) {
		_ = conn.Close()
	}
}

// Following returns the ID of the master that the node says it replicates, empty if it is
// a master, and the node that it follows.
func (n *Node) Following() (masterID string, master *Node, err error) {
	if !n.acquireUnless(nil) {
		return "", nil, ErrAway
	}
	defer n.release()
	return n.view.Myself().MasterID, n.master(), nil
}

// Saved returns what a closed node knew of its cluster, to start it again with.
func (n *Node) Saved() *view.View {
	<-n.closed
	n.wait.Wait()
	return n.view
}

// HandOver makes a follower of n the master of its slots and n its follower, as a manual
// failover would: nothing written is lost. The other nodes are to be told, and the other
// followers to be attached to it.
func (n *Node) HandOver(to *Node) error {
	if !n.acquireUnless(nil) {
		return ErrAway
	}
	defer n.release()
	i := slices.IndexFunc(n.followers, func(f *follower) bool { return f.node == to })
	if i < 0 || n.isReplica() || n.followers[i].link.IsShut() {
		return errors.New("it does not follow this master, or the link is cut")
	}
	if !n.followers[i].acquire(n) {
		return ErrAway
	}
	defer to.release()
	n.followers[i].catchUp(n)
	n.offset, to.offset = max(n.offset, to.offset), max(n.offset, to.offset)
	to.promote()
	to.followers = []*follower{{node: n, link: n.followers[i].link, over: n.follow(to)}}
	n.followers = nil
	n.hear(to.says())
	return nil
}

// TakeOver makes a node whose master is away the master of its slots. Others are to be
// told.
func (n *Node) TakeOver() error {
	if !n.acquireUnless(nil) {
		return ErrAway
	}
	defer n.release()
	n.promote()
	return nil
}

func (n *Node) promote() {
	n.follow(nil)
	n.view.Promote()
	n.viewChanged()
}

// A Claim is what a node says about itself: what it is, and the slots that it claims.
type Claim struct {
	Node  view.Node
	Slots view.SlotSet
}

// Says returns what the node says about itself. Like Hear it does not wait for a node
// that is paused: that is an error.
func (n *Node) Says() (Claim, error) {
	if !n.acquireUnless(nil) {
		return Claim{}, ErrAway
	}
	defer n.release()
	return n.says(), nil
}

func (n *Node) says() Claim {
	me := n.view.Myself()
	me.Offset = n.offset
	c := Claim{Node: *me}
	for _, r := range n.view.Ranges(me) {
		for slot := int(r.First); slot <= int(r.Last); slot++ {
			c.Slots.Add(uint16(slot))
		}
	}
	return c
}

// Hear tells the node what another one says about itself, as the cluster bus will.
func (n *Node) Hear(c Claim) error {
	if !n.acquireUnless(nil) {
		return ErrAway
	}
	defer n.release()
	n.hear(c)
	return nil
}

func (n *Node) hear(c Claim) {
	c.tell(n.view, n.hasKeys)
	n.viewChanged()
}

// Tell lets a view hear the claim, as Hear does, while no node has it.
func (c Claim) Tell(v *view.View) { c.tell(v, func(uint16) bool { return false }) }

func (c Claim) tell(v *view.View, hasKeys func(slot uint16) bool) {
	c.Node.Connected = true
	v.Meet(c.Node)
	if c.Node.IsMaster() {
		v.Claim(c.Node.ID, c.Node.ConfigEpoch, &c.Slots, hasKeys)
	}
}
