package refnode

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slotmesh/slotmesh/internal/refnode/engine"
	"github.com/slotmesh/slotmesh/internal/refnode/transport"
	"github.com/slotmesh/slotmesh/internal/refnode/view"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// Config says what node to start.
type Config struct {
	// Addr is the address to listen at. Defaults to a free port of 127.0.0.1.
	Addr string

	// View is what the node knows of its cluster, if it is a node that was there before:
	// who it is, the slots, the other nodes. Defaults to a new node with a random ID
	// that knows only itself and serves no slot.
	View *view.View

	// Password is what clients must authenticate with, as user default. Defaults to none.
	Password string

	// Network is where the node listens, and dials when it migrates keys. Defaults to TCP.
	Network transport.Network

	// Clock tells the time. Defaults to the system's.
	Clock transport.Clock

	// Intercept is asked about each request before the node looks at it. It must not
	// block: what takes time is for the Action to say. Defaults to nothing.
	Intercept func(Request) Action

	// Changed is told when the others should hear from the node, Says, since it serves other
	// slots or in another role than before; what data it is to follow is for Attach. It must
	// not call the node.
	Changed func()

	// Wrap may put something between the node and each connection that it accepts.
	Wrap func(net.Conn) net.Conn
}

// A Node is one member of a cluster. Its methods are safe for concurrent use.
type Node struct {
	cfg      Config
	addr     string
	listener net.Listener
	runID    string
	started  time.Time

	lock chan struct{} // held while a command runs; a channel, so that waiting for it can end

	// What lock guards.
	view      *view.View
	keys      *keyspace
	scripts   map[string]string
	settings  settings
	lastID    int64
	blocked   *blocked
	replica   request // what the master's commands run as
	pause     pause
	followers []*follower
	stats     stats
	offset    int64               // how much was written to followers, in bytes
	strayed   map[string]struct{} // keys that a follower let expire without hearing so

	sessions *sessions
	bond     atomic.Pointer[bond] // to its master, nil: none; changed under lock
	latency  atomic.Int64         // nanoseconds, see SetLatency

	life    context.Context // ends with the node
	end     context.CancelFunc
	closed  <-chan struct{}               // life's
	retired atomic.Bool                   // nobody gets the lock any more
	frozen  atomic.Pointer[chan struct{}] // closed while the node is paused
	wait    sync.WaitGroup
	once    sync.Once
}

// Start starts a node. It serves at once; as long as its View knows of no slots, it
// refuses every key.
func Start(ctx context.Context, cfg Config) (*Node, error) {
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	if cfg.Network == nil {
		cfg.Network = transport.TCP()
	}
	if cfg.Clock == nil {
		cfg.Clock = transport.System()
	}
	data, err := engine.NewMini()
	if err != nil {
		return nil, err
	}
	listener, err := cfg.Network.Listen(ctx, cfg.Addr)
	if err != nil {
		data.Close()
		return nil, fmt.Errorf("start a node at %s: %w", cfg.Addr, err)
	}
	n := newNode(cfg, listener, data)
	n.wait.Go(n.accept)
	return n, nil
}

func newNode(cfg Config, listener net.Listener, data engine.Engine) *Node {
	addr := listener.Addr().(*net.TCPAddr)
	n := &Node{
		cfg:      cfg,
		addr:     addr.String(),
		listener: listener,
		runID:    randomID(),
		started:  cfg.Clock.Now(),
		lock:     make(chan struct{}, 1),
		view:     cfg.View,
		keys:     newKeyspace(data),
		scripts:  map[string]string{},
		settings: defaultSettings(),
		sessions: newSessions(),
		blocked:  newBlocked(),
		strayed:  map[string]struct{}{},
	}
	n.life, n.end = context.WithCancel(context.Background())
	n.closed = n.life.Done()
	n.thaw()
	n.replica = request{node: n, session: &session{node: n, proto: resp.RESP2, authed: true}}
	if n.view == nil {
		n.view = view.New(view.Node{
			ID: randomID(), IP: addr.IP.String(), Port: addr.Port, BusPort: addr.Port + 10000, Connected: true,
		})
	}
	n.keys.expired = n.keyExpired
	n.keys.touched = n.keyTouched
	return n
}

// randomID returns 40 hexadecimal digits.
func randomID() string {
	var b [20]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// Addr returns the address at which clients reach the node.
func (n *Node) Addr() string { return n.addr }

// Close ends the node as a crash would: connections break, data is gone. It returns when
// nothing of the node runs any more.
func (n *Node) Close() error {
	n.once.Do(func() {
		_ = n.listener.Close()
		n.sessions.close() // first: no reply leaves a node that has given up on its followers
		n.end()
		n.wait.Wait()
		n.retire()
		n.resume() // its timer
		n.keys.data.Close()
	})
	return nil
}

// retire takes the lock of a closed node for good, so that nobody changes it any more. If
// it is paused, that is so already.
func (n *Node) retire() {
	n.retired.Store(true)
	select {
	case n.lock <- struct{}{}:
	case <-*n.frozen.Load():
	}
}

func (n *Node) accept() {
	for {
		conn, err := n.listener.Accept()
		if err != nil {
			return
		}
		if n.cfg.Wrap != nil {
			conn = n.cfg.Wrap(conn)
		}
		n.wait.Go(func() { n.serve(conn) })
	}
}

// SetLatency makes every reply leave d later than it could: as if the way to the client
// and back took so long. It holds for requests that come from now on.
func (n *Node) SetLatency(d time.Duration) { n.latency.Store(int64(d)) }

// acquire takes the node's lock, and reports false if the node was closed instead.
func (n *Node) acquire() bool {
	select {
	case n.lock <- struct{}{}:
		return n.keep()
	default:
	}
	select {
	case n.lock <- struct{}{}:
		return n.keep()
	case <-n.closed:
		return false
	}
}

// keep reports whether the lock, which was just taken, may be kept, and gives it back if
// not: nobody changes a node that has retired.
func (n *Node) keep() bool {
	if n.retired.Load() {
		n.release()
		return false
	}
	return true
}

func (n *Node) release() { <-n.lock }

// What a node answers to its owner.
var (
	ErrClosed = errors.New("the node is closed")
	ErrAway   = errors.New("the node is paused or closed")

	// ErrNoReplica is the answer of Attach if the node is no replica of that master.
	ErrNoReplica = errors.New("the node does not say that it replicates this master")
)

// Pause stops the node, as SIGSTOP would: connections stay, and nothing is answered
// until resume is called, once.
func (n *Node) Pause() (resume func(), err error) {
	if !n.acquire() {
		return nil, ErrClosed
	}
	close(*n.frozen.Load())
	return n.goOn, nil
}

// goOn lets a paused node go on. What its master has written meanwhile comes first.
func (n *Node) goOn() {
	if n.life.Err() != nil {
		return // a closed node does not
	}
	n.deliver()
	n.thaw()
	n.release()
	if master := n.master(); master != nil {
		_ = master.Redeliver() // a paused one does so when it goes on
	}
}

func (n *Node) thaw() {
	frozen := make(chan struct{})
	n.frozen.Store(&frozen)
}

// View calls look with what the node knows of its cluster. Look must not keep it.
func (n *Node) View(look func(*view.View)) error {
	if !n.acquire() {
		return ErrClosed
	}
	defer n.release()
	look(n.view)
	return nil
}

// Change calls change with what the node knows of its cluster, and lets what it changes
// take effect: clients that wait for keys which are now elsewhere are told.
func (n *Node) Change(change func(*view.View)) error {
	if !n.acquire() {
		return ErrClosed
	}
	defer n.release()
	change(n.view)
	n.viewChanged()
	return nil
}

// viewChanged is to be called after every change of the view. It does what follows.
func (n *Node) viewChanged() {
	changes := n.view.TakeChanges()
	for _, slot := range changes.Dirty {
		for key := range n.keys.slots[slot] {
			n.keys.remove(key)
			n.propagate(n.now(), [][]byte{[]byte("del"), []byte(key)})
		}
	}
	if changes.Master != nil {
		n.unblockAll()
	}
	if n.cfg.Changed != nil && (changes.Announce || changes.Master != nil) {
		n.cfg.Changed()
	}
	n.recheckBlocked()
}

func (n *Node) now() time.Time { return n.cfg.Clock.Now().Truncate(time.Millisecond) }
