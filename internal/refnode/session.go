package refnode

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/slotmesh/slotmesh/internal/refnode/command"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// A session is one client's connection. Its goroutine reads requests, runs them one
// after the other and collects the replies; a second goroutine writes these, so that a
// client which reads nothing is still read from.
type session struct {
	node   *Node
	id     int64
	conn   net.Conn
	since  time.Time
	remote string
	input  *input
	in     *resp.Reader
	out    *outbox
	req    request
	gone   context.Context // ends with the connection
	leave  context.CancelFunc

	// What the node's lock guards.
	proto    resp.Protocol
	name     string
	authed   bool
	asking   bool // for the next command, or up to EXEC
	readonly bool
	silent   silence // CLIENT REPLY
	tx       *transaction
	watch    watch
	waiter   *waiter
	last     *command.Spec
	lastAt   time.Time
	quit     bool // close once the replies are out
	killed   bool // by CLIENT KILL: runs nothing more
}

// serve runs a session to its end.
func (n *Node) serve(conn net.Conn) {
	s := newSession(n, conn)
	if !n.join(s) {
		s.end()
		return
	}
	n.wait.Go(s.out.run)
	s.run()
	s.end()
	n.part(s)
}

func newSession(n *Node, conn net.Conn) *session {
	s := &session{node: n, conn: conn, since: n.now(), remote: conn.RemoteAddr().String(), proto: resp.RESP2}
	s.gone, s.leave = context.WithCancel(context.Background())
	s.input = &input{conn: conn, lost: s.leave}
	s.in = resp.NewReader(s.input)
	s.out = newOutbox(conn, n.cfg.Clock, s.leave)
	s.req = request{node: n, session: s}
	return s
}

// end breaks the connection.
func (s *session) end() {
	s.leave()
	s.out.close()
	_ = s.conn.Close()
}

// join makes s one of the node's sessions, unless the node is closed.
func (n *Node) join(s *session) bool {
	if !n.acquire() {
		return false
	}
	defer n.release()
	n.lastID++
	s.id = n.lastID
	s.authed = n.cfg.Password == ""
	n.stats.connections++
	return n.sessions.add(s)
}

// part ends what the node holds of s.
func (n *Node) part(s *session) {
	n.sessions.remove(s)
	if !n.acquire() {
		return
	}
	defer n.release()
	n.unwatch(s)
	n.blocked.remove(s.waiter)
}

// run reads and runs requests until the connection ends.
func (s *session) run() {
	for {
		s.in.NoAuth = s.node.cfg.Password != "" && !s.authed
		args, ok, err := s.in.Next()
		switch {
		case err != nil:
			s.refuse(err)
			return
		case ok:
			if !s.handle(args) {
				s.out.flush()
				s.out.drain()
				return
			}
		default:
			s.out.flush()
			if s.in.Fill() != nil {
				return
			}
			s.out.delay(time.Duration(s.node.latency.Load()))
		}
	}
}

// refuse answers what is no request; the connection ends with that.
func (s *session) refuse(err error) {
	if !errors.Is(err, resp.ErrRequestTooLarge) {
		s.out.pending = resp.AppendError(s.out.pending, "ERR "+err.Error())
	}
	s.out.flush()
	s.out.drain()
}

// handle runs one request to its end and reports whether the connection goes on.
func (s *session) handle(args [][]byte) bool {
	action := s.node.intercept(s, args)
	if !s.prepare(action) {
		return false
	}
	if action.disturbs() {
		s.out.flush() // so that all that is pending then is the reply
	}
	if !action.Skip && !s.execute(args) {
		return false
	}
	return s.conclude(action) && !s.quit
}

// execute runs one request, however long it has to wait.
func (s *session) execute(args [][]byte) bool {
	for {
		if !s.node.acquire() {
			return false
		}
		if s.killed {
			s.node.release()
			return false
		}
		start := len(s.out.pending)
		verdict := s.node.process(s, args)
		muted := verdict != paused && s.mute()
		if muted {
			s.out.pending = s.out.pending[:start]
		}
		waiter, pause := s.req.park, s.node.pause.over // it may be served already
		s.node.release()
		switch verdict {
		case parked:
			return s.await(waiter, muted)
		case paused:
			if !s.wait(pause, 0) {
				return false
			}
		default:
			return true
		}
	}
}

// wait waits for done, for d if that is not 0, and reports false if the connection has
// ended. It goes on reading meanwhile: that is how the end is seen.
func (s *session) wait(done <-chan struct{}, d time.Duration) bool {
	s.out.flush()
	stop := s.input.watch()
	defer stop()
	var after <-chan struct{}
	if d > 0 {
		over := make(chan struct{})
		timer := s.node.cfg.Clock.AfterFunc(d, func() { close(over) })
		defer timer.Stop()
		after = over
	}
	select {
	case <-done:
	case <-after:
	case <-s.gone.Done():
		return false
	}
	s.out.delay(time.Duration(s.node.latency.Load()))
	return true
}
