package routing

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/slotmap"
)

// What a script says in place of a reply.
const (
	usual   = ""            // what a node would answer
	drop    = "\x00drop"    // close the connection
	silence = "\x00silence" // answer nothing more on this connection
)

// heard is one command as a node received it.
type heard struct {
	name  string // lower case
	args  []string
	conn  int    // number of the connection
	after string // name of the request before it on the connection
}

func (r heard) String() string { return strings.Join(r.args, " ") }

// mesh is a cluster of scripted nodes, which share the slots evenly. Nothing in it
// is clever: it says what the test says, and remembers what it was sent.
type mesh struct {
	nodes []*scriptedNode
	pipes bool // in-memory connections, for synctest bubbles

	mu     sync.Mutex
	owner  []*scriptedNode // of each part of the slots, as CLUSTER SLOTS tells it
	slots  func(*scriptedNode) string
	writes []string // each Write of a client
	served sync.WaitGroup
}

// scriptedNode answers what script returns. The handshake, CLUSTER SLOTS, ASKING and PING
// it knows by itself.
type scriptedNode struct {
	mesh   *mesh
	addr   string
	listen net.Listener

	mu     sync.Mutex
	script func(heard) string
	hello  func(heard) string // answers the handshake, if set
	got    []heard            // without those
	maps   int                // times that CLUSTER SLOTS was asked
	claim  string             // the reply to CLUSTER NODES
	opened int
	conns  map[net.Conn]bool
	down   bool // refuses connections
	mute   bool // was silent, and answers no PING either
}

// newMesh starts n nodes on loopback TCP, stopped when the test ends.
func newMesh(t testing.TB, n int) *mesh { return startMesh(t, n, false) }

// newPipeMesh starts n nodes that are reached by in-memory pipes.
func newPipeMesh(t testing.TB, n int) *mesh { return startMesh(t, n, true) }

func startMesh(t testing.TB, n int, pipes bool) *mesh {
	m := &mesh{pipes: pipes}
	for i := range n {
		node := &scriptedNode{mesh: m, addr: fmt.Sprintf("10.0.0.%d:7000", i+1), conns: map[net.Conn]bool{}}
		m.nodes = append(m.nodes, node)
		if pipes {
			continue
		}
		var err error
		node.listen, err = net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
	}
	m.owner = slices.Clone(m.nodes)
	for _, node := range m.nodes {
		if node.listen != nil {
			m.served.Go(node.accept)
		}
	}
	t.Cleanup(m.stop)
	return m
}

func (m *mesh) stop() {
	for _, n := range m.nodes {
		if n.listen != nil {
			_ = n.listen.Close()
		}
		n.hangUp()
	}
	m.served.Wait()
}

// key returns a key of node i; slot is its slot.
func (m *mesh) key(i int) string { return hashtag.ForSlot(m.slot(i)) }
func (m *mesh) slot(i int) uint16 {
	return uint16(i * hashtag.Slots / len(m.nodes))
}

// setOwner makes CLUSTER SLOTS name, from now on, node to for the share of node i.
func (m *mesh) setOwner(i, to int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.owner[i] = m.nodes[to]
}

// options are those of a router for the mesh, with short pauses.
func (m *mesh) options() Options {
	return Options{
		Seeds: []string{m.nodes[0].addr},
		Connect: func(addr string) *redis.Options {
			return &redis.Options{
				Addr: addr, Protocol: 3, Dialer: m.dial,
				ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second,
				MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
			}
		},
		Policy:  Policy{MaxRedirects: DefaultMaxRedirects, MaxRetries: 4, MinBackoff: time.Millisecond, MaxBackoff: 4 * time.Millisecond},
		Refresh: slotmap.CacheOptions{MinInterval: -1, Period: -1},
	}
}

// with changes go-redis's options for all nodes.
func with(o Options, change func(*redis.Options)) Options {
	connect := o.Connect
	o.Connect = func(addr string) *redis.Options {
		c := connect(addr)
		change(c)
		return c
	}
	return o
}

func readTimeout(o Options, d time.Duration) Options {
	return with(o, func(c *redis.Options) { c.ReadTimeout = d })
}

// router returns a router for the mesh, closed when the test ends.
func (m *mesh) router(t testing.TB) *Router { return open(t, m.options()) }

func open(t testing.TB, opts Options) *Router {
	r, err := New(t.Context(), opts)
	require.NoError(t, err)
	t.Cleanup(r.Close)
	return r
}

// dial connects to the node of that address.
func (m *mesh) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	for _, n := range m.nodes {
		if n.addr != addr {
			continue
		}
		if n.isDown() {
			break
		}
		if m.pipes {
			client, server := net.Pipe()
			m.served.Go(func() { n.serve(server) })
			return &writeLog{client, m}, nil
		}
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", n.listen.Addr().String())
		if err != nil {
			return nil, err
		}
		return &writeLog{conn, m}, nil
	}
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
}

// writeLog remembers each Write.
type writeLog struct {
	net.Conn
	mesh *mesh
}

func (c *writeLog) Write(p []byte) (int, error) {
	c.mesh.mu.Lock()
	c.mesh.writes = append(c.mesh.writes, string(p))
	c.mesh.mu.Unlock()
	return c.Conn.Write(p)
}

// writesWith returns the names of the commands of each Write that has a command of
// that name.
func (m *mesh) writesWith(name string) [][]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all [][]string
	for _, w := range m.writes {
		var names []string
		for rest := []byte(w); len(rest) > 0; {
			args, n := cutRequest(rest)
			if n == 0 {
				break
			}
			names = append(names, strings.ToLower(args[0]))
			rest = rest[n:]
		}
		if slices.Contains(names, name) {
			all = append(all, names)
		}
	}
	return all
}

// on makes script what the node answers.
func (n *scriptedNode) on(script func(heard) string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.script, n.mute = script, false
}

// says makes the node answer its next requests with replies, and as usual after that.
func (n *scriptedNode) says(replies ...string) {
	n.on(func(heard) string {
		if len(replies) == 0 {
			return usual
		}
		first := replies[0]
		replies = replies[1:]
		return first
	})
}

func (n *scriptedNode) greets(hello func(heard) string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hello = hello
}

func (n *scriptedNode) setMute(mute bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mute = mute
}

func (n *scriptedNode) isMute() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.mute
}

func (n *scriptedNode) setDown(down bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = down
}

func (n *scriptedNode) isDown() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.down
}

// requests returns what the node was sent, as text.
func (n *scriptedNode) requests() []string {
	var texts []string
	for _, r := range n.received() {
		texts = append(texts, r.String())
	}
	return texts
}

func (n *scriptedNode) received() []heard {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.got)
}

// connections returns how many are open, and mapsAsked how often the map was asked for.
func (n *scriptedNode) connections() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.conns)
}

func (n *scriptedNode) mapsAsked() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.maps
}

// hangUp closes all connections to the node.
func (n *scriptedNode) hangUp() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		_ = c.Close()
	}
}

func (n *scriptedNode) accept() {
	for {
		conn, err := n.listen.Accept()
		if err != nil {
			return
		}
		n.mesh.served.Go(func() { n.serve(conn) })
	}
}

// serve reads whatever is there, remembers all of it, then answers one by one.
func (n *scriptedNode) serve(conn net.Conn) {
	n.mu.Lock()
	n.opened++
	number := n.opened
	n.conns[conn] = true
	n.mu.Unlock()
	defer func() {
		_ = conn.Close()
		n.mu.Lock()
		delete(n.conns, conn)
		n.mu.Unlock()
	}()
	var in, out []byte
	var after string
	mute, multi := false, false
	chunk := make([]byte, 1<<16)
	for {
		read, err := conn.Read(chunk)
		if err != nil {
			return
		}
		in = append(in, chunk[:read]...)
		var batch []heard
		for {
			args, size := cutRequest(in)
			if size == 0 {
				break
			}
			in = in[size:]
			r := heard{name: strings.ToLower(args[0]), args: args, conn: number, after: after}
			after = r.name
			batch = append(batch, r)
			n.note(r)
		}
		out = out[:0]
		for _, r := range batch {
			text := n.answer(r, &multi)
			mute = mute || text == silence
			if text == drop {
				_, _ = conn.Write(out)
				return
			}
			if !mute {
				out = append(out, text...)
			}
		}
		if len(out) > 0 {
			if _, err := conn.Write(out); err != nil {
				return
			}
		}
	}
}

// inner reports whether a request is none of the test's business.
func inner(r heard) bool {
	switch r.name {
	case "hello", "auth", "client", "cluster", "asking", "ping":
		return true
	}
	return false
}

func (n *scriptedNode) note(r heard) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !inner(r) {
		n.got = append(n.got, r)
	}
	if isMapQuestion(r) {
		n.maps++
	}
}

func (n *scriptedNode) answer(r heard, multi *bool) string {
	n.mu.Lock()
	script, hello := n.script, n.hello
	n.mu.Unlock()
	if hello != nil && (r.name == "hello" || r.name == "auth" || r.name == "client") {
		if text := hello(r); text != usual {
			return text
		}
	}
	if script != nil && !inner(r) {
		if text := script(r); text != usual {
			n.setMute(text == silence)
			*multi = *multi && r.name != "exec"
			return text
		}
	}
	switch {
	case r.name == "ping" && n.isMute():
		return silence
	case r.name == "hello":
		return "%1\r\n$5\r\nproto\r\n:3\r\n"
	case isMapQuestion(r):
		return n.mesh.slotsReply(n)
	case r.name == "cluster":
		return n.claimReply()
	case r.name == "multi":
		*multi = true
	case r.name == "exec":
		*multi = false
		return "*0\r\n"
	case *multi:
		return "+QUEUED\r\n"
	case r.name == "get":
		return bulk("value of " + r.args[1])
	case r.name == "incr":
		return ":1\r\n"
	}
	return "+OK\r\n"
}

func isMapQuestion(r heard) bool {
	return r.name == "cluster" && len(r.args) > 1 && strings.EqualFold(r.args[1], "slots")
}

// claims makes the node answer CLUSTER NODES so: it serves these slots at this epoch.
func (n *scriptedNode) claims(epoch int, slots string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.claim = fmt.Sprintf("%040d %s@17000 myself,master - 0 0 %d connected %s\n", 1, n.addr, epoch, slots)
}

func (n *scriptedNode) claimReply() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.claim == "" {
		return "-ERR not told\r\n"
	}
	return bulk(n.claim)
}

func (m *mesh) slotsReply(n *scriptedNode) string {
	m.mu.Lock()
	slots := m.slots
	owner := slices.Clone(m.owner)
	m.mu.Unlock()
	if slots != nil {
		return slots(n)
	}
	return slotsOf(owner)
}

// slotsOf is CLUSTER SLOTS of owner, each of which has an even share.
func slotsOf(owner []*scriptedNode) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(owner))
	for i, o := range owner {
		host, port, _ := net.SplitHostPort(o.addr)
		fmt.Fprintf(&b, "*3\r\n:%d\r\n:%d\r\n*3\r\n%s:%s\r\n%s", i*hashtag.Slots/len(owner), (i+1)*hashtag.Slots/len(owner)-1,
			bulk(host), port, bulk(fmt.Sprintf("%040s", strings.Split(host, ".")[3])))
	}
	return b.String()
}

// answerSlots makes all nodes answer CLUSTER SLOTS so.
func (m *mesh) answerSlots(slots func(*scriptedNode) string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.slots = slots
}

// cutRequest cuts one request off p; n is 0 if it is not all there.
func cutRequest(p []byte) (args []string, n int) {
	line := func() (int, bool) {
		end := strings.Index(string(p[n:]), "\r\n")
		if end < 1 {
			return 0, false
		}
		v, err := strconv.Atoi(string(p[n+1 : n+end]))
		n += end + 2
		return v, err == nil
	}
	count, ok := line()
	for range count {
		size, more := line()
		if ok = ok && more && len(p) >= n+size+2; !ok {
			return nil, 0
		}
		args = append(args, string(p[n:n+size]))
		n += size + 2
	}
	if !ok || count == 0 {
		return nil, 0
	}
	return args, n
}

func bulk(s string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(s), s) }
func fails(text string) string {
	return "-" + text + "\r\n"
}
func movedTo(slot uint16, n *scriptedNode) string {
	return fails(fmt.Sprintf("MOVED %d %s", slot, n.addr))
}
func askTo(slot uint16, n *scriptedNode) string {
	return fails(fmt.Sprintf("ASK %d %s", slot, n.addr))
}

// The server's own words, from redis 7.
const (
	tryAgain    = "TRYAGAIN Multiple keys request during rehashing of slot"
	clusterDown = "CLUSTERDOWN Hash slot not served"
	loading     = "LOADING Redis is loading the dataset in memory"
	masterDown  = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
	readOnly    = "READONLY You can't write against a read only replica."
	busy        = "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
	maxClients  = "ERR max number of clients reached"
)

// Commands, short.
func get(key string) *redis.StringCmd { return redis.NewStringCmd(context.Background(), "get", key) }
func incr(key string) *redis.IntCmd   { return redis.NewIntCmd(context.Background(), "incr", key) }
func set(key, v string) *redis.StatusCmd {
	return redis.NewStatusCmd(context.Background(), "set", key, v)
}

func do(args ...any) *redis.Cmd { return redis.NewCmd(context.Background(), args...) }

// transact wraps cmds as go-redis's TxPipeline does.
func transact(cmds ...redis.Cmder) []redis.Cmder {
	ctx := context.Background()
	all := append([]redis.Cmder{redis.NewStatusCmd(ctx, "multi")}, cmds...)
	return append(all, redis.NewSliceCmd(ctx, "exec"))
}

// requireOutcome asserts what became of a command, by its error.
func requireOutcome(t testing.TB, want Outcome, err error) *Error {
	t.Helper()
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, want.String(), e.Outcome.String(), "%v", err)
	return e
}
