package realcluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// WaitReady returns when the live nodes (those that run and are not paused) are a
// working cluster: each says cluster_state:ok, all agree on who serves which
// slots, those who serve are live, and each live replica is listed in CLUSTER
// SLOTS and, if its master is live, linked to it. After a Kill of a master that
// means: when a replica has taken over.
//
// When ctx ends first, the error says what was still missing. A standalone
// server is ready when it answers PING.
func (c *Cluster) WaitReady(ctx context.Context) error {
	if err := c.awaitReady(ctx); err != nil {
		return fmt.Errorf("realcluster: wait until ready: %w", err)
	}
	return nil
}

func (c *Cluster) awaitReady(ctx context.Context) error {
	return poll(ctx, func(ctx context.Context) (done bool, why error) {
		if c.closed.Load() {
			return true, errClosed
		}
		why = c.unready(ctx, c.live())
		return why == nil, why
	})
}

// unready returns the first thing that is not as WaitReady wants it, or nil.
func (c *Cluster) unready(ctx context.Context, live []*node) error {
	if len(live) == 0 {
		return errors.New("no node is live")
	}
	if c.cfg.Standalone {
		_, err := c.call(ctx, live[0], "PING")
		return err
	}
	agreed, err := c.agreement(ctx, live)
	if err != nil {
		return err
	}
	isLive := func(addr string) bool {
		return slices.ContainsFunc(live, func(n *node) bool { return n.addr == addr })
	}
	for _, r := range agreed {
		if !isLive(r.addrs[0]) {
			return fmt.Errorf("slots %d-%d belong to %s, which is not live", r.first, r.last, r.addrs[0])
		}
	}
	for _, n := range live {
		if err := c.replicaUnready(ctx, n, agreed, isLive); err != nil {
			return err
		}
	}
	return nil
}

// agreement returns the view that all the nodes share, if they do.
func (c *Cluster) agreement(ctx context.Context, live []*node) (agreed view, err error) {
	for i, n := range live {
		if err := c.stateOK(ctx, n); err != nil {
			return nil, err
		}
		v, err := c.view(ctx, n)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			agreed = v
		} else if !v.equal(agreed) {
			return nil, fmt.Errorf("%s and %s do not agree on the slots", live[0].addr, n.addr)
		}
	}
	return agreed, nil
}

func (c *Cluster) stateOK(ctx context.Context, n *node) error {
	reply, err := c.call(ctx, n, "CLUSTER", "INFO")
	if err != nil {
		return err
	}
	info, err := fields(reply)
	if err != nil {
		return fmt.Errorf("CLUSTER INFO to %s: %w", n.addr, err)
	}
	if state := info["cluster_state"]; state != "ok" {
		return fmt.Errorf("%s says cluster_state:%s", n.addr, state)
	}
	return nil
}

// replicaUnready returns nil if n is a master, or a replica as WaitReady wants it.
func (c *Cluster) replicaUnready(ctx context.Context, n *node, agreed view, isLive func(string) bool) error {
	info, err := c.info(ctx, n, "replication")
	if err != nil {
		return err
	}
	if info["role"] != "slave" {
		return nil
	}
	if !agreed.lists(n.addr) {
		return fmt.Errorf("replica %s is not listed in CLUSTER SLOTS", n.addr)
	}
	master := info["master_host"] + ":" + info["master_port"]
	if isLive(master) && info["master_link_status"] != "up" {
		return fmt.Errorf("replica %s is not linked to its master %s", n.addr, master)
	}
	return nil
}
