package routing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"
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

// unsent is the result of an op that no connection was handed: there was none, or
// its handshake failed.
func unsent(err error) result {
	timeout := isTimeout(err)
	switch {
	case errors.As(err, new(*dialError)) && timeout:
		return unanswered(FaultNoAnswer, err)
	case errors.As(err, new(*dialError)):
		return unanswered(FaultDial, err)
	case errors.Is(err, redis.ErrPoolTimeout), errors.Is(err, redis.ErrPoolExhausted):
		return unanswered(FaultCrowded, err)
	case err == context.Canceled, err == context.DeadlineExceeded:
		return unanswered(FaultUnsent, err) // the wait for a connection was ended
	}
	if refusal, ok := errors.AsType[redis.Error](err); ok {
		f := parseReply(refusal.Error()).fault
		if f == FaultReply || rules[f].follow {
			f = FaultRefused
		}
		return unanswered(f, fmt.Errorf("connecting: %s", withoutArguments(refusal.Error())))
	}
	if timeout {
		return unanswered(FaultNoAnswer, fmt.Errorf("connecting: %w", err))
	}
	return unanswered(FaultDial, fmt.Errorf("connecting: %w", err))
}

// withoutArguments cuts from an error reply the arguments of the command that it
// quotes: in a handshake they are secrets.
func withoutArguments(text string) string {
	text, _, _ = strings.Cut(text, ", with args")
	return text
}

// lost says why there is no reply to an op that was handed to a connection.
func lost(err error) Fault {
	switch {
	case isTimeout(err):
		return FaultTimeout
	case errors.As(err, new(net.Error)), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, net.ErrClosed), errors.Is(err, redis.ErrClosed):
		return FaultBroken
	default:
		return FaultGarbage
	}
}

func isTimeout(err error) bool {
	var netErr net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &netErr) && netErr.Timeout()
}
