package refnode

import (
	"time"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
)

// A Request is what a node was sent, as an Intercept function sees it.
type Request struct {
	Args       [][]byte // not to be kept
	Client     string   // its name, if it gave itself one
	RemoteAddr string
}

// An Action is what is to be done with a request. The zero Action is what the node does
// anyway.
type Action struct {
	Until <-chan struct{} // first wait until this is closed
	Delay time.Duration   // then wait for so long
	Skip  bool            // do not execute it

	// Reply is sent instead of the node's, as it is.
	Reply []byte

	// Silent sends no reply, neither to this request nor to any that follows on its
	// connection: as if the network had swallowed it.
	Silent bool

	// Reset breaks the connection instead of replying.
	Reset bool
}

// intercept returns what is to be done with a request.
func (n *Node) intercept(s *session, args [][]byte) Action {
	if n.cfg.Intercept == nil {
		return Action{}
	}
	return n.cfg.Intercept(Request{Args: args, Client: s.name, RemoteAddr: s.remote})
}

// prepare does what an action says before the request runs, and reports false if the
// connection has ended.
func (s *session) prepare(a Action) bool {
	if a.Until != nil && !s.wait(a.Until, 0) {
		return false
	}
	return a.Delay <= 0 || s.wait(nil, a.Delay)
}

// disturbs reports whether an action does something to the reply.
func (a Action) disturbs() bool { return a.Reset || a.Silent || a.Reply != nil }

// conclude does what an action says about the reply, which is all that is pending if the
// action disturbs it, and reports whether the connection goes on.
func (s *session) conclude(a Action) bool {
	switch {
	case a.Reset:
		s.out.pending = s.out.pending[:0]
		s.out.drain()
		_ = transport.Reset(s.conn)
		return false
	case a.Silent:
		s.out.pending = s.out.pending[:0]
		s.wait(nil, 0)
		return false
	case a.Reply != nil:
		s.out.pending = append(s.out.pending[:0], a.Reply...)
	}
	return true
}
