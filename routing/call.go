package routing

import (
	"sync"

	"github.com/slotmesh/slotmesh/internal/wire"
)

// call is what one call of Process or Run needs, in one piece of memory, since most calls
// are one command: that, its op, and its exchange.
type call struct {
	prepared
	stripe   *stripe
	exchange exchange
	wire     wire.Exchange
	list     [1]*Op
}

// calls are those that are over, to be used again.
type calls struct{ idle sync.Pool }

func (cs *calls) get(r *Router) *call {
	if c, ok := cs.idle.Get().(*call); ok {
		return c
	}
	c := &call{stripe: r.stripes.one()}
	c.exchange = exchange{stripe: c.stripe, wire: &c.wire, ops: c.list[:0], ofCall: true}
	return c
}

// put takes back a call that is over, unless a connection still has a part of it.
func (cs *calls) put(c *call) {
	c.prepared.reset() // also if it stays alive
	if c.exchange.wire != nil {
		cs.idle.Put(c)
	}
}

// begin returns an exchange with n, without ops: that of the call, if it has one.
func (r *Router) begin(c *call, n *node) *exchange {
	if c.exchange.wire == nil {
		return r.exchanges.get(r, n)
	}
	c.exchange.node = n
	return &c.exchange
}
