package clustertest

import (
	"context"
	"fmt"
	"strings"

	"github.com/slotmesh/slotmesh/internal/refnode"
)

// migrateTimeout is what MIGRATE is given, in ms.
const migrateTimeout = 5000

// A move is an open slot: whose it is, and who gets it.
type move struct{ from, to *member }

// Migrate moves a slot, keys and all, to the master at address to, and returns when all
// nodes know that can. It does nothing if the slot is there already. If it fails half-way
// the slot stays open: call FinishMigration again.
func (c *Cluster) Migrate(ctx context.Context, slot uint16, to string) error {
	m, open := c.open(slot)
	if open && m.to.addr != to {
		return fmt.Errorf("clustertest: slot %d is open from %s to %s: finish that first", slot, m.from.addr, m.to.addr)
	}
	if !open {
		if owner, err := c.owner(slot); err == nil && owner.addr == to {
			return nil
		}
		if err := c.BeginMigration(ctx, slot, to); err != nil {
			return err
		}
	}
	return c.FinishMigration(ctx, slot)
}

// BeginMigration opens a slot: importing at the master at address to, then migrating at
// its owner. From then on the owner answers ASK for keys that it does not hold.
func (c *Cluster) BeginMigration(ctx context.Context, slot uint16, to string) error {
	target, err := c.member(to)
	if err != nil {
		return err
	}
	done, err := c.exclusive(ctx)
	if err != nil {
		return err
	}
	defer done()
	if m, open := c.open(slot); open {
		return fmt.Errorf("clustertest: slot %d is open already, from %s to %s", slot, m.from.addr, m.to.addr)
	}
	source, err := c.owner(slot)
	if err != nil {
		return err
	}
	return c.begin(ctx, slot, move{source, target})
}

func (c *Cluster) begin(ctx context.Context, slot uint16, m move) error {
	ids, err := identify(m.from, m.to)
	if err != nil {
		return err
	}
	if _, err := m.to.do(ctx, "cluster", "setslot", slot, "importing", ids[0]); err != nil {
		return err
	}
	if _, err := m.from.do(ctx, "cluster", "setslot", slot, "migrating", ids[1]); err != nil {
		return err
	}
	c.setOpen(slot, &m)
	c.log.add("slot %d is open from %s to %s", slot, m.from.addr, m.to.addr)
	return nil
}

// beginAgain opens a slot whose owner was replaced since it was opened. The new owner knows
// nothing of the move; the target still knows the old one, since a node does not believe
// what it hears of a slot that it imports.
func (c *Cluster) beginAgain(ctx context.Context, slot uint16, m move) error {
	if _, err := m.to.do(ctx, "cluster", "setslot", slot, "stable"); err != nil {
		return err
	}
	c.spread()
	return c.begin(ctx, slot, m)
}

// MoveKeys moves up to n keys of an open slot to the new owner, all that are there if n is
// negative, and returns how many it moved. The old owner answers nobody while it moves a
// batch of 100 keys.
func (c *Cluster) MoveKeys(ctx context.Context, slot uint16, n int) (moved int, err error) {
	done, err := c.exclusive(ctx)
	if err != nil {
		return 0, err
	}
	defer done()
	return c.moveKeys(ctx, slot, n)
}

func (c *Cluster) moveKeys(ctx context.Context, slot uint16, n int) (moved int, err error) {
	m, open := c.open(slot)
	if !open {
		return 0, fmt.Errorf("clustertest: slot %d is not open", slot)
	}
	if owner, err := c.owner(slot); err == nil && owner != m.from && owner != m.to {
		m.from = owner
		if err := c.beginAgain(ctx, slot, m); err != nil {
			return 0, err
		}
	}
	for n < 0 || moved < n {
		batch := 100
		if n >= 0 {
			batch = min(batch, n-moved)
		}
		count, err := m.moveBatch(ctx, slot, batch)
		moved += count
		if err != nil || count == 0 {
			return moved, err
		}
	}
	return moved, nil
}

// moveBatch moves up to n keys and returns how many that were.
func (m move) moveBatch(ctx context.Context, slot uint16, n int) (count int, err error) {
	reply, err := m.from.do(ctx, "cluster", "getkeysinslot", slot, n)
	if err != nil {
		return 0, err
	}
	host, port, _ := strings.Cut(m.to.addr, ":")
	args := []any{"migrate", host, port, "", 0, migrateTimeout, "replace"}
	if pw := m.from.cluster.cfg.Password; pw != "" {
		args = append(args, "auth", pw)
	}
	args = append(args, "keys")
	keys := refnode.Bulks(reply)
	for _, key := range keys {
		args = append(args, key)
	}
	if len(keys) == 0 {
		return 0, nil
	}
	if _, err := m.from.do(ctx, args...); err != nil {
		return 0, err
	}
	return len(keys), nil
}

// FinishMigration moves the keys that are left in an open slot and assigns the slot: at
// the new owner, then at the old one; then the other nodes hear of it. It may be called
// again after an error.
func (c *Cluster) FinishMigration(ctx context.Context, slot uint16) error {
	done, err := c.exclusive(ctx)
	if err != nil {
		return err
	}
	defer done()
	if _, err := c.moveKeys(ctx, slot, -1); err != nil {
		return err
	}
	m, _ := c.open(slot)
	ids, err := identify(m.from, m.to)
	if err != nil {
		return err
	}
	for _, node := range []*member{m.to, m.from} {
		if _, err := node.do(ctx, "cluster", "setslot", slot, "node", ids[1]); err != nil {
			return err
		}
	}
	c.setOpen(slot, nil)
	c.spread()
	c.log.add("slot %d is now served by %s", slot, m.to.addr)
	return nil
}

// identify returns the IDs of nodes.
func identify(nodes ...*member) (ids []string, err error) {
	for _, m := range nodes {
		says, err := m.says()
		if err != nil {
			return nil, fmt.Errorf("clustertest: %s: %w", m.addr, err)
		}
		ids = append(ids, says.Node.ID)
	}
	return ids, nil
}

func (c *Cluster) open(slot uint16) (m move, open bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m, open = c.moving[slot]
	return m, open
}

func (c *Cluster) setOpen(slot uint16, m *move) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m == nil {
		delete(c.moving, slot)
		return
	}
	c.moving[slot] = *m
}
