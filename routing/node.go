package routing

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// node is one cluster node as the router sees it: an address, and the connections
// to it. Ordinary ops share a pool; those that may hold a connection for long have
// a pool of their own, so that they keep nobody waiting.
type node struct {
	addr      string
	shared    *redis.Client
	exclusive func() *redis.Client
	opened    atomic.Bool // exclusive was called
	refs      atomic.Int64
}

// errNodeGone means that the node left while an op was on its way to it.
var errNodeGone = errors.New("node left the cluster")

// newNode returns a node with one reference. opts are those of its connections.
func newNode(addr string, opts *redis.Options) *node {
	n := &node{addr: addr, shared: redis.NewClient(opts)}
	n.exclusive = sync.OnceValue(func() *redis.Client {
		n.opened.Store(true)
		own := *opts
		own.PoolSize = exclusivePool
		own.PipelinePoolSize = -1
		return redis.NewClient(&own)
	})
	n.refs.Store(1)
	return n
}

// exclusivePool bounds the connections of one node that blocking commands hold.
const exclusivePool = 1000

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
	if n.refs.Add(-1) == 0 {
		n.close()
	}
}

// close breaks all connections at once.
func (n *node) close() {
	_ = n.shared.Close()
	if n.opened.Load() {
		_ = n.exclusive().Close()
	}
}

// poolStats returns go-redis's counts of each pool.
func (n *node) poolStats() []*redis.PoolStats {
	stats := []*redis.PoolStats{n.shared.PoolStats()}
	if n.opened.Load() {
		stats = append(stats, n.exclusive().PoolStats())
	}
	return stats
}

// exchange sends ops to the node in one write, in order, and fills in their
// results. It returns when all are answered, or when none of the others will be.
func (n *node) exchange(ctx context.Context, ops []*Op) {
	client := n.client(ops)
	if len(ops) == 1 && !ops[0].asking && len(ops[0].Tx) == 0 {
		op := ops[0]
		op.Cmd.SetErr(nil)
		err := client.Process(ctx, op.Cmd)
		if err == nil || isReply(err) {
			op.res = replied(err)
		} else {
			op.res = unanswered(transportFault(ctx, err), err)
		}
		return
	}
	cmds, txs := request(ops)
	for _, cmd := range cmds {
		cmd.SetErr(errUnanswered)
	}
	_, broken := client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		return pipe.BatchProcess(ctx, cmds...)
	})
	for _, op := range ops {
		switch {
		case len(op.Tx) > 0:
			op.res = txs[0].result(ctx, op.Tx, broken)
			txs = txs[1:]
		case answered(op.Cmd):
			op.res = replied(op.Cmd.Err())
		default:
			op.res = unanswered(transportFault(ctx, broken), broken)
		}
	}
}

// client chooses the pool for ops, with a read timeout that leaves the blocking
// ones among them their time.
func (n *node) client(ops []*Op) *redis.Client {
	client := n.shared
	var block time.Duration
	for _, op := range ops {
		if op.Flags&Exclusive != 0 {
			client = n.exclusive()
		}
		if block < 0 || op.Block < 0 {
			block = -1
		} else {
			block += op.Block
		}
	}
	switch timeout := client.Options().ReadTimeout; {
	case block == 0 || timeout <= 0:
		return client
	case block < 0:
		return client.WithTimeout(0)
	default:
		return client.WithTimeout(timeout + block)
	}
}

// request lists what ops send: ASKING right before the op that needs it.
func request(ops []*Op) (cmds []redis.Cmder, txs []*transaction) {
	cmds = make([]redis.Cmder, 0, len(ops))
	for _, op := range ops {
		if op.asking {
			cmds = append(cmds, redis.NewStatusCmd(context.Background(), "asking"))
		}
		if len(op.Tx) == 0 {
			cmds = append(cmds, op.Cmd)
			continue
		}
		var tx *transaction
		cmds, tx = appendTransaction(cmds, op.Tx)
		txs = append(txs, tx)
	}
	return cmds, txs
}
