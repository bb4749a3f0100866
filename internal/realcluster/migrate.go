package realcluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A migration is a slot that is open: importing at one node, migrating at another.
type migration struct {
	slot     uint16
	from, to *node // nil while it is being opened
}

const migrateBatch = 100

// Migrate moves a slot, keys and all, to the node at address to, and returns when
// all live masters know. It does nothing if the slot is there already. If it
// fails half-way the slot stays open: call FinishMigration again, or
// AbortMigration.
func (c *Cluster) Migrate(ctx context.Context, slot uint16, to string) error {
	if owner, err := c.Owner(ctx, slot); err == nil && owner == to {
		return nil
	}
	if err := c.BeginMigration(ctx, slot, to); err != nil {
		return err
	}
	return c.FinishMigration(ctx, slot)
}

// BeginMigration opens a slot: importing at the node at address to, then
// migrating at its owner. From then on the owner answers ASK for keys that it
// does not hold. Every slot can be open once at a time.
func (c *Cluster) BeginMigration(ctx context.Context, slot uint16, to string) error {
	err := c.reserve(slot)
	if err == nil {
		var m migration
		if m, err = c.open(ctx, slot, to); err == nil {
			c.record(m)
		} else {
			c.forget(slot)
		}
	}
	if err != nil {
		return fmt.Errorf("realcluster: begin migration of slot %d to %s: %w", slot, to, err)
	}
	return nil
}

func (c *Cluster) open(ctx context.Context, slot uint16, addr string) (migration, error) {
	to, err := c.lookup(addr)
	if err != nil {
		return migration{}, err
	}
	from, err := c.owner(ctx, slot)
	if err != nil {
		return migration{}, err
	}
	fromID, err := c.id(ctx, from)
	if err != nil {
		return migration{}, err
	}
	toID, err := c.id(ctx, to)
	if err != nil {
		return migration{}, err
	}
	if err := c.setSlot(ctx, to, slot, "IMPORTING", fromID); err != nil {
		return migration{}, err
	}
	if err := c.setSlot(ctx, from, slot, "MIGRATING", toID); err != nil {
		return migration{}, errors.Join(err, c.setSlot(ctx, to, slot, "STABLE"))
	}
	return migration{slot: slot, from: from, to: to}, nil
}

// MoveKeys moves up to n keys of an open slot to the new owner, all that are
// there if n is negative, and returns how many it moved. A key that is at both
// nodes, which only an interrupted move or a misbehaving client can cause, ends
// up with the value that it had at the old owner.
//
// The old owner answers nobody while it moves a batch of 100 keys.
func (c *Cluster) MoveKeys(ctx context.Context, slot uint16, n int) (moved int, err error) {
	m, err := c.migration(slot)
	if err == nil {
		moved, err = c.moveKeys(ctx, m, n)
	}
	if err != nil {
		return moved, fmt.Errorf("realcluster: move keys of slot %d: %w", slot, err)
	}
	return moved, nil
}

func (c *Cluster) moveKeys(ctx context.Context, m migration, n int) (moved int, err error) {
	for n < 0 || moved < n {
		batch := migrateBatch
		if n >= 0 {
			batch = min(batch, n-moved)
		}
		keys, err := c.keysInSlot(ctx, m.from, m.slot, batch)
		if err != nil || len(keys) == 0 {
			return moved, err
		}
		if _, err := c.call(ctx, m.from, c.migrateCommand(m.to, keys)...); err != nil {
			return moved, err
		}
		moved += len(keys)
	}
	return moved, nil
}

func (c *Cluster) keysInSlot(ctx context.Context, n *node, slot uint16, limit int) ([]any, error) {
	reply, err := c.call(ctx, n, "CLUSTER", "GETKEYSINSLOT", slot, limit)
	if err != nil {
		return nil, err
	}
	keys, ok := reply.([]any)
	if !ok {
		return nil, fmt.Errorf("CLUSTER GETKEYSINSLOT to %s: unexpected reply %T", n.addr, reply)
	}
	return keys, nil
}

func (c *Cluster) migrateCommand(to *node, keys []any) []any {
	// The node that moves keys serves nobody meanwhile. If the target hangs, that
	// should not last until the others take this node for dead as well.
	timeout := max(c.cfg.NodeTimeout/2, time.Second)
	cmd := []any{"MIGRATE", "127.0.0.1", to.port, "", 0, timeout.Milliseconds(), "REPLACE"}
	if c.cfg.Password != "" {
		cmd = append(cmd, "AUTH", c.cfg.Password)
	}
	return slices.Concat(cmd, []any{"KEYS"}, keys)
}

// FinishMigration moves the keys that are left in an open slot and assigns the
// slot: at the new owner first, then at the old one, then at the other live
// nodes. It may be called again after an error.
func (c *Cluster) FinishMigration(ctx context.Context, slot uint16) error {
	m, err := c.migration(slot)
	if err == nil {
		err = c.finish(ctx, m)
	}
	if err != nil {
		return fmt.Errorf("realcluster: finish migration of slot %d: %w", slot, err)
	}
	return nil
}

func (c *Cluster) finish(ctx context.Context, m migration) error {
	if _, err := c.moveKeys(ctx, m, -1); err != nil {
		return err
	}
	id, err := c.id(ctx, m.to)
	if err != nil {
		return err
	}
	// The new owner first: were it the last, the others would send clients to a
	// node that sends them back.
	if err := c.setSlot(ctx, m.to, m.slot, "NODE", id); err != nil {
		return err
	}
	if err := c.tell(ctx, m.from, m.slot, id); err != nil {
		return err
	}
	for _, n := range c.live() {
		// A node that has gone down meanwhile learns it by gossip when it is back.
		if err := c.tell(ctx, n, m.slot, id); err != nil && n.live() {
			return err
		}
	}
	if err := c.awaitEpoch(ctx, m.to, id); err != nil {
		return err
	}
	c.forget(m.slot)
	return nil
}

// awaitEpoch returns when all live nodes know the configuration epoch of n, whose
// id is given. One that does not may give a slot that it gets from n an epoch that
// is older than n's, and would then believe a late message in which n claims it.
func (c *Cluster) awaitEpoch(ctx context.Context, n *node, id string) error {
	return poll(ctx, func(ctx context.Context) (done bool, why error) {
		want, err := c.epoch(ctx, n, id)
		if err != nil {
			return !n.live(), err
		}
		for _, other := range c.live() {
			got, err := c.epoch(ctx, other, id)
			if err != nil {
				return false, err
			}
			if got != want {
				return false, fmt.Errorf("%s knows configuration epoch %s of %s, which is at %s", other.addr, got, n.addr, want)
			}
		}
		return true, nil
	})
}

// epoch returns the configuration epoch of the node with the given id, as the node
// at knows it.
func (c *Cluster) epoch(ctx context.Context, at *node, id string) (string, error) {
	reply, err := c.call(ctx, at, "CLUSTER", "NODES")
	if err != nil {
		return "", err
	}
	text, _ := reply.(string)
	for line := range strings.Lines(text) {
		// <id> <addr> <flags> <master> <ping> <pong> <config-epoch> ...
		if f := strings.Fields(line); len(f) > 6 && f[0] == id {
			return f[6], nil
		}
	}
	return "", fmt.Errorf("CLUSTER NODES to %s: no node %s", at.addr, id)
}

// tell assigns the slot in the map of a node. Replicas, which learn it by gossip,
// refuse. So does an old owner who has just learned by gossip that this was its
// last slot, and has become a replica.
func (c *Cluster) tell(ctx context.Context, n *node, slot uint16, id string) error {
	err := c.setSlot(ctx, n, slot, "NODE", id)
	if err != nil && strings.Contains(err.Error(), "SETSLOT only with masters") {
		return nil
	}
	return err
}

// AbortMigration closes an open slot again and leaves it with its owner. That is
// right only as long as nothing is at the other node: keys that were moved, or
// created there by clients that followed ASK, would be out of reach. If the other
// node holds such keys AbortMigration fails and changes nothing.
//
// A node that is not live is left as it is.
func (c *Cluster) AbortMigration(ctx context.Context, slot uint16) error {
	m, err := c.migration(slot)
	if err == nil {
		err = c.abort(ctx, m)
	}
	if err != nil {
		return fmt.Errorf("realcluster: abort migration of slot %d: %w", slot, err)
	}
	return nil
}

func (c *Cluster) abort(ctx context.Context, m migration) error {
	if m.to.live() {
		keys, err := c.keysInSlot(ctx, m.to, m.slot, 1)
		if err != nil {
			return err
		}
		if len(keys) > 0 {
			return fmt.Errorf("%s already holds keys of it", m.to.addr)
		}
	}
	for _, n := range []*node{m.from, m.to} {
		if !n.live() {
			continue
		}
		if err := c.setSlot(ctx, n, m.slot, "STABLE"); err != nil {
			return err
		}
	}
	c.forget(m.slot)
	return nil
}

func (c *Cluster) setSlot(ctx context.Context, n *node, slot uint16, state ...any) error {
	_, err := c.call(ctx, n, slices.Concat([]any{"CLUSTER", "SETSLOT", slot}, state)...)
	return err
}

// reserve keeps others from opening the slot while it is being opened.
func (c *Cluster) reserve(slot uint16) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.migrations[slot]; ok {
		return errors.New("the slot is being migrated already")
	}
	c.migrations[slot] = migration{}
	return nil
}

func (c *Cluster) record(m migration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.migrations[m.slot] = m
}

func (c *Cluster) forget(slot uint16) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.migrations, slot)
}

// migration returns the open slot's migration.
func (c *Cluster) migration(slot uint16) (migration, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.migrations[slot]
	if m.from == nil {
		return m, errors.New("no migration of the slot has begun")
	}
	return m, nil
}
