// Package realcluster starts real redis-server processes for tests: a cluster,
// or one plain server, on free ports of 127.0.0.1, with verbs to disturb it.
//
//	c := realcluster.Start(t, realcluster.Config{Replicas: 1})
//	addrs := c.Addrs()
//	err := c.Kill(c.Masters()[0])
//
// The redis-server is the one on PATH. Where there is none, [Start] skips the
// test, or fails it if the environment says SLOTMESH_REDIS=require.
//
// On Linux the processes end with the process that started them, however that
// ends. Elsewhere they end with Close, and may outlive a test binary that is
// killed.
package realcluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Config says what to start. The zero Config is a cluster of three masters
// without replicas.
type Config struct {
	// Masters is the number of masters. Defaults to 3. The slots are split
	// evenly among them, in order.
	Masters int

	// Replicas is the number of replicas of each master. Defaults to 0.
	Replicas int

	// NodeTimeout is cluster-node-timeout, to the millisecond: a node out of
	// reach for that long is suspected, and a replica's election starts soon
	// after. Defaults to 2 s.
	NodeTimeout time.Duration

	// ConfigLines are further redis.conf directives for every node, such as
	// "maxmemory 10mb". They come last, so they win over what the package sets.
	ConfigLines []string

	// Standalone starts one plain server, cluster mode off, instead of a
	// cluster. Masters and Replicas are ignored.
	Standalone bool

	// Password is the requirepass and masterauth of every node. Defaults to none.
	Password string
}

func (cfg Config) withDefaults() (Config, error) {
	if cfg.Masters < 0 || cfg.Replicas < 0 || cfg.NodeTimeout < 0 {
		return cfg, fmt.Errorf("negative Masters (%d), Replicas (%d) or NodeTimeout (%v)",
			cfg.Masters, cfg.Replicas, cfg.NodeTimeout)
	}
	if cfg.Masters == 0 {
		cfg.Masters = 3
	}
	if cfg.Standalone {
		cfg.Masters, cfg.Replicas = 1, 0
	}
	if cfg.NodeTimeout == 0 {
		cfg.NodeTimeout = 2 * time.Second
	}
	return cfg, nil
}

// Cluster is a set of running redis-server processes. Its methods are safe for
// concurrent use. Their errors name the node and the step.
type Cluster struct {
	cfg    Config
	binary string
	major  int // version of binary
	dir    string
	spawn  *spawner

	// nodes holds masters first; replica i belongs to master i mod Masters.
	// Once New has returned, the slice no longer changes.
	nodes []*node

	closed    atomic.Bool
	closeOnce sync.Once
	closeErr  error

	mu         sync.Mutex
	migrations map[uint16]migration // the open slots
}

var errClosed = errors.New("the cluster is closed")

// New starts what cfg describes and returns when it is ready, as [Cluster.WaitReady]
// understands it. A cluster takes more than two seconds: that long does a master
// that has just started refuse to serve. The caller must call Close, which also
// removes the temporary directory that the nodes work in.
//
// If ctx ends first, or a process does not start, New leaves nothing behind.
func New(ctx context.Context, cfg Config) (*Cluster, error) {
	c, err := prepare(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("realcluster: start: %w", err)
	}
	if err := c.bringUp(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("realcluster: start: %w", err), c.Close())
	}
	return c, nil
}

func prepare(ctx context.Context, cfg Config) (*Cluster, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	binary, err := Find()
	if err != nil {
		return nil, err
	}
	major, err := majorVersion(ctx, binary)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "realcluster-")
	if err != nil {
		return nil, err
	}
	c := &Cluster{
		cfg: cfg, binary: binary, major: major, dir: dir,
		spawn:      newSpawner(),
		nodes:      make([]*node, cfg.Masters*(1+cfg.Replicas)),
		migrations: map[uint16]migration{},
	}
	for i := range c.nodes {
		c.nodes[i] = &node{}
	}
	return c, nil
}

func (c *Cluster) bringUp(ctx context.Context) error {
	if err := c.launchAll(ctx); err != nil {
		return err
	}
	if c.cfg.Standalone {
		return nil
	}
	if err := c.form(ctx); err != nil {
		return err
	}
	return c.awaitReady(ctx)
}

// Addrs returns the addresses of all nodes, "127.0.0.1:port", masters first, then
// the replicas: the first of each master, in the order of the masters, then the
// second of each, and so on. Nodes that are down are included.
func (c *Cluster) Addrs() []string {
	addrs := make([]string, len(c.nodes))
	for i, n := range c.nodes {
		addrs[i] = n.addr
	}
	return addrs
}

// Masters returns the addresses of the nodes that started as masters, in the
// order of their slots.
func (c *Cluster) Masters() []string { return c.Addrs()[:c.cfg.Masters] }

// Close kills the processes, waits for them to end and removes their files.
// Further calls return what the first returned.
func (c *Cluster) Close() error {
	c.closeOnce.Do(func() { c.closeErr = c.close() })
	return c.closeErr
}

func (c *Cluster) close() error {
	c.closed.Store(true)
	var errs []error
	for _, n := range c.nodes {
		if err := n.retire(); err != nil {
			errs = append(errs, fmt.Errorf("realcluster: close: kill %s: %w", n.addr, err))
		}
	}
	c.spawn.stop()
	if err := os.RemoveAll(c.dir); err != nil {
		errs = append(errs, fmt.Errorf("realcluster: close: %w", err))
	}
	return errors.Join(errs...)
}
