package routing

import (
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// What is sent around the commands of a caller.
var (
	askingRequest = []byte("*1\r\n$6\r\nasking\r\n")
	multiRequest  = []byte("*1\r\n$5\r\nmulti\r\n")
	execRequest   = []byte("*1\r\n$4\r\nexec\r\n")
)

// maxSharedRequest is the size from which a request has a connection of its own: those behind it
// would wait while it is sent.
const maxSharedRequest = 1 << 20

// encode writes the requests of all ops, and finds out what they ask of a connection.
func (e *exchange) encode() {
	x := e.wire
	e.movable = true
	for i, op := range e.ops {
		_, asking := op.target()
		if plain := !asking && len(op.Tx) == 0; !plain && e.last == nil {
			e.last = consecutive(len(e.ops))
		}
		e.append(op, asking)
		if e.last != nil {
			e.last[i] = len(x.Ends) - 1
		}
		x.Block = longer(x.Block, op.Block)
		e.borrow = e.borrow || op.Flags&Exclusive != 0
		e.movable = e.movable && op.Flags&Repeatable != 0 && !op.Cmd.NoRetry()
	}
	if len(x.Ends) == 1 {
		x.Ends = x.Ends[:0] // they are for several
	}
	e.borrow = e.borrow || len(x.Request) > maxSharedRequest
}

// append writes the requests of one op, ASKING right before it if need be.
func (e *exchange) append(op *Op, asking bool) {
	if asking {
		e.appendRaw(askingRequest)
	}
	if len(op.Tx) > 0 {
		e.appendRaw(multiRequest)
		for _, cmd := range op.Tx {
			e.appendCmd(cmd)
		}
		e.appendRaw(execRequest)
		return
	}
	e.appendCmd(op.Cmd)
}

func (e *exchange) appendRaw(request []byte) {
	e.wire.Request = append(e.wire.Request, request...)
	e.wire.Ends = append(e.wire.Ends, len(e.wire.Request))
}

// appendCmd writes the request of cmd. That its arguments can be sent was found out when it
// was prepared: an error means that one of them says otherwise now.
func (e *exchange) appendCmd(cmd redis.Cmder) {
	var request []byte
	var err error
	if light, ok := cmd.(*Light); ok {
		request, err = light.appendRequest(e.wire.Request)
	} else {
		request, err = resp.AppendRequest(e.wire.Request, cmd.Args())
	}
	if err != nil && e.err == nil {
		e.err = err
	}
	e.wire.Request = request
	e.wire.Ends = append(e.wire.Ends, len(e.wire.Request))
}

// consecutive returns 0, 1, 2 ...
func consecutive(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// longer is how long a node may be silent on purpose that runs both.
func longer(a, b time.Duration) time.Duration {
	if a < 0 || b < 0 {
		return -1
	}
	return a + b
}
