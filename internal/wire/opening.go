package wire

import "context"

// An Opening is a connection that is being opened, for those who wait for it.
type Opening struct {
	p     *Peer
	done  chan struct{}
	conn  *Conn // once done is closed
	err   error
	leave func(*Conn) // if it is for one caller: called when that leaves
	left  bool        // guarded by the peer's mu
}

func (p *Peer) newOpening() *Opening { return &Opening{p: p, done: make(chan struct{})} }

func (o *Opening) deliver(c *Conn, err error) {
	o.conn, o.err = c, err
	close(o.done)
}

// Wait returns the connection, or why there is none: what ended ctx, ErrClosed, ErrCrowded,
// or a *ConnectError. Whoever begins to wait must call it, once.
func (o *Opening) Wait(ctx context.Context) (*Conn, error) {
	select {
	case <-o.done:
		return o.conn, o.err
	case <-ctx.Done():
	}
	if o.leave != nil {
		o.p.mu.Lock()
		defer o.p.mu.Unlock()
		o.left = true
		o.leave(o.conn)
	}
	return nil, ctx.Err()
}
