package clustertest

import (
	"errors"

	"github.com/slotmesh/slotmesh/internal/refnode"
)

// spread lets every node hear what the others say about themselves, and lets replicas
// follow who they say is their master. It stands for the gossip over the cluster bus, and
// happens at the end of each verb, and when a node takes over a slot or a role by itself
// (spreadLater), at no other time. Nodes that are down, paused, cut off or lag are left
// out; a later spread reaches them.
func (c *Cluster) spread() {
	c.round <- struct{}{}
	defer func() { <-c.round }()
	c.mu.Lock()
	c.due = false
	c.mu.Unlock()
	known, attached := c.tell(), false
	for _, m := range c.members {
		attached = c.reattach(m, known) || attached
	}
	if attached {
		c.tell() // a replica is listed from when it follows
	}
}

// brief lets m, which is down, know what the others say: a master that was replaced must
// not serve anybody before it knows.
func (c *Cluster) brief(m *member) {
	for _, from := range c.members {
		if says, err := from.says(); err == nil && c.hears(m, from) {
			says.Tell(m.saved)
		}
	}
}

// spreadLater is spread for a node that has changed in the middle of a command.
func (c *Cluster) spreadLater() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed && !c.due {
		c.due = true
		c.work.Go(c.spread)
	}
}

// tell lets every node hear the others, and returns those that are up and not paused, by
// their IDs.
func (c *Cluster) tell() (known map[string]*member) {
	known = map[string]*member{}
	for _, from := range c.members {
		says, err := from.says()
		if err != nil {
			continue
		}
		known[says.Node.ID] = from
		for _, to := range c.members {
			if node, err := to.up(); err == nil && c.hears(to, from) {
				_ = node.Hear(says) // one that is paused hears it later
			}
		}
	}
	return known
}

// hears reports whether what from says reaches to.
func (c *Cluster) hears(to, from *member) bool {
	return to != from && !to.isLagging() && !from.isLagging() && !c.link(to, from).IsShut()
}

func (m *member) isLagging() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lags
}

// reattach lets a replica follow the node that it says is its master, and reports whether
// it did not before.
func (c *Cluster) reattach(m *member, known map[string]*member) (attached bool) {
	node, err := m.up()
	if err != nil {
		return false
	}
	masterID, follows, err := node.Following()
	at := known[masterID]
	if err != nil || at == nil || at == m || c.link(m, at).IsShut() {
		return false
	}
	master, err := at.up()
	switch {
	case err != nil:
		return false
	case follows == master:
		_ = master.Redeliver() // a paused one does so when it goes on
		return false
	}
	return c.attach(m, node, at, master)
}

func (c *Cluster) attach(m *member, node *refnode.Node, at *member, master *refnode.Node) (attached bool) {
	err := master.Attach(node, c.link(m, at))
	switch {
	case errors.Is(err, refnode.ErrAway), errors.Is(err, refnode.ErrNoReplica):
		return false
	case err != nil:
		c.log.add("%s follows %s, but lacks some keys: %v", m.addr, at.addr, err)
	default:
		c.log.add("%s follows %s", m.addr, at.addr)
	}
	return true
}
