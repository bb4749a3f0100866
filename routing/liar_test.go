package routing

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
)

// dice decide everything: a random source, or bytes that a fuzzer has chosen, after which
// all is well.
type dice struct {
	mu    sync.Mutex
	rng   *rand.Rand
	bytes []byte
}

// roll returns a number below n. 0 stands for what is usual.
func (d *dice) roll(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rng != nil {
		return d.rng.IntN(n)
	}
	v := 0
	for width := 1; width < n && len(d.bytes) > 0; width <<= 8 {
		v = v<<8 | int(d.bytes[0])
		d.bytes = d.bytes[1:]
	}
	return v % n
}

// spent reports whether nothing unusual will happen any more.
func (d *dice) spent() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng == nil && len(d.bytes) == 0
}

// upTo returns a duration of at most so long.
func (d *dice) upTo(most time.Duration) time.Duration {
	return time.Duration(d.roll(1000)) * most / 1000
}

// A liar is a cluster whose nodes do with each request what the dice say, and know what they
// have done: any node runs any command, since what counts is only how often. Each key is in
// one command only.
type liar struct {
	mesh   *mesh
	dice   *dice
	honest int // one request of so many is treated as the tricks say
	link   link
	quiet  net.Conn // a socket on which nothing ever happens
	armed  atomic.Bool

	mu    sync.Mutex
	clock int
	facts map[string]*fact
	execs []int          // how many keys each EXEC has written, by number
	met   map[string]int // tricks
}

// A fact is what the nodes have done with a key.
type fact struct {
	ran     []int // when
	seen    int   // requests
	refused int   // of them, with a text
	fate    *trick
	fooled  bool  // a script has written, and then said a refusal word for word
	in      []int // the numbers of the EXECs that ran it, 0 outside of one
	alone   bool  // it ran outside since the node had refused the MULTI before it
}

// A link is how connections behave.
type link int

const (
	pipes   link = iota // a Write takes until the node reads
	memory              // buffers, as TCP has
	sockets             // and callers write to them, as they do to sockets
	links
)

func newLiar(t testing.TB, d *dice, quiet net.Conn) *liar {
	l := &liar{
		mesh: newPipeMesh(t, 3), dice: d, honest: 1, link: link(d.roll(int(links))), quiet: quiet,
		facts: map[string]*fact{}, met: map[string]int{},
	}
	if d.rng != nil {
		l.honest = []int{2, 3, 5, 20}[d.roll(4)]
	}
	return l
}

// The patience of the client with a liar.
const (
	liarRead  = 200 * time.Millisecond
	liarWrite = 200 * time.Millisecond
	liarDial  = 300 * time.Millisecond
)

func (l *liar) options() Options {
	opts := l.mesh.options()
	opts.Refresh.MinInterval = 0
	return with(opts, func(o *redis.Options) {
		o.Dialer, o.ReadTimeout, o.WriteTimeout, o.DialTimeout = l.dial, liarRead, liarWrite, liarDial
	})
}

// meet counts a trick.
func (l *liar) meet(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.met[name]++
}

// fact returns what is known of a key. l.mu is held.
func (l *liar) fact(key string) *fact {
	f := l.facts[key]
	if f == nil {
		f = &fact{}
		l.facts[key] = f
	}
	return f
}

// Addresses that redirections name, and that no map does.
const (
	nowhere   = "10.9.9.1:7000" // refuses
	blackHole = "10.9.9.2:7000" // says nothing at all
)

var dialTricks = []string{"dial: refused", "dial: no answer", "dial: slow"}

func (l *liar) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	refused := &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	at := slices.IndexFunc(l.mesh.nodes, func(n *scriptedNode) bool { return n.addr == addr })
	trick := ""
	if addr == blackHole {
		trick = "dial: no answer"
	} else if l.armed.Load() && l.dice.roll(20) == 1 {
		trick = dialTricks[l.dice.roll(len(dialTricks))]
		l.meet(trick)
	}
	switch {
	case trick == "dial: no answer":
		<-ctx.Done()
		return nil, ctx.Err()
	case at < 0 || trick == "dial: refused":
		return nil, refused
	case trick == "dial: slow":
		select {
		case <-time.After(l.dice.upTo(liarDial)): // fake
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	client, server := l.connect()
	s := &session{liar: l, node: l.mesh.nodes[at], conn: server, in: make(chan []byte, l.dice.roll(2)*1000), gone: make(chan struct{})}
	l.mesh.served.Go(s.receive)
	l.mesh.served.Go(s.serve)
	return client, nil
}

func (l *liar) connect() (client, server net.Conn) {
	if l.link == pipes {
		return net.Pipe()
	}
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7000}
	client, server = transport.Pipe(addr, addr)
	if l.link == sockets {
		client = &likeSocket{client, l.quiet.(syscall.Conn)}
	}
	return client, server
}

// likeSocket is a connection in memory that passes for a socket on which nothing is to be
// seen.
type likeSocket struct {
	net.Conn
	quiet syscall.Conn
}

func (c *likeSocket) SyscallConn() (syscall.RawConn, error) { return c.quiet.SyscallConn() }

// quietSocketPair returns one end of a connection on which nothing happens.
func quietSocketPair(t testing.TB) net.Conn {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = client.Close(), server.Close() })
	return client
}

// A session is one connection, as its node sees it. What was received is run also when the
// client is gone.
type session struct {
	liar *liar
	node *scriptedNode
	conn net.Conn
	in   chan []byte
	gone chan struct{} // closed when the node has ended it

	multi, dirty bool
	alone        bool // MULTI was refused, so that what follows is no transaction
	queue        []*question
	mute         bool // says nothing more
	dead         bool // and does nothing more
	over         bool
}

func (s *session) receive() {
	defer close(s.in)
	for {
		chunk := make([]byte, 4096)
		n, err := s.conn.Read(chunk)
		if err != nil {
			return
		}
		select {
		case s.in <- chunk[:n]:
		case <-s.gone:
			return
		}
	}
}

func (s *session) serve() {
	defer func() { _ = s.conn.Close() }()
	defer close(s.gone)
	var in []byte
	for chunk := range s.in {
		for in = append(in, chunk...); !s.over; {
			args, n := cutRequest(in)
			if n == 0 {
				break
			}
			in = in[n:]
			s.take(args)
		}
		if s.over {
			return
		}
	}
}

// take does something with a request.
func (s *session) take(args []string) {
	if s.dead {
		return
	}
	q := &question{session: s, name: strings.ToLower(args[0]), args: args}
	if inner(heard{name: q.name}) {
		s.behave(q)
		return
	}
	q.keys = q.keysOf()
	t := s.liar.choose(q)
	t.play(q)
}

// choose picks a trick for a request, or the usual.
func (l *liar) choose(q *question) *trick {
	t := &deck[0]
	if l.dice.roll(l.honest) == 0 {
		t = l.draw(q)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range q.keys {
		f := l.fact(key)
		f.seen++
		if f.fate != nil {
			t = f.fate
		}
	}
	if t.fits != nil && !t.fits(q) {
		t = &deck[0]
	}
	if t.fate && len(q.keys) > 0 {
		l.fact(q.keys[0]).fate = t
	}
	l.met[t.name]++
	return t
}

// draw draws a trick, often one for what is special about the request.
func (l *liar) draw(q *question) *trick {
	draw := drawn
	switch special := l.dice.roll(2) == 1; {
	case special && isScript(q):
		draw = drawnForScripts
	case special && isExec(q):
		draw = drawnForExec
	}
	return &deck[draw[l.dice.roll(len(draw))]]
}

// say writes, unless the session is mute. What the client is not there to hear is lost.
func (s *session) say(text string) {
	if s.mute {
		return
	}
	if _, err := io.WriteString(s.conn, text); err != nil {
		s.mute = true
	}
}

// hush makes the session mute, and sometimes dead.
func (s *session) hush() { s.mute, s.dead = true, s.liar.dice.roll(2) == 1 }

// hangUp ends the session, in one way or another.
func (s *session) hangUp() {
	s.over = true
	if s.liar.dice.roll(2) == 0 {
		_ = transport.Reset(s.conn)
	}
}

// linger lets time pass: none, or so much that replies are late or nobody waits any more.
func (s *session) linger() {
	most := []time.Duration{time.Millisecond, 20 * time.Millisecond, 150 * time.Millisecond, 4 * liarRead}
	time.Sleep(s.liar.dice.upTo(most[s.liar.dice.roll(len(most))])) // fake
}

// A manner is what a node does with what the client asks on its own account.
type manner struct {
	name string
	play func(*question)
}

var manners = []manner{
	{"refuses", func(q *question) {
		q.say(fails(anyOf(q, []string{loading, busy, maxClients, "NOAUTH Authentication required.", "ERR no"})))
	}},
	{"silent", func(q *question) { q.hush() }},
	{"late", func(q *question) { q.linger(); q.say(q.inner()) }},
	{"breaks", func(q *question) { q.hangUp() }},
	{"breaks in the reply", func(q *question) { q.half(q.inner()); q.hangUp() }},
	{"garbage", func(q *question) { q.say(anyOf(q, nonsense)); q.hush() }},
}

// behave answers what is none of the callers' business.
func (s *session) behave(q *question) {
	l := s.liar
	odds := 10 * l.honest
	switch q.name {
	case "ping":
		odds = 2
	case "cluster":
		odds = 4
	}
	if q.name == "asking" || !l.armed.Load() || l.dice.roll(odds) != 1 {
		q.say(q.inner())
		return
	}
	m := manners[l.dice.roll(len(manners))]
	l.meet(q.name + ": " + m.name)
	m.play(q)
}

// inner is the answer to what is none of the callers' business. The map may be any.
func (q *question) inner() string {
	switch {
	case q.name == "hello":
		return "%1\r\n$5\r\nproto\r\n:3\r\n"
	case q.name == "ping":
		return "+PONG\r\n"
	case q.name == "cluster" && !isMapQuestion(heard{name: q.name, args: q.args}):
		return fails("ERR not told")
	case q.name == "cluster":
		return slotsOf(q.liar.owners())
	}
	return "+OK\r\n"
}
