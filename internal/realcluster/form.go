package realcluster

import (
	"context"
	"fmt"
	"strings"
)

const slots = 16384

// form makes a cluster of nodes that answer but do not know each other yet.
func (c *Cluster) form(ctx context.Context) error {
	for i, n := range c.nodes {
		// Epochs that differ from the start need no collision resolved.
		if _, err := c.call(ctx, n, "CLUSTER", "SET-CONFIG-EPOCH", i+1); err != nil {
			return err
		}
	}
	masters := c.nodes[:c.cfg.Masters]
	for i, n := range masters {
		if _, err := c.call(ctx, n, c.claim(share(i, len(masters)))...); err != nil {
			return err
		}
	}
	if err := c.meet(ctx); err != nil {
		return err
	}
	for i, n := range c.nodes[c.cfg.Masters:] {
		if err := c.replicate(ctx, n, masters[i%len(masters)]); err != nil {
			return err
		}
	}
	return nil
}

// share returns the slots of master i of n, rounded as redis-cli rounds them.
func share(i, n int) (first, last int) {
	bound := func(i int) int { return (2*i*slots + n) / (2 * n) }
	return bound(i), bound(i+1) - 1
}

// claim returns the command that assigns the slots to the node that gets it.
func (c *Cluster) claim(first, last int) []any {
	if c.major >= 7 {
		return []any{"CLUSTER", "ADDSLOTSRANGE", first, last}
	}
	cmd := []any{"CLUSTER", "ADDSLOTS"}
	for s := first; s <= last; s++ {
		cmd = append(cmd, s)
	}
	return cmd
}

// meet introduces every node to every other. One introduction for each would do,
// and gossip spread the rest, but slower.
func (c *Cluster) meet(ctx context.Context) error {
	for i, n := range c.nodes {
		for _, other := range c.nodes[i+1:] {
			if _, err := c.call(ctx, n, "CLUSTER", "MEET", "127.0.0.1", other.port); err != nil {
				return err
			}
		}
	}
	return nil
}

// replicate makes n a replica of master as soon as n has heard of it.
func (c *Cluster) replicate(ctx context.Context, n, master *node) error {
	id, err := c.id(ctx, master)
	if err != nil {
		return err
	}
	return poll(ctx, func(ctx context.Context) (done bool, why error) {
		_, err := c.call(ctx, n, "CLUSTER", "REPLICATE", id)
		unknown := err != nil && strings.Contains(err.Error(), "Unknown node")
		return !unknown, err
	})
}

func (c *Cluster) id(ctx context.Context, n *node) (string, error) {
	reply, err := c.call(ctx, n, "CLUSTER", "MYID")
	if err != nil {
		return "", err
	}
	id, ok := reply.(string)
	if !ok {
		return "", fmt.Errorf("CLUSTER MYID to %s: unexpected reply %T", n.addr, reply)
	}
	return id, nil
}
