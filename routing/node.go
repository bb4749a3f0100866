package routing

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// node is one cluster node as the router sees it: an address, and the connections
// to it. Ops that may block have a pool of their own, so that they keep nobody waiting.
type node struct {
	addr     string
	ordinary *redis.Client
	blocking *redis.Client
	replays  *replays
	refs     atomic.Int64
	closed   func(*node) // called when the last reference was released; may be nil
}

// errNodeGone means that the node left while an op was on its way to it.
var errNodeGone = errors.New("node left the cluster")

// blockingPool bounds the connections of one node that blocking commands hold.
const blockingPool = 1000

// newNode returns a node with one reference. opts are those of its connections, none
// of which is opened yet.
func newNode(addr string, opts redis.Options, replays *replays) *node {
	n := &node{addr: addr, ordinary: redis.NewClient(&opts), replays: replays}
	opts.PoolSize = blockingPool
	n.blocking = redis.NewClient(&opts)
	n.refs.Store(1)
	return n
}

// hold keeps the connections open until release. It is false for a node that is
// gone.
func (n *node) hold() bool {
	for {
		refs := n.refs.Load()
		if refs == 0 {
			return false
		}
		if n.refs.CompareAndSwap(refs, refs+1) {
			return true
		}
	}
}

// release gives one reference back; the last one closes the connections.
func (n *node) release() {
	if n.refs.Add(-1) > 0 {
		return
	}
	n.close()
	if n.closed != nil {
		n.closed(n)
	}
}

// close breaks all connections at once.
func (n *node) close() {
	_ = n.ordinary.Close()
	_ = n.blocking.Close()
}

// exchange sends ops to the node in one write, in order, and fills in their
// results. It returns when all are answered, or when none of the others will be.
func (n *node) exchange(ctx context.Context, ops []*Op) {
	client := n.client(ops)
	// Alone, a blocking command of go-redis would have its own read timeout, not ours.
	if _, asking := ops[0].target(); len(ops) == 1 && !asking && len(ops[0].Tx) == 0 && ops[0].Block == 0 {
		cmd := tracked{Cmder: ops[0].Cmd}
		broken := client.Process(ctx, &cmd)
		ops[0].res = cmd.result(broken)
		return
	}
	cmds, last, txs := request(ops)
	_, broken := client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i := range cmds {
			_ = pipe.Process(ctx, &cmds[i])
		}
		return nil
	})
	for i, op := range ops {
		cmd := &cmds[last[i]]
		if op.res = cmd.result(broken); len(op.Tx) == 0 {
			continue
		}
		if cmd.answered {
			op.res = txs[0].result(n.replays)
		}
		txs = txs[1:]
	}
}

// request lists what ops send, ASKING right before the op that needs it, and for each
// op where its last command is.
func request(ops []*Op) (cmds []tracked, last []int, txs []*transaction) {
	cmds = make([]tracked, 0, len(ops))
	last = make([]int, len(ops))
	for i, op := range ops {
		if _, asking := op.target(); asking {
			cmds = append(cmds, tracked{Cmder: redis.NewStatusCmd(context.Background(), "asking")})
		}
		if len(op.Tx) == 0 {
			cmds = append(cmds, tracked{Cmder: op.Cmd})
		} else {
			tx := newTransaction(op.Tx)
			txs = append(txs, tx)
			cmds = tx.appendTo(cmds)
		}
		last[i] = len(cmds) - 1
	}
	return cmds, last, txs
}

// client chooses the pool for ops, with a read timeout that leaves the blocking
// ones among them their time.
func (n *node) client(ops []*Op) *redis.Client {
	var block time.Duration
	for _, op := range ops {
		if block < 0 || op.Block < 0 {
			block = -1
		} else {
			block += op.Block
		}
	}
	switch timeout := n.blocking.Options().ReadTimeout; {
	case block == 0:
		return n.ordinary
	case timeout <= 0:
		return n.blocking
	case block < 0:
		return n.blocking.WithTimeout(0)
	default:
		return n.blocking.WithTimeout(timeout + block)
	}
}
