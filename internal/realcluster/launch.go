package realcluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

const configName = "redis.conf"

var errPortTaken = errors.New("somebody else has bound the port")

// launchAll starts every node, all at once, and waits until they answer.
func (c *Cluster) launchAll(ctx context.Context) error {
	errs := make([]error, len(c.nodes))
	var wg sync.WaitGroup
	for i, n := range c.nodes {
		wg.Go(func() { errs[i] = c.launch(ctx, n) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// launch gives the node an address and starts it there, and again elsewhere if
// somebody else is faster to bind the port.
func (c *Cluster) launch(ctx context.Context, n *node) error {
	for {
		if err := c.settle(n); err != nil {
			return fmt.Errorf("prepare a node: %w", err)
		}
		err := c.run(ctx, n)
		if err == nil {
			return nil
		}
		if !errors.Is(err, errPortTaken) {
			return fmt.Errorf("node %s: %w", n.addr, err)
		}
	}
}

// settle gives the node a port, and a directory with its configuration.
func (c *Cluster) settle(n *node) (err error) {
	if n.port, err = freePort(); err != nil {
		return fmt.Errorf("find a free port: %w", err)
	}
	n.addr = loopback(n.port)
	if n.dir, err = os.MkdirTemp(c.dir, "node-"); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(n.dir, configName), []byte(c.configFor(n)), 0o600)
}

// configFor returns the redis.conf of the node. Its directory is the process's
// working directory.
func (c *Cluster) configFor(n *node) string {
	lines := []string{
		"bind 127.0.0.1",
		"port " + strconv.Itoa(n.port),
		"protected-mode no",
		"daemonize no",
		`save ""`,
		"appendonly no",
		// A replica need not wait 5 s for others that might want the same transfer.
		"repl-diskless-sync-delay 0",
		// CLUSTER SLOTS leaves out a replica whose offset is 0, which on an idle
		// master is until the first ping: by default after 10 s.
		"repl-ping-replica-period 1",
	}
	if c.cfg.Password != "" {
		lines = append(lines,
			"requirepass "+strconv.Quote(c.cfg.Password),
			"masterauth "+strconv.Quote(c.cfg.Password))
	}
	if !c.cfg.Standalone {
		lines = append(lines,
			"cluster-enabled yes",
			"cluster-config-file nodes.conf",
			fmt.Sprintf("cluster-node-timeout %d", c.cfg.NodeTimeout.Milliseconds()))
	}
	if c.major >= 7 {
		lines = append(lines, "enable-debug-command yes")
	}
	lines = append(lines, c.cfg.ConfigLines...)
	return strings.Join(lines, "\n") + "\n"
}

// run starts a process for the node, in place of one that runs, and returns when
// it answers PING.
func (c *Cluster) run(ctx context.Context, n *node) error {
	p, err := n.start(c.spawn, c.binary)
	if err != nil {
		return err
	}
	// A stranger that has taken the port may accept connections and never answer.
	asking, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-p.ended:
			cancel()
		case <-asking.Done():
		}
	}()
	err = poll(asking, func(ctx context.Context) (done bool, why error) {
		why = c.answers(ctx, n, p)
		return why == nil, why
	})
	if err != nil && p.hasEnded() {
		return diagnose(n, p)
	}
	return err
}

// diagnose says why the process ended although nobody asked it to.
func diagnose(n *node, p *process) error {
	tail := n.logTail()
	if strings.Contains(tail, "Address already in use") {
		return errPortTaken
	}
	return fmt.Errorf("redis-server ended (%v), its log ends:\n%s", p.cmd.ProcessState, tail)
}

// answers returns nil if it is p that answers at the node's address, and not a
// stranger that has taken the port.
func (c *Cluster) answers(ctx context.Context, n *node, p *process) error {
	if _, err := c.call(ctx, n, "PING"); err != nil {
		return err
	}
	info, err := c.info(ctx, n, "server")
	if err != nil {
		return err
	}
	if info["process_id"] != strconv.Itoa(p.pid()) {
		return fmt.Errorf("%s is served by process %s, not %d", n.addr, info["process_id"], p.pid())
	}
	return nil
}
