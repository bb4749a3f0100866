package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/slotmap"
)

// mover moves one slot from one node to another, as redis-cli --cluster reshard does. It
// has connections to single nodes: what moves a slot is said to nodes, not to the cluster.
type mover struct {
	slot         uint16
	from, to     *redis.Client
	fromID, toID string
	masters      []*redis.Client // all, from and to among them
	opts         slotmesh.Options
}

func newMover(slot uint16, from, to string, slots *slotmap.Map, opts slotmesh.Options) *mover {
	m := &mover{slot: slot, opts: opts}
	for _, shard := range slots.Shards() {
		node := redis.NewClient(&redis.Options{
			Addr: shard.Master.Addr, Username: opts.Username, Password: opts.Password, TLSConfig: opts.TLSConfig,
		})
		m.masters = append(m.masters, node)
		switch shard.Master.Addr {
		case from:
			m.from = node
		case to:
			m.to = node
		}
	}
	return m
}

func (m *mover) close() {
	for _, node := range m.masters {
		_ = node.Close()
	}
}

// begin opens the slot: the new node imports it, then the old one migrates it.
func (m *mover) begin(ctx context.Context) (err error) {
	if m.from == nil || m.to == nil {
		return errors.New("no longer a master")
	}
	if m.fromID, err = m.from.Do(ctx, "cluster", "myid").Text(); err != nil {
		return err
	}
	if m.toID, err = m.to.Do(ctx, "cluster", "myid").Text(); err != nil {
		return err
	}
	if err := m.to.Do(ctx, "cluster", "setslot", m.slot, "importing", m.fromID).Err(); err != nil {
		return err
	}
	return m.from.Do(ctx, "cluster", "setslot", m.slot, "migrating", m.toID).Err()
}

// keys moves keys of the slot.
func (m *mover) keys(ctx context.Context, keys []string) error {
	host, port, err := net.SplitHostPort(m.to.Options().Addr)
	if err != nil {
		return err
	}
	cmd := []any{"migrate", host, port, "", 0, 5000}
	switch {
	case m.opts.Username != "":
		cmd = append(cmd, "auth2", m.opts.Username, m.opts.Password)
	case m.opts.Password != "":
		cmd = append(cmd, "auth", m.opts.Password)
	}
	cmd = append(cmd, "keys")
	for _, key := range keys {
		cmd = append(cmd, key)
	}
	return m.from.Do(ctx, cmd...).Err()
}

// rest moves the keys that are left in the slot.
func (m *mover) rest(ctx context.Context) error {
	for {
		keys, err := m.from.ClusterGetKeysInSlot(ctx, int(m.slot), 100).Result()
		if err != nil || len(keys) == 0 {
			return err
		}
		if err := m.keys(ctx, keys); err != nil {
			return err
		}
	}
}

// finish gives the slot to its new node, tells all masters, and waits until they know
// how new that is: a node that did not would believe an older claim to the slot.
func (m *mover) finish(ctx context.Context) error {
	nodes := append([]*redis.Client{m.to, m.from}, m.masters...)
	for _, node := range nodes {
		if err := node.Do(ctx, "cluster", "setslot", m.slot, "node", m.toID).Err(); err != nil {
			return fmt.Errorf("%s: %w", node.Options().Addr, err)
		}
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for _, node := range m.masters {
		for {
			same, err := m.agree(ctx, node)
			if err != nil {
				return err
			}
			if same {
				break
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return fmt.Errorf("%s has not heard of the new owner: %w", node.Options().Addr, ctx.Err())
			}
		}
	}
	return nil
}

// agree reports whether node knows the configuration epoch of the new owner.
func (m *mover) agree(ctx context.Context, node *redis.Client) (bool, error) {
	own, err := m.epoch(ctx, m.to)
	if err != nil {
		return false, err
	}
	seen, err := m.epoch(ctx, node)
	return seen == own, err
}

// epoch returns the configuration epoch of the new owner as node knows it.
func (m *mover) epoch(ctx context.Context, node *redis.Client) (string, error) {
	lines, err := node.ClusterNodes(ctx).Result()
	if err != nil {
		return "", fmt.Errorf("%s: %w", node.Options().Addr, err)
	}
	for line := range strings.Lines(lines) {
		// <id> <addr> <flags> <master> <ping> <pong> <config-epoch> ...
		if f := strings.Fields(line); len(f) > 6 && f[0] == m.toID {
			return f[6], nil
		}
	}
	return "", fmt.Errorf("%s does not know node %s", node.Options().Addr, m.toID)
}
