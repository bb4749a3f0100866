package realcluster

import (
	"context"
	"fmt"
)

// Kill ends a node with SIGKILL and returns when its process has ended. Killing a
// node that is down does nothing.
func (c *Cluster) Kill(addr string) error {
	return c.disturb("kill", addr, (*node).kill)
}

// Pause stops a node with SIGSTOP: it keeps its connections and the kernel accepts
// new ones, but nothing is answered until Resume.
func (c *Cluster) Pause(addr string) error {
	return c.disturb("pause", addr, (*node).pause)
}

// Resume lets a paused node go on. It does nothing to a node that is not paused.
func (c *Cluster) Resume(addr string) error {
	return c.disturb("resume", addr, (*node).resume)
}

func (c *Cluster) disturb(verb, addr string, do func(*node) error) error {
	n, err := c.lookup(addr)
	if err == nil {
		err = do(n)
	}
	if err != nil {
		return fmt.Errorf("realcluster: %s %s: %w", verb, addr, err)
	}
	return nil
}

// Restart starts a node again, on the same port and in the same directory, and
// returns when it answers PING. A node that still runs is killed first.
//
// The node is the same member of the cluster as before, but unless ConfigLines
// turn persistence on it comes back without data. It takes a while to rejoin:
// see [Cluster.WaitReady].
func (c *Cluster) Restart(ctx context.Context, addr string) error {
	n, err := c.lookup(addr)
	if err == nil {
		err = c.run(ctx, n)
	}
	if err != nil {
		return fmt.Errorf("realcluster: restart %s: %w", addr, err)
	}
	return nil
}

// lookup finds the node with the given address, running or not.
func (c *Cluster) lookup(addr string) (*node, error) {
	if c.closed.Load() {
		return nil, errClosed
	}
	for _, n := range c.nodes {
		if n.addr == addr {
			return n, nil
		}
	}
	return nil, fmt.Errorf("no such node, there are %q", c.Addrs())
}

// live returns the nodes that can be expected to answer.
func (c *Cluster) live() []*node {
	var live []*node
	for _, n := range c.nodes {
		if n.live() {
			live = append(live, n)
		}
	}
	return live
}
