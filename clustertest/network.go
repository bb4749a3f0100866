package clustertest

import (
	"fmt"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
)

// Clients stands for all clients in Cut and Heal.
const Clients = "clients"

// Cut cuts the link between two nodes, or between Clients and a node. What is sent over it
// arrives after Heal, as it would over TCP: connections do not break.
//
// Between two nodes that stops the copying from master to replica, MIGRATE, and what they
// tell each other about slots. Clients of a node that is cut off can connect, and then
// hear nothing.
func (c *Cluster) Cut(a, b string) error { return c.setLink(a, b, true) }

// Heal mends a link that was cut.
func (c *Cluster) Heal(a, b string) error { return c.setLink(a, b, false) }

func (c *Cluster) setLink(a, b string, cut bool) error {
	if a == Clients {
		a, b = b, a
	}
	from, err := c.member(a)
	if err != nil {
		return err
	}
	gate := from.gate
	if b != Clients {
		to, err := c.member(b)
		if err != nil {
			return err
		}
		if from == to {
			return fmt.Errorf("clustertest: %s has no link to itself", a)
		}
		gate = c.link(from, to)
	}
	if cut {
		gate.Shut()
		c.log.add("the link between %s and %s was cut", a, b)
		return nil
	}
	gate.Open()
	c.log.add("the link between %s and %s was mended", a, b)
	c.spread()
	return nil
}

// link returns the gate between two nodes, in either direction.
func (c *Cluster) link(a, b *member) *transport.Gate {
	if a.addr > b.addr {
		a, b = b, a
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	gate, ok := c.links[[2]*member{a, b}]
	if !ok {
		gate = transport.NewGate()
		c.links[[2]*member{a, b}] = gate
	}
	return gate
}
