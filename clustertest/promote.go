package clustertest

import (
	"context"
	"fmt"
)

// Promote makes the replica at addr the master of its shard, as CLUSTER FAILOVER would.
//
// If its master is up and in reach, nothing is lost: the master hands over all that was
// written and becomes a replica. If not, the replica takes over with what it has, and the
// master becomes a replica when it is back, and loses what it alone had. All other nodes
// that can be reached know when Promote returns.
func (c *Cluster) Promote(ctx context.Context, addr string) error {
	m, done, err := c.enter(ctx, addr)
	if err != nil {
		return err
	}
	defer done()
	node, err := m.up()
	if err != nil {
		return err
	}
	masterID, master, err := node.Following()
	if err != nil {
		return fmt.Errorf("clustertest: promote %s: %w", addr, err)
	}
	if masterID == "" {
		return fmt.Errorf("clustertest: promote %s: it is a master", addr)
	}
	if master == nil || master.HandOver(node) != nil {
		if err := node.TakeOver(); err != nil {
			return fmt.Errorf("clustertest: promote %s: %w", addr, err)
		}
	}
	c.spread()
	c.log.add("%s was promoted", addr)
	return nil
}
