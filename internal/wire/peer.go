package wire

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// PeerOptions say how to connect to a node.
type PeerOptions struct {
	// Dial opens a network connection. It should obey its context.
	Dial func(ctx context.Context) (net.Conn, error)

	// DialTimeout bounds dialling and handshake together. 0 or less: for ever.
	DialTimeout time.Duration

	// Handshake is performed on each connection.
	Handshake Handshake

	// ReadTimeout and WriteTimeout are those of each connection. See Options.
	ReadTimeout, WriteTimeout time.Duration

	// Crowd may be shared with other peers.
	Crowd *Crowd

	// MaxBorrowed is how many connections may be borrowed at once. Defaults to 1,000.
	MaxBorrowed int

	// BorrowTimeout is how long to wait while so many are. 0 or less: for ever.
	BorrowTimeout time.Duration
}

// A Peer is all connections to one node in one role. Most requests go over one connection
// that all callers share. While something holds that one up, others are opened. What may
// keep a connection to itself borrows one. A connection is opened when it is first needed,
// and again when it has ended. A Peer is safe for concurrent use.
type Peer struct {
	opts   PeerOptions
	ctx    context.Context // done once it is closed
	cancel context.CancelFunc
	shared [maxShared]lane
	seats  chan struct{} // one for each connection that is borrowed

	mu       sync.Mutex
	closed   bool
	idle     []*Conn        // that may be borrowed, the one used last at the end
	lent     map[*Conn]bool // that are
	retired  []*Conn        // that end by themselves
	prober   *Conn          // over which the node is asked whether it answers
	probing  bool
	orphans  int // connections that are being opened, whose borrowers have left
	renewing bool
	late     []overdue
	work     sync.WaitGroup

	reopened   time.Time // when Reopen did something
	generation uint64    // how often it did: connections of an earlier one are not used

	dials, failures, crowded atomic.Uint64
}

const (
	// maxShared is how many connections may be shared: the first one, and others while it
	// is held up.
	maxShared = 3

	// maxIdle is how many connections that nobody borrows stay open.
	maxIdle = 16

	// maxOrphans is how many connections are opened to the end although their borrowers have
	// left: else those with short deadlines would never have one.
	maxOrphans = 4

	// borrowedBuffer is how much is read at once from a borrowed connection.
	borrowedBuffer = 16 << 10
)

// A lane is one of the connections that are shared.
type lane struct {
	conn    atomic.Pointer[Conn]
	opening *Opening // guarded by the peer's mu
}

// ErrCrowded means that no connection could be borrowed in time.
var ErrCrowded = errors.New("too many connections to the node are busy")

// A ConnectError is why there is no connection. The node has not seen any request.
type ConnectError struct {
	Dialed bool // it was dialled, the handshake failed
	Err    error
}

func (e *ConnectError) Error() string {
	if e.Dialed {
		return "connecting: " + e.Err.Error()
	}
	return e.Err.Error()
}

func (e *ConnectError) Unwrap() error { return e.Err }

// NewPeer returns a Peer without connections. The caller must call Close.
func NewPeer(opts PeerOptions) *Peer {
	if opts.Crowd == nil {
		opts.Crowd = new(Crowd)
	}
	if opts.MaxBorrowed <= 0 {
		opts.MaxBorrowed = 1000
	}
	p := &Peer{opts: opts, seats: make(chan struct{}, opts.MaxBorrowed), lent: make(map[*Conn]bool)}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// Shared returns a connection to be shared, nil if it has to be waited for. movable says
// that what is to be sent may be sent twice, and need not go where something of that kind
// would wait.
func (p *Peer) Shared(movable bool) (*Conn, *Opening) {
	if c := p.shared[0].conn.Load(); c != nil && c.Takes(movable) {
		return c, nil
	}
	return p.choose(movable)
}

// choose returns the first lane that takes what is to be sent, or else the last.
func (p *Peer) choose(movable bool) (*Conn, *Opening) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.shared {
		l := &p.shared[i]
		c := l.conn.Load()
		if c == nil || c.Gone() {
			return nil, p.reopen(l)
		}
		if c.Takes(movable) || i == maxShared-1 {
			return c, nil
		}
	}
	panic("unreachable")
}

// reopen returns the opening of a lane that has no connection. p.mu is held.
func (p *Peer) reopen(l *lane) *Opening {
	if l.opening != nil {
		return l.opening
	}
	o := p.newOpening()
	if p.closed {
		o.deliver(nil, ErrClosed)
		return o
	}
	l.opening = o
	p.work.Go(func() {
		c, err := p.connect(p.ctx, defaultBuffer, p.notice)
		p.mu.Lock()
		defer p.mu.Unlock()
		l.opening = nil
		p.retireOld(c)
		if c != nil {
			p.retire(l.conn.Swap(c))
			if p.closed {
				c.fail(ErrClosed)
			}
		}
		o.deliver(c, err)
	})
	return o
}

// retire keeps a connection that takes nothing more, until it has ended. p.mu is held.
func (p *Peer) retire(c *Conn) {
	if c == nil {
		return
	}
	p.forgetEnded()
	p.retired = append(p.retired, c)
}

// forgetEnded drops the connections that have ended from those that were retired. p.mu is
// held.
func (p *Peer) forgetEnded() {
	kept := p.retired[:0]
	for _, c := range p.retired {
		if c.Err() == nil {
			kept = append(kept, c)
		}
	}
	clear(p.retired[len(kept):])
	p.retired = kept
}

// Borrow returns a connection that is the caller's alone until GiveBack, nil if it has to
// be waited for.
func (p *Peer) Borrow() (*Conn, *Opening) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case p.seats <- struct{}{}:
	default:
		return nil, p.openBorrowed(false)
	}
	if c := p.takeIdle(); c != nil {
		return c, nil
	}
	return nil, p.openBorrowed(true)
}

// takeIdle returns a connection that nobody borrows, nil if there is none. p.mu is held.
func (p *Peer) takeIdle() *Conn {
	for n := len(p.idle) - 1; n >= 0; n-- {
		c := p.idle[n]
		p.idle[n] = nil
		p.idle = p.idle[:n]
		if !c.Gone() {
			p.lent[c] = true
			return c
		}
	}
	return nil
}

// openBorrowed opens a connection for one borrower, who may have a seat already. If the
// borrower leaves meanwhile the connection becomes idle, or is given up. p.mu is held.
func (p *Peer) openBorrowed(seated bool) *Opening {
	o := p.newOpening()
	if p.closed {
		o.deliver(nil, ErrClosed)
		return o
	}
	ctx, cancel := context.WithCancel(p.ctx)
	orphan := false
	o.leave = func(c *Conn) { // p.mu is held
		if orphan = c == nil && p.orphans < maxOrphans; orphan {
			p.orphans++
		} else {
			cancel()
		}
		if c != nil {
			p.giveBack(c)
		}
	}
	p.work.Go(func() {
		defer cancel()
		c, err := p.openSeated(ctx, seated)
		p.mu.Lock()
		defer p.mu.Unlock()
		if orphan {
			p.orphans--
		}
		if c == nil {
			o.deliver(nil, err)
			return
		}
		p.retireOld(c)
		p.lent[c] = true
		if o.left {
			p.giveBack(c)
			return
		}
		o.deliver(c, nil)
	})
	return o
}

// openSeated finds a seat, unless there is one, and opens a connection for it, or takes one
// that has become idle.
func (p *Peer) openSeated(ctx context.Context, seated bool) (*Conn, error) {
	if !seated {
		if err := p.sit(ctx); err != nil {
			return nil, err
		}
		p.mu.Lock()
		c := p.takeIdle()
		p.mu.Unlock()
		if c != nil {
			return c, nil
		}
	}
	c, err := p.connect(ctx, borrowedBuffer, nil)
	if err != nil {
		<-p.seats
	}
	return c, err
}

// sit waits for a seat.
func (p *Peer) sit(ctx context.Context) error {
	var late <-chan time.Time
	if p.opts.BorrowTimeout > 0 {
		timer := time.NewTimer(p.opts.BorrowTimeout)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case p.seats <- struct{}{}:
		return nil
	case <-late:
		p.crowded.Add(1)
		return ErrCrowded
	case <-ctx.Done():
		return ErrClosed
	}
}

// GiveBack ends the borrowing of c. One that has ended, or on which replies are still to
// come, is closed.
func (p *Peer) GiveBack(c *Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.giveBack(c)
}

func (p *Peer) giveBack(c *Conn) {
	delete(p.lent, c)
	<-p.seats
	if p.closed || c.Gone() || c.Unanswered() > 0 || len(p.idle) == maxIdle {
		c.fail(ErrClosed)
		return
	}
	p.idle = append(p.idle, c)
}

// connect opens a connection, past its handshake.
func (p *Peer) connect(ctx context.Context, buffer int, late func(*Conn, int64)) (*Conn, error) {
	p.dials.Add(1)
	p.mu.Lock()
	generation := p.generation
	p.mu.Unlock()
	if p.opts.DialTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.opts.DialTimeout)
		defer cancel()
	}
	nc, err := p.dial(ctx)
	if err != nil {
		p.failures.Add(1)
		return nil, p.unlessClosed(&ConnectError{Err: err})
	}
	c, _, err := Open(ctx, nc, p.opts.Handshake, Options{
		ReadTimeout: p.opts.ReadTimeout, WriteTimeout: p.opts.WriteTimeout, Late: late, Buffer: buffer, Crowd: p.opts.Crowd,
		Unbuffered: newPeeker(nc) == nil, // who knows what it is
	})
	if err != nil {
		p.failures.Add(1)
		return nil, p.unlessClosed(&ConnectError{Dialed: true, Err: err})
	}
	c.born = generation
	return c, nil
}

// dial opens a network connection. It does not wait for a dialer that does not obey ctx:
// what that brings in the end is closed.
func (p *Peer) dial(ctx context.Context) (net.Conn, error) {
	type dialled struct {
		nc  net.Conn
		err error
	}
	result := make(chan dialled)
	go func() {
		nc, err := p.opts.Dial(ctx)
		select {
		case result <- dialled{nc, err}:
		case <-ctx.Done():
			if nc != nil {
				_ = nc.Close()
			}
		}
	}()
	select {
	case d := <-result:
		return d.nc, d.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// unlessClosed returns err, or ErrClosed if it is because the peer was closed.
func (p *Peer) unlessClosed(err error) error {
	if p.ctx.Err() != nil {
		return ErrClosed
	}
	return err
}

// reopenEvery is how often the connections to a node are given up for new ones.
const reopenEvery = time.Second

// Reopen makes what follows go over new connections, for which the name of the node is
// resolved anew: the node may have moved. Those that are open take nothing more, and end with
// the last reply that somebody waits for. It is done once a second at most.
func (p *Peer) Reopen() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if !p.reopened.IsZero() && now.Sub(p.reopened) < reopenEvery {
		return
	}
	p.reopened = now
	p.generation++
	for _, c := range p.all() {
		c.Retire()
	}
}

// retireOld retires a connection that was begun to be opened before Reopen. p.mu is held.
func (p *Peer) retireOld(c *Conn) {
	if c != nil && c.born != p.generation {
		c.Retire()
	}
}

// Close ends all connections, and what waits on them or for them, with ErrClosed. It
// returns when nothing of them runs any more.
func (p *Peer) Close() {
	for _, c := range p.shut() {
		c.Close()
	}
	p.work.Wait()
	for _, c := range p.shut() { // what was opened meanwhile
		c.Close()
	}
}

// Retire makes the peer take nothing more. Its connections end with the last reply that
// somebody waits for, those that are lent when they are given back.
func (p *Peer) Retire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.cancel()
	for i := range p.shared {
		if c := p.shared[i].conn.Load(); c != nil {
			c.Retire()
		}
	}
	for _, c := range p.idle {
		c.fail(ErrClosed)
	}
	if p.prober != nil {
		p.prober.fail(ErrClosed)
	}
}

// shut makes the peer closed, and returns the connections that there are.
func (p *Peer) shut() []*Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.cancel()
	return p.all()
}

// all returns the connections that there are. p.mu is held.
func (p *Peer) all() []*Conn {
	all := append(p.idle[:len(p.idle):len(p.idle)], p.retired...)
	for c := range p.lent {
		all = append(all, c)
	}
	for i := range p.shared {
		if c := p.shared[i].conn.Load(); c != nil {
			all = append(all, c)
		}
	}
	if p.prober != nil {
		all = append(all, p.prober)
	}
	return all
}

// Counts are the connections of a peer.
type Counts struct {
	Open, Idle      int    // now; of Idle, nobody has borrowed them
	Dials, Failures uint64 // since it was made: attempts to connect, and those that failed
	Crowded         uint64 // times that nothing could be borrowed in time
}

// Counts returns the connections that there are.
func (p *Peer) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := Counts{Dials: p.dials.Load(), Failures: p.failures.Load(), Crowded: p.crowded.Load()}
	for _, c := range p.all() {
		if c.Err() == nil {
			n.Open++
		}
	}
	for _, c := range p.idle {
		if c.Err() == nil {
			n.Idle++
		}
	}
	return n
}
