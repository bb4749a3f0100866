package wire

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime/debug"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// TestPeerModel lets callers do what callers do to a Peer whose node resets connections, is
// slow, pauses, and refuses dials; and compares what they were told with what the node has
// executed. SLOTMESH_SEED is as for TestModel.
func TestPeerModel(t *testing.T) {
	first, seeds := modelSeeds(t, 30)
	for i := range seeds {
		seed := first + uint64(i)
		t.Run(fmt.Sprintf("SLOTMESH_SEED=%d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newPeerModel(t, seed).run() })
		})
		if t.Failed() {
			return
		}
	}
}

const (
	peerModelSteps  = 800
	peerModelCrowd  = 4 // how many connections may be borrowed
	peerModelBorrow = 300 * time.Millisecond
)

// A peerModel is one run.
type peerModel struct {
	t    *testing.T
	seed uint64
	p    *Peer
	node *troubled

	mu  sync.Mutex
	all []*told
}

// A told is what a caller was told of its requests.
type told struct {
	ids      []string
	answered int
	unsent   []bool
}

func newPeerModel(t *testing.T, seed uint64) *peerModel {
	r := rand.New(rand.NewPCG(seed, 0))
	m := &peerModel{t: t, seed: seed}
	m.node = &troubled{r: rand.New(rand.NewPCG(seed, 1)), trouble: []int{0, 2, 10, 50}[r.IntN(4)], at: make(map[string]place)}
	h := Handshake{Protocol: resp.RESP3}
	if r.IntN(2) == 0 {
		h = Handshake{ClientName: "model"}
	}
	m.p = NewPeer(PeerOptions{
		Dial: m.node.dial, Handshake: h, ReadTimeout: modelTimeout, WriteTimeout: time.Minute,
		MaxBorrowed: peerModelCrowd, BorrowTimeout: peerModelBorrow,
	})
	return m
}

func (m *peerModel) run() {
	r := rand.New(rand.NewPCG(m.seed, 2))
	hangs := time.AfterFunc(2*time.Hour, func() {
		panic(fmt.Sprintf("SLOTMESH_SEED=%d: somebody hangs", m.seed))
	})
	var callers sync.WaitGroup
	n := 1 + r.IntN(24)
	for i := range n {
		c := &peerCaller{m: m, name: i, r: rand.New(rand.NewPCG(m.seed, uint64(i+10)))}
		callers.Go(func() { c.run(peerModelSteps / n) })
	}
	over := make(chan struct{})
	var trouble sync.WaitGroup
	trouble.Go(func() { m.node.torment(over) })
	callers.Wait()
	close(over)
	trouble.Wait()
	m.checkSeats()
	m.checkAlive()
	m.p.Close()
	require.Zero(m.t, m.p.Counts().Open)
	m.node.close()
	hangs.Stop()
	m.check()
}

// checkSeats checks that what was borrowed was given back.
func (m *peerModel) checkSeats() {
	time.Sleep(time.Minute) // for connections that nobody wants any more
	require.Empty(m.t, m.p.seats)
	require.Empty(m.t, m.p.lent)
	require.LessOrEqual(m.t, m.p.Counts().Open, peerModelCrowd+maxShared+1)
}

// checkAlive checks that all is well when the node is.
func (m *peerModel) checkAlive() {
	m.node.heal()
	for _, get := range []func(context.Context) (*Conn, error){
		func(ctx context.Context) (*Conn, error) { return shared(ctx, m.p, true) },
		func(ctx context.Context) (*Conn, error) { return borrowed(ctx, m.p) },
	} {
		c, err := get(m.t.Context())
		require.NoError(m.t, err)
		x := exchange("last")
		require.NoError(m.t, do(m.t.Context(), c, x))
		require.Equal(m.t, bulk("last"), string(x.Reply(0)))
	}
}

// check compares what callers were told with what the node has executed.
func (m *peerModel) check() {
	require.Empty(m.t, m.node.twice)
	for _, a := range m.all {
		for i, id := range a.ids {
			where, executed := m.node.at[id]
			switch {
			case i < a.answered:
				require.True(m.t, executed, "%s was answered", id)
			case a.unsent == nil || a.unsent[i]:
				require.False(m.t, executed, "%s was unsent", id)
			}
			if executed && i > 0 {
				before := m.node.at[a.ids[i-1]]
				require.Equal(m.t, place{before.conn, before.number + 1}, where, "%s: an exchange is not torn", id)
			}
		}
	}
}

// A peerCaller is one of those who use the peer.
type peerCaller struct {
	m    *peerModel
	name int
	r    *rand.Rand
	made int
	used []*Exchange
}

func (c *peerCaller) run(steps int) {
	defer func() {
		if p := recover(); p != nil {
			c.m.t.Errorf("%v\n%s", p, debug.Stack())
		}
	}()
	for range steps {
		if c.m.t.Failed() {
			return
		}
		ctx, cancel := c.context()
		if c.r.IntN(8) == 0 {
			c.borrow(ctx)
		} else {
			c.share(ctx)
		}
		cancel()
		if c.r.IntN(4) == 0 {
			time.Sleep(time.Duration(c.r.Int64N(int64(20 * time.Millisecond))))
		}
	}
}

// context returns one that may end, at any point.
func (c *peerCaller) context() (context.Context, func()) {
	after := []time.Duration{0, time.Microsecond, 10 * time.Millisecond, time.Second}[c.r.IntN(4)]
	if c.r.IntN(8) == 0 {
		return context.WithTimeout(context.Background(), after)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if c.r.IntN(8) == 0 {
		time.AfterFunc(after, cancel)
	}
	return ctx, cancel
}

// share sends something over a connection that all share, and again elsewhere when it is
// held up.
func (c *peerCaller) share(ctx context.Context) {
	movable := c.r.IntN(2) == 0
	for range maxShared {
		conn, err := shared(ctx, c.m.p, movable)
		if err != nil {
			c.checkNone(ctx, err)
			return
		}
		if c.exchange(ctx, conn, movable) {
			return
		}
	}
}

// borrow has a connection for itself.
func (c *peerCaller) borrow(ctx context.Context) {
	conn, err := borrowed(ctx, c.m.p)
	if err != nil {
		c.checkNone(ctx, err)
		return
	}
	for range 1 + c.r.IntN(3) {
		c.exchange(ctx, conn, false)
	}
	c.m.p.GiveBack(conn)
}

// checkNone checks why there is no connection.
func (c *peerCaller) checkNone(ctx context.Context, err error) {
	var failed *ConnectError
	if !errors.As(err, &failed) && !errors.Is(err, ErrCrowded) && (ctx.Err() == nil || !errors.Is(err, ctx.Err())) {
		c.m.t.Errorf("no connection: %v", err)
	}
	time.Sleep(time.Duration(c.r.Int64N(int64(100 * time.Millisecond))))
}

// exchange sends some requests and checks what becomes of them. It reports false if they are
// to be sent elsewhere.
func (c *peerCaller) exchange(ctx context.Context, conn *Conn, movable bool) bool {
	x, a := c.make()
	x.Movable, x.Prompt = movable, c.r.IntN(2) == 0
	if conn.Submit(x) != nil {
		return true // nothing was sent
	}
	if !x.Prompt && c.r.IntN(8) == 0 {
		time.Sleep(time.Duration(c.r.Int64N(int64(500 * time.Millisecond))))
	}
	began := time.Now()
	err := conn.Wait(ctx, x)
	a.answered = x.Answered()
	for i := range a.answered {
		if got := string(x.Reply(i)); got != bulk(a.ids[i]) {
			c.m.t.Errorf("%s got %.60q", a.ids[i], got)
		}
	}
	unsent := make([]bool, len(a.ids))
	for i := range a.ids {
		unsent[i] = err != nil && conn.Unsent(x, i)
	}
	c.m.mu.Lock()
	a.unsent = unsent
	c.m.mu.Unlock()
	if d, ok := ctx.Deadline(); ok && time.Since(d) > 2*patience && d.After(began) {
		c.m.t.Errorf("%s was given up %v late", a.ids[0], time.Since(d))
	}
	switch {
	case err == nil:
		if a.answered != len(a.ids) {
			c.m.t.Errorf("%s: %d of %d replies, and no error", a.ids[0], a.answered, len(a.ids))
		}
		c.used = append(c.used, x)
	case errors.Is(err, ErrHeldUp):
		if !movable {
			c.m.t.Errorf("%s was sent away", a.ids[0])
		}
		return false
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
	case conn.Err() == nil || !errors.Is(err, conn.Err()):
		c.m.t.Errorf("%s ended with %v, the connection with %v", a.ids[0], err, conn.Err())
	}
	return true
}

// make returns an exchange of some requests, new or used, of which nothing is known yet.
func (c *peerCaller) make() (*Exchange, *told) {
	x := &Exchange{}
	if n := len(c.used); n > 0 {
		x, c.used = c.used[n-1], c.used[:n-1]
		x.Reset()
	}
	c.made++
	a := &told{}
	for i := range 1 + c.r.IntN(3) {
		id := fmt.Sprintf("%d:%d:%d", c.name, c.made, i)
		size := 0
		if c.r.IntN(200) == 0 {
			size = c.r.IntN(300 << 10)
		}
		a.ids = append(a.ids, id)
		x.Request, _ = resp.AppendRequest(x.Request, []any{"RUN", make([]byte, size), id})
		x.Ends = append(x.Ends, len(x.Request))
	}
	c.m.mu.Lock()
	c.m.all = append(c.m.all, a)
	c.m.mu.Unlock()
	return x, a
}

// A troubled node executes requests, and has its troubles.
type troubled struct {
	mu      sync.Mutex
	r       *rand.Rand
	trouble int // in a thousand requests, how many it has trouble with
	conns   []*peer
	at      map[string]place
	twice   []string
	away    bool          // it refuses dials
	paused  chan struct{} // if not nil it does nothing until that is closed
}

// A place is where in the order of a connection something was executed.
type place struct{ conn, number int }

// dial connects to the node.
func (n *troubled) dial(ctx context.Context) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.away {
		return refused(ctx)
	}
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7000}
	client, server := transport.Pipe(addr, addr)
	c := &peer{server, resp.NewReader(server)}
	n.conns = append(n.conns, c)
	i := len(n.conns)
	go func() {
		defer c.Close()
		n.serve(c, i)
	}()
	return client, nil
}

// serve serves one connection.
func (n *troubled) serve(c *peer, conn int) {
	for number := 0; ; number++ {
		args := c.request()
		if args == nil {
			return
		}
		n.pause()
		id := args[len(args)-1]
		reply := bulk(id)
		switch args[0] {
		case "HELLO":
			reply = "%1\r\n+proto\r\n:3\r\n"
		case "RUN":
			n.execute(id, place{conn, number})
		}
		if n.troubles() && !n.misbehave(c, reply) {
			return
		}
		c.reply(reply)
	}
}

// execute notes what is executed.
func (n *troubled) execute(id string, at place) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, twice := n.at[id]; twice {
		n.twice = append(n.twice, id)
	}
	n.at[id] = at
}

func (n *troubled) troubles() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.r.IntN(1000) < n.trouble
}

// number returns a random number.
func (n *troubled) number(below int) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.r.IntN(below)
}

// misbehave does something else than to reply at once. It reports false when the connection
// has ended.
func (n *troubled) misbehave(c *peer, reply string) bool {
	switch n.number(6) {
	case 0:
		_ = transport.Reset(c.Conn)
		return false
	case 1:
		return false
	case 2:
		c.reply(reply[:n.number(len(reply))])
		return false
	case 3:
		c.reply(reply)
		time.Sleep(time.Duration(n.number(int(10 * time.Millisecond))))
		return false
	case 4:
		time.Sleep(time.Duration(n.number(int(time.Second))))
	case 5:
		time.Sleep(time.Duration(n.number(int(2 * modelTimeout))))
	}
	return true
}

// pause waits as long as the node does nothing.
func (n *troubled) pause() {
	n.mu.Lock()
	paused := n.paused
	n.mu.Unlock()
	if paused != nil {
		<-paused
	}
}

// torment lets the node be away or pause now and then, until all is over.
func (n *troubled) torment(over chan struct{}) {
	for n.trouble > 0 {
		select {
		case <-over:
			return
		case <-time.After(time.Duration(n.number(int(2 * time.Second)))):
		}
		n.mu.Lock()
		n.away = n.r.IntN(2) == 0
		if n.r.IntN(2) == 0 {
			n.paused = make(chan struct{})
		}
		n.mu.Unlock()
		time.Sleep(time.Duration(n.number(int(2 * modelTimeout))))
		n.goOn()
	}
}

// goOn ends that the node is away or pauses.
func (n *troubled) goOn() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.away = false
	if n.paused != nil {
		close(n.paused)
		n.paused = nil
	}
}

// heal makes the node well for ever.
func (n *troubled) heal() {
	n.goOn()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.trouble = 0
}

// close ends all connections.
func (n *troubled) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.conns {
		_ = c.Close()
	}
}
