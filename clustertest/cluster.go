package clustertest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/internal/refnode"
	"github.com/slotmesh/slotmesh/internal/refnode/transport"
	"github.com/slotmesh/slotmesh/internal/refnode/view"
)

// Config says what cluster to start. The zero Config is three masters without replicas.
type Config struct {
	// Masters is the number of masters. Defaults to 3. The slots are split evenly among
	// them, in order.
	Masters int

	// Replicas is the number of replicas of each master. Defaults to 0.
	Replicas int

	// Port is the port of the first node; the others have those that follow. Defaults to
	// free ports.
	Port int

	// Password is what clients must authenticate with, as user default. Defaults to none.
	Password string

	// InMemory keeps all connections in memory: nobody reaches the nodes but through
	// Dial. That is what a testing/synctest bubble needs, where time is virtual. By
	// default the nodes listen on 127.0.0.1.
	InMemory bool

	// OnEvent is called with every event as it happens, one at a time. It must not call
	// the Cluster. Defaults to nothing; Events returns them all.
	OnEvent func(Event)
}

func (cfg Config) withDefaults() (Config, error) {
	if cfg.Masters == 0 {
		cfg.Masters = 3
	}
	nodes := cfg.Masters * (1 + cfg.Replicas)
	switch {
	case cfg.Masters < 0 || cfg.Masters > hashtag.Slots:
		return cfg, fmt.Errorf("clustertest: %d masters: there must be 1 to %d", cfg.Masters, hashtag.Slots)
	case cfg.Replicas < 0:
		return cfg, fmt.Errorf("clustertest: %d replicas of each master", cfg.Replicas)
	case cfg.Port < 0 || cfg.Port > 0 && cfg.Port+nodes-1 > 65535:
		return cfg, fmt.Errorf("clustertest: %d nodes from port %d on: the last port is 65535", nodes, cfg.Port)
	}
	return cfg, nil
}

// A Cluster is a Redis Cluster in this process. Its methods are safe for concurrent use.
type Cluster struct {
	cfg     Config
	network transport.Network
	members []*member // masters first; never changes
	log     eventLog
	turn    chan struct{} // held while the topology is changed
	round   chan struct{} // held by spread; a channel, since what it waits for may be virtual time
	work    sync.WaitGroup

	mu     sync.Mutex
	links  map[[2]*member]*transport.Gate // between nodes
	moving map[uint16]move                // open slots
	due    bool                           // a spread is to come
	closed bool
}

// Start is New for a test: the cluster ends with the test, and if that fails, it logs
// what happened to the cluster.
func Start(tb testing.TB, cfg Config) *Cluster {
	tb.Helper()
	c, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = c.Close()
		if tb.Failed() {
			tb.Logf("the cluster's events:\n%s", c.log.String())
		}
	})
	return c
}

// New starts a cluster and returns when it serves all slots. The caller must call Close.
func New(cfg Config) (*Cluster, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Cluster{
		cfg: cfg, network: transport.TCP(), turn: make(chan struct{}, 1), round: make(chan struct{}, 1),
		due:   true, // at the end of start
		links: map[[2]*member]*transport.Gate{}, moving: map[uint16]move{},
	}
	c.log.report = cfg.OnEvent
	if cfg.InMemory {
		c.network = transport.NewMemory()
	}
	if err := c.start(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	c.log.add("the cluster is up: masters %d, replicas of each %d", cfg.Masters, cfg.Replicas)
	return c, nil
}

// start starts all nodes and makes them a cluster.
func (c *Cluster) start() error {
	for i := range c.cfg.Masters * (1 + c.cfg.Replicas) {
		m := &member{cluster: c, gate: transport.NewGate(), pausing: make(chan struct{}, 1)}
		if c.cfg.Port > 0 {
			m.addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(c.cfg.Port+i))
		}
		if err := m.start(context.Background()); err != nil {
			return err
		}
		c.members = append(c.members, m)
	}
	for i, m := range c.members {
		if err := c.assign(i, m); err != nil {
			return err
		}
	}
	c.spread()
	return nil
}

// assign gives the member of number i its role and its slots.
func (c *Cluster) assign(i int, m *member) error {
	n := c.cfg.Masters
	if i >= n {
		master, err := c.members[i%n].node.Says()
		if err != nil {
			return err
		}
		return m.node.Change(func(v *view.View) {
			v.Meet(master.Node)
			v.BecomeReplica(master.Node.ID)
		})
	}
	var slots []uint16
	for slot := firstSlot(i, n); slot < firstSlot(i+1, n); slot++ {
		slots = append(slots, uint16(slot))
	}
	var errs [2]error
	err := m.node.Change(func(v *view.View) {
		errs[0] = v.SetConfigEpoch(int64(i + 1))
		errs[1] = v.AddSlots(slots...)
	})
	return errors.Join(err, errs[0], errs[1])
}

// firstSlot returns the first slot of master i of n, as redis-cli splits them.
func firstSlot(i, n int) int { return int(math.Round(float64(i) * hashtag.Slots / float64(n))) }

// Close ends all nodes. It returns when nothing of the cluster runs any more. Further
// calls do nothing.
func (c *Cluster) Close() error {
	c.mu.Lock()
	closed := c.closed
	c.closed = true
	c.mu.Unlock()
	if closed {
		return nil
	}
	err := c.stop()
	c.turn <- struct{}{} // a Restart that was under way may have started a node
	err = errors.Join(err, c.stop())
	<-c.turn
	c.work.Wait()
	return err
}

func (c *Cluster) stop() error {
	var errs []error
	for _, m := range c.members {
		_, err := m.stop()
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (c *Cluster) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// Addrs returns the addresses of all nodes, "127.0.0.1:port": first those that started as
// masters, in the order of their slots, then the replicas, the first of each master, then
// the second of each. Nodes that are down are included.
func (c *Cluster) Addrs() []string {
	addrs := make([]string, len(c.members))
	for i, m := range c.members {
		addrs[i] = m.addr
	}
	return addrs
}

// Masters returns the addresses of the nodes that started as masters, in the order of
// their slots.
func (c *Cluster) Masters() []string { return c.Addrs()[:c.cfg.Masters] }

// Dial connects to the node at addr as a client does, wherever the nodes listen. It fits
// the Dialer of slotmesh.Options and of go-redis's, but for the network in the middle,
// which Dialer takes too.
func (c *Cluster) Dial(ctx context.Context, addr string) (net.Conn, error) {
	return c.network.Dial(ctx, addr)
}

// Dialer is Dial in the shape of a Dialer option. The network is ignored.
func (c *Cluster) Dialer(ctx context.Context, _, addr string) (net.Conn, error) {
	return c.Dial(ctx, addr)
}

// Do sends one command to one node, on a connection of its own, and returns the reply as
// go-redis decodes it from RESP2. An error reply, nil included, is a redis.Error; any
// other error means that there was no reply.
func (c *Cluster) Do(ctx context.Context, addr string, args ...any) (any, error) {
	if _, err := c.member(addr); err != nil {
		return nil, err
	}
	if len(args) == 0 {
		return nil, errors.New("clustertest: no command")
	}
	client := redis.NewClient(&redis.Options{
		Addr: addr, Protocol: 2, Password: c.cfg.Password, MaxRetries: -1,
		Dialer: c.Dialer, DialerRetries: 1, DisableIdentity: true, ReadTimeout: -1, WriteTimeout: -1,
	})
	defer func() { _ = client.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = client.Close() }) // go-redis would look at the deadline only
	defer stop()
	reply, err := client.Do(ctx, args...).Result()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	var answer redis.Error
	if err != nil && !errors.As(err, &answer) {
		return nil, fmt.Errorf("clustertest: %v at %s: %w", args[0], addr, err)
	}
	return reply, err
}

// Owner returns the address of the master that serves slot: the newest claim to it among
// the nodes that are up.
func (c *Cluster) Owner(ctx context.Context, slot uint16) (addr string, err error) {
	m, err := c.owner(slot)
	if err != nil {
		return "", err
	}
	return m.addr, ctx.Err()
}

func (c *Cluster) owner(slot uint16) (*member, error) {
	if slot >= hashtag.Slots {
		return nil, fmt.Errorf("clustertest: slot %d: there are %d", slot, hashtag.Slots)
	}
	var newest *member
	var epoch uint64
	for _, m := range c.members {
		says, err := m.says()
		if err == nil && says.Slots.Has(slot) && (newest == nil || says.Node.ConfigEpoch > epoch) {
			newest, epoch = m, says.Node.ConfigEpoch
		}
	}
	if newest == nil {
		return nil, fmt.Errorf("clustertest: slot %d: no node that is up and not paused serves it", slot)
	}
	return newest, nil
}

// member returns the node at addr.
func (c *Cluster) member(addr string) (*member, error) {
	i := slices.IndexFunc(c.members, func(m *member) bool { return m.addr == addr })
	if i < 0 {
		return nil, fmt.Errorf("clustertest: %s is not a node of this cluster", addr)
	}
	return c.members[i], nil
}

// up returns the node at addr, which must be up.
func (c *Cluster) up(addr string) (*member, *refnode.Node, error) {
	m, err := c.member(addr)
	if err != nil {
		return nil, nil, err
	}
	node, err := m.up()
	return m, node, err
}

// enter is member and exclusive.
func (c *Cluster) enter(ctx context.Context, addr string) (m *member, done func(), err error) {
	if m, err = c.member(addr); err != nil {
		return nil, nil, err
	}
	done, err = c.exclusive(ctx)
	return m, done, err
}

// exclusive waits for the turn to change the topology; done ends it.
func (c *Cluster) exclusive(ctx context.Context) (done func(), err error) {
	if ctx.Err() != nil {
		return nil, fmt.Errorf("clustertest: %w", ctx.Err())
	}
	select {
	case c.turn <- struct{}{}:
		return func() { <-c.turn }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("clustertest: wait for another change of the topology: %w", ctx.Err())
	}
}
