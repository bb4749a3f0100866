package routing

import (
	"context"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/slotmesh/slotmesh/internal/wire"
)

// exchange is what one node is sent in one round, in one write, and what it replies. It is
// started before that of the next node, and finished when all are started, so that the
// nodes work at the same time.
type exchange struct {
	node *node
	ops  []*Op

	stripe   *stripe
	ofCall   bool           // it lies in a call, and stays there
	wire     *wire.Exchange // used again and again
	last     []int          // for each op its last request; nil if each op is one request
	borrow   bool           // the connection must not be shared
	movable  bool           // all of it may be sent twice
	conn     *wire.Conn
	opening  *wire.Opening // of the connection, if there is none yet
	openings int           // that were waited for
	err      error         // why it was not sent
}

// maxOpenings is how many connections are opened that end just when they are written to.
const maxOpenings = 3

// start sends the requests, unless a connection has to be waited for first.
func (e *exchange) start() {
	if e.encode(); e.err != nil {
		return
	}
	e.choose()
	e.submit()
}

// choose finds a connection, or the opening of one.
func (e *exchange) choose() {
	if e.borrow {
		e.conn, e.opening = e.node.peer.Borrow()
	} else {
		e.conn, e.opening = e.node.peer.Shared(e.movable)
	}
}

// submit hands the requests to the connection. If that has just ended another is found.
func (e *exchange) submit() {
	for e.conn != nil {
		// On the last connection that there is it has to wait, whatever holds that up.
		e.wire.Movable = e.movable && !e.borrow && e.conn.Takes(true)
		err := e.conn.Submit(e.wire)
		if err == nil {
			return
		}
		if e.giveBack(); e.openings == maxOpenings {
			e.err = err
			return
		}
		e.choose()
	}
}

// giveBack lets go of the connection.
func (e *exchange) giveBack() {
	if e.borrow && e.conn != nil {
		e.node.peer.GiveBack(e.conn)
	}
	e.conn = nil
}

// connect waits for the connection if there is none, and sends the requests.
func (e *exchange) connect(ctx context.Context) {
	for e.conn == nil && e.err == nil {
		e.openings++
		if e.conn, e.err = e.opening.Wait(ctx); e.err == nil {
			e.submit()
		}
	}
}

// finish waits for the replies and gives each op its result.
func (e *exchange) finish(ctx context.Context, replays *replays) {
	if e.connect(ctx); e.err != nil {
		res := unsent(e.err)
		for _, op := range e.ops {
			e.settle(op, res)
		}
		return
	}
	err := e.conn.Wait(ctx, e.wire)
	for i, op := range e.ops {
		e.settle(op, e.result(i, op, err, replays))
	}
	e.giveBack()
	if err != nil {
		e.wire = nil // it is the connection's
	}
}

// settle gives op its result, and notes who was asked, if that will be of interest.
func (e *exchange) settle(op *Op, res result) {
	if op.res = res; res.executed {
		op.Err, op.Outcome = res.err, Done
	}
	if t := op.trouble; t != nil || !res.executed {
		t = op.troubled()
		t.addr = e.node.addr
		t.attempts++
	}
}

// result is what became of the i-th op; broken is why replies are missing.
func (e *exchange) result(i int, op *Op, broken error, replays *replays) result {
	last := i
	if e.last != nil {
		last = e.last[i]
	}
	switch {
	case last < e.wire.Answered():
		return e.replied(last, op, replays)
	case e.conn.Unsent(e.wire, last):
		return unanswered(FaultUnsent, broken)
	default:
		return unanswered(lost(broken), broken)
	}
}

// replied is the result of an op whose last reply is there.
func (e *exchange) replied(last int, op *Op, replays *replays) result {
	if len(op.Tx) > 0 {
		tx := transaction{cmds: op.Tx, slot: op.Slot, replies: e.wire, first: last - len(op.Tx) - 1, replays: replays}
		return e.retireUnknown(tx.result())
	}
	err := replays.decode(op.Cmd, e.wire.Reply(last), keeping{
		small: op.Flags&SharesMemory != 0 && e.wire.Kept(last),
		large: e.wire.Alone(last),
	})
	switch {
	case err == nil || isReply(err):
		return e.retireUnknown(replied(err))
	case writesElsewhere(op.Cmd):
		return result{answered: true, executed: true, err: err}
	default:
		// It is not what the command asks for. It may be the reply to something else.
		e.conn.Retire()
		return unanswered(FaultGarbage, err)
	}
}

// retireUnknown replaces the connection if res says that the node authenticates it no more.
func (e *exchange) retireUnknown(res result) result {
	if res.fault == FaultNoAuth && !res.executed {
		e.conn.Retire()
	}
	return res
}

// writesElsewhere reports whether cmd puts its reply where the caller says, which may fail.
func writesElsewhere(cmd redis.Cmder) bool {
	switch cmd.(type) {
	case *redis.ZeroCopyStringCmd, *redis.RawWriteToCmd:
		return true
	}
	return false
}

// exchanges are those that are over, to be used again.
type exchanges struct{ idle sync.Pool }

// get returns an exchange with n, without ops.
func (es *exchanges) get(r *Router, n *node) *exchange {
	e, ok := es.idle.Get().(*exchange)
	if !ok {
		e = &exchange{stripe: r.stripes.one()}
	}
	if e.wire == nil {
		e.wire = &wire.Exchange{}
	}
	e.node = n
	return e
}

const (
	keptRequest = 64 << 10
	keptEnds    = 4096
)

// put takes an exchange back that is over.
func (es *exchanges) put(e *exchange) {
	x := e.wire
	if x != nil {
		if x.Reset(); cap(x.Request) > keptRequest {
			x.Request = nil
		}
		if cap(x.Ends) > keptEnds {
			x.Ends = nil
		}
	}
	clear(e.ops)
	if cap(e.ops) > keptEnds {
		e.ops = nil
	}
	e.ops = e.ops[:0]
	// One by one: to copy a whole new exchange costs a wait for all that was written before.
	e.node, e.last, e.conn, e.opening, e.openings, e.err = nil, nil, nil, nil, 0, nil
	e.borrow, e.movable = false, false
	if !e.ofCall {
		es.idle.Put(e)
	}
}
