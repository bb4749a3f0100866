// Package routing sends commands to the nodes of a cluster that serve their slots,
// and follows the cluster when it changes.
//
// A Router turns commands into ops (prepare.go) and runs them (run.go): it routes a
// list of ops by one snapshot of the slot map, sends each node its share, asks the
// Policy about those that failed, and sends those again until none is open.
package routing

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/singleflight"

	"github.com/slotmesh/slotmesh/internal/wire"
	"github.com/slotmesh/slotmesh/slotmap"
)

// Options make a Router.
type Options struct {
	// Seeds are the addresses, host:port, that the slot map is first asked of, and
	// again when no known node answers. At least one.
	Seeds []string
	// Connect returns go-redis's options for connections to the node at addr. Of them
	// count Addr, Network, Dialer, TLSConfig, the timeouts, the credentials and their
	// providers, ClientName and Protocol, with the defaults of go-redis.
	Connect func(addr string) *redis.Options
	// Policy decides about redirections and retries.
	Policy Policy
	// RetryBudget is how many retries per second all commands together may make for each node.
	// One that is over waits for its turn, if that comes within 2 s, and else is not made. 0:
	// no bound.
	RetryBudget int
	// Split, if set, is asked about commands whose keys lie in several slots. Without
	// it, and for commands that it does not split, they are ErrCrossSlot.
	Split Splitter
	// Trace hooks are called as things happen. nil: none.
	Trace *Trace
	// Refresh is how the slot map is kept: see slotmap.CacheOptions. Its OnRefresh is
	// not called: use Trace.Refresh. Nodes are asked five times a second at most, unless
	// MinInterval is -1.
	Refresh slotmap.CacheOptions
}

// Splitter cuts a command whose keys lie in several slots into ops for one slot
// each. keys are the positions of the keys in the arguments. finish, called once all
// ops have run, gives cmd its reply and its error, which it returns. ok is false for a
// command that must run as a whole.
type Splitter func(cmd redis.Cmder, keys []int) (ops []*Op, finish func() error, ok bool)

// Router sends commands to the right nodes. It is safe for concurrent use. Make one
// with New.
type Router struct {
	opts      Options
	policy    Policy
	trace     *Trace
	stats     counters
	cache     *slotmap.Cache
	nodes     *nodes
	replays   replays
	exchanges exchanges
	calls     calls
	snapshot  atomic.Pointer[snapshot]
	next      atomic.Uint64 // spreads ops without keys over the masters

	learned  learned // commands that the table lacks
	learning singleflight.Group

	ctx      context.Context // done once the router is closed
	cancel   context.CancelFunc
	spawning sync.Mutex     // held to add to spawned, so that none is added after Close
	spawned  sync.WaitGroup // goroutines of the router's own
	stripes  stripes
	closing  atomic.Bool
	drained  chan struct{} // told when inflight reaches zero while closing

	crowd     wire.Crowd
	questions questions // for the slot map
}

// New returns a Router that has loaded the slot map. It fails when no seed answers
// with a map that has a slot served, naming each seed and why.
func New(ctx context.Context, opts Options) (*Router, error) {
	if ctx == nil {
		return nil, errors.New("nil context")
	}
	if len(opts.Seeds) == 0 {
		return nil, errors.New("no seed addresses")
	}
	if err := contextEnded(ctx); err != nil {
		return nil, err
	}
	r := &Router{opts: opts, policy: opts.Policy, trace: opts.Trace, drained: make(chan struct{}, 1)}
	r.questions.unlimited = opts.Refresh.MinInterval < 0
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.nodes = newNodes(func(addr string) *node {
		return newNode(addr, peerOptions(opts.Connect(addr), &r.crowd), opts.RetryBudget)
	})
	refresh := opts.Refresh
	refresh.OnRefresh = r.refreshed
	var first atomic.Pointer[slotmap.Map]
	r.cache = slotmap.NewCache(func(ctx context.Context) (*slotmap.Map, error) {
		if slots := first.Swap(nil); slots != nil {
			return slots, nil
		}
		return r.ask(ctx)
	}, refresh)
	r.cache.Subscribe(func(d slotmap.Delta) {
		if snap := r.nodes.adopt(d.To); snap != nil {
			r.snapshot.Store(snap)
			r.trace.mapChanged(d)
		}
	})
	// The caller's context bounds the first question itself, so that the error tells
	// of each seed also when it ends.
	slots, err := r.ask(ctx)
	if err == nil {
		first.Store(slots)
		err = r.cache.Refresh(ctx)
	}
	if err != nil {
		r.Close()
		if why := contextEnded(ctx); why != nil && !errors.Is(err, why) {
			err = fmt.Errorf("%w: %w", why, err)
		}
		return nil, err
	}
	return r, nil
}

// Process routes one command and waits for its reply, which cmd then has. It
// returns cmd's error.
func (r *Router) Process(ctx context.Context, cmd redis.Cmder) error {
	if ctx == nil {
		err := errors.New("nil context")
		cmd.SetErr(err)
		return err
	}
	c := r.calls.get(r)
	r.prepare(ctx, cmd, &c.prepared)
	if len(c.ops) > 0 {
		_ = r.run(ctx, c.ops, c)
	}
	err := c.finish(cmd)
	r.calls.put(c)
	return err
}

// ProcessPipeline routes commands, all at once, and waits for their replies. Each
// command has its own error afterwards; the first of them is returned. Commands for
// one slot run in the order given. Commands between a first MULTI and a last EXEC,
// as go-redis's TxPipeline sends them, are one transaction.
//
// A command that the command table lacks is asked about first, and the others wait for
// that.
//
// When a node redirects or refuses some commands of a slot, only those are sent
// again: a later command of the same slot that was not refused has then run before
// them.
func (r *Router) ProcessPipeline(ctx context.Context, cmds []redis.Cmder) error {
	if ctx == nil {
		return setErrs(cmds, errors.New("nil context"))
	}
	if isTransaction(cmds) {
		op, err := r.prepareTransaction(ctx, cmds)
		if err != nil {
			return setErrs(cmds, err)
		}
		return r.Run(ctx, []*Op{op})
	}
	ops := make([]*Op, 0, len(cmds))
	calls := make([]prepared, len(cmds))
	for i, cmd := range cmds {
		r.prepare(ctx, cmd, &calls[i])
		ops = append(ops, calls[i].ops...)
	}
	if len(ops) > 0 {
		_ = r.Run(ctx, ops)
	}
	var first error
	for i := range calls {
		if err := calls[i].finish(cmds[i]); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// SlotMap returns the current slot map.
func (r *Router) SlotMap() *slotmap.Map { return r.snapshot.Load().slots }

// Refresh loads the slot map anew and returns when it is in use. It asks for at most
// Options.Refresh.Timeout. The error is ctx's, ErrClosed, or why no node answered; the map
// is then what it was.
func (r *Router) Refresh(ctx context.Context) error {
	if ctx == nil {
		return errors.New("nil context")
	}
	err := r.cache.Refresh(ctx)
	if errors.Is(err, slotmap.ErrClosed) {
		return ErrClosed
	}
	return err
}

// Subscribe calls fn with the current slot map, as a Delta from nil, before it returns,
// and then with every change, one at a time and in order, until cancel is called. fn must
// not block, nor call the router, SlotMap excepted.
func (r *Router) Subscribe(fn func(slotmap.Delta)) (cancel func()) { return r.cache.Subscribe(fn) }

// Stats returns what the router has done so far.
func (r *Router) Stats() Stats { return r.stats.read(&r.stripes) }

// PoolStats returns the connections to all nodes in the terms of go-redis's pools: Misses
// are the connections that were dialled, Timeouts the commands that could not borrow one in
// time, IdleConns those of TotalConns that are kept to be borrowed.
func (r *Router) PoolStats() *redis.PoolStats { return r.nodes.poolStats() }

// enter counts a call of Run, unless the router is closed or closing. What Hold admitted
// may go on until it is closed.
func (r *Router) enter(ctx context.Context, s *stripe) error {
	if ctx == nil {
		return errors.New("nil context")
	}
	s.inflight.Add(1)
	if r.closing.Load() && ctx.Value(heldKey{}) != r {
		r.leave(s)
		return ErrClosed
	}
	return nil
}

// Hold lets a caller who calls Run several times finish: until release is called, which
// must happen, Shutdown waits, and takes what is run with the context held. Close does not
// wait. held must not be used after release; release may be called more than once. The
// error is ErrClosed if the router takes no more commands.
func (r *Router) Hold(ctx context.Context) (held context.Context, release func(), err error) {
	s := r.stripes.one()
	if err := r.enter(ctx, s); err != nil {
		return nil, nil, err
	}
	return context.WithValue(ctx, heldKey{}, r), sync.OnceFunc(func() { r.leave(s) }), nil
}

type heldKey struct{}

func (r *Router) leave(s *stripe) {
	if s.inflight.Add(-1); r.closing.Load() && r.stripes.inflight() == 0 {
		select {
		case r.drained <- struct{}{}:
		default:
		}
	}
}

// Shutdown takes no more commands, but those of batches that run, waits for those that
// run until ctx ends, and closes the router. If it did not wait for all the error is
// ctx's, or ErrClosed if somebody called Close.
func (r *Router) Shutdown(ctx context.Context) error {
	if ctx == nil {
		return errors.New("nil context")
	}
	r.closing.Store(true)
	var err error
	for r.stripes.inflight() > 0 && err == nil {
		select {
		case <-r.drained:
		case <-r.ctx.Done():
			err = ErrClosed
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	r.Close()
	return err
}

// Close ends all commands with ErrClosed, and all connections. It may be called
// more than once.
func (r *Router) Close() {
	r.closing.Store(true)
	r.cancel()
	r.cache.Close()
	r.nodes.close()
	r.spawning.Lock()
	defer r.spawning.Unlock()
	r.spawned.Wait()
}

// own counts a goroutine that Close waits for, until r.spawned.Done. It is false once
// the router is closed.
func (r *Router) own() bool {
	r.spawning.Lock()
	defer r.spawning.Unlock()
	if r.ctx.Err() != nil {
		return false
	}
	r.spawned.Add(1)
	return true
}

// spawn runs f on a goroutine of the router's own, unless the router is closed.
func (r *Router) spawn(f func()) {
	if !r.own() {
		return
	}
	go func() {
		defer r.spawned.Done()
		f()
	}()
}
