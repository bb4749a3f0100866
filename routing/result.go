package routing

import (
	"context"
	"errors"
	"net"

	"github.com/redis/go-redis/v9"

	"github.com/slotmesh/slotmesh/internal/wire"
)

// result is what one attempt brought to one op.
type result struct {
	answered bool  // the node replied; err is its error reply, if it is one
	executed bool  // the reply is the op's own: no refusal
	fault    Fault // why not, unless executed
	err      error
}

// replied is the result of an op whose reply was read into its command.
func replied(err error) result {
	if err == nil || err == redis.Nil {
		return result{answered: true, executed: true, err: err}
	}
	f := parseReply(err.Error()).fault
	return result{answered: true, executed: f == FaultReply, fault: f, err: err}
}

// unanswered is the result of an op that got no reply.
func unanswered(f Fault, err error) result {
	return result{fault: f, err: err}
}

// isReply reports whether err is an error reply itself, redis.Nil included.
func isReply(err error) bool {
	_, ok := err.(redis.Error)
	return ok
}

// unsent is the result of an op that no connection was handed: there was none.
func unsent(err error) result {
	connecting, ok := errors.AsType[*wire.ConnectError](err)
	switch {
	case errors.Is(err, wire.ErrCrowded):
		return unanswered(FaultCrowded, err)
	case err == wire.ErrClosed:
		return unanswered(FaultUnsent, errNodeGone)
	case !ok:
		return unanswered(FaultUnsent, err) // the wait for a connection was ended
	case isTimeout(err):
		return unanswered(FaultNoAnswer, err)
	}
	if refusal, ok := errors.AsType[*wire.HandshakeError](connecting.Err); ok {
		f := parseReply(refusal.Answer).fault
		if f == FaultReply || f == FaultNoAuth || rules[f].follow {
			f = FaultRefused
		}
		return unanswered(f, err)
	}
	return unanswered(FaultDial, err)
}

// lost says why there is no reply to an op that was handed to a connection.
func lost(err error) Fault {
	switch {
	case errors.Is(err, context.Canceled):
		return FaultContext
	case errors.Is(err, wire.ErrHeldUp):
		return FaultHeldUp
	case errors.Is(err, wire.ErrGarbage):
		return FaultGarbage
	case isTimeout(err):
		return FaultTimeout
	default:
		return FaultBroken
	}
}

func isTimeout(err error) bool {
	var netErr net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &netErr) && netErr.Timeout()
}
