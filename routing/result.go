package routing

import (
	"context"
	"errors"
	"net"

	"github.com/redis/go-redis/v9"
)

// result is what one attempt brought to one op.
type result struct {
	answered bool  // the node replied; err is its error reply, if it is one
	executed bool  // the reply is the op's own: no refusal
	fault    Fault // why not, unless executed
	reply    reply // the error reply, read
	err      error
}

// replied is the result of an op whose reply was read into its command.
func replied(err error) result {
	if err == nil || err == redis.Nil {
		return result{answered: true, executed: true, err: err}
	}
	r := parseReply(err.Error())
	return result{answered: true, executed: r.fault == FaultReply, fault: r.fault, reply: r, err: err}
}

// unanswered is the result of an op that got no reply.
func unanswered(f Fault, err error) result {
	return result{fault: f, reply: reply{fault: f, exact: true}, err: err}
}

// errUnanswered stands in a command from before it is sent until its reply was read.
var errUnanswered = errors.New("no reply")

// answered reports whether the reply to cmd was read.
func answered(cmd redis.Cmder) bool {
	err := cmd.Err()
	return err == nil || isReply(err)
}

// isReply reports whether err is an error reply itself, redis.Nil included. The
// reply to the handshake of a connection comes wrapped: it answers no command.
func isReply(err error) bool {
	_, ok := err.(redis.Error)
	return ok
}

// transportFault says why there is no reply.
func transportFault(ctx context.Context, err error) Fault {
	timeout := isTimeout(err)
	switch {
	case errors.As(err, new(*dialError)) && !timeout:
		return FaultDial
	case errors.As(err, new(*dialError)):
		return FaultNoAnswer
	case errors.Is(err, redis.ErrPoolTimeout), errors.Is(err, redis.ErrPoolExhausted):
		return FaultCrowded
	case err == context.Canceled, err == context.DeadlineExceeded:
		// So ends a wait for a connection. Once there is one, its errors are
		// those of the network.
		return FaultUnsent
	case errors.As(err, new(redis.Error)):
		return FaultRefused // by the handshake of the connection
	case contextEnded(ctx) != nil, timeout && timeLeft(ctx) <= 0:
		return FaultContext
	case timeout:
		return FaultTimeout
	default:
		return FaultBroken
	}
}

func isTimeout(err error) bool {
	var netErr net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &netErr) && netErr.Timeout()
}
