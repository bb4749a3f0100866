package routing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// SafeToRetry is true only for what is proven not to have run and may yet succeed.
func TestSafeToRetry(t *testing.T) {
	failed := func(o Outcome, err error) error { return &Error{Op: "incr", Outcome: o, Err: err} }
	for _, test := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{redis.Nil, false},
		{redis.TxFailedErr, false},
		{io.EOF, false},
		{context.Canceled, false},
		{context.DeadlineExceeded, false},
		{errors.New(tryAgain), false}, // not the server's
		{failed(Unknown, io.EOF), false},
		{failed(Done, io.EOF), false},
		{failed(NotExecuted, io.EOF), true},
		{fmt.Errorf("wrapped: %w", failed(NotExecuted, io.EOF)), true},
		{fmt.Errorf("wrapped: %w", failed(Unknown, io.EOF)), false},
		{failed(NotExecuted, context.DeadlineExceeded), true},
		{failed(NotExecuted, ErrTooManyRedirects), true},
		{failed(Unknown, ErrTooManyRedirects), false},
		{failed(NotExecuted, ErrUncovered), true},
		{failed(NotExecuted, ErrCrossSlot), false},
		{failed(NotExecuted, ErrUnsupported), false},
		{failed(NotExecuted, ErrClosed), false},
		{ErrClosed, false}, {ErrCrossSlot, false}, {ErrUnsupported, false},
		{replyError(tryAgain), true},
		{replyError(clusterDown), true},
		{replyError(loading), true},
		{replyError(masterDown), true},
		{replyError(readOnly), true},
		{replyError(busy), true},
		{replyError(maxClients), true},
		{fmt.Errorf("wrapped: %w", replyError(busy)), true},
		{replyError("BUSY says a script"), false},
		{replyError("TRYAGAIN later"), false},
		{replyError("MOVED 1 10.0.0.1:7000"), false}, // a script's: those of nodes are followed
		{replyError("NOPERM no"), false},
		{replyError("OOM no"), false},
		{replyError("WRONGTYPE no"), false},
		{replyError("ERR no"), false},
		{failed(Unknown, replyError(tryAgain)), false},
	} {
		require.Equal(t, test.want, SafeToRetry(test.err), "%v", test.err)
	}
}

// Each sentinel is found behind the error of a command, and those of go-redis are its own.
func TestErrorsUnwrap(t *testing.T) {
	for _, cause := range []error{ErrTooManyRedirects, ErrCrossSlot, ErrUncovered, ErrUnsupported, ErrClosed, io.EOF} {
		err := error(&Error{Op: "get", Addr: "h:1", Slot: 7, Attempts: 3, Outcome: NotExecuted, Err: cause})
		require.ErrorIs(t, err, cause)
		for _, part := range []string{"get", "h:1", "slot 7", "3 attempts", "not executed", cause.Error()} {
			require.ErrorContains(t, err, part)
		}
	}
	require.ErrorIs(t, ErrClosed, redis.ErrClosed)
	require.ErrorIs(t, ErrCrossSlot, redis.ErrCrossSlot)
	require.ErrorContains(t, ErrTooManyRedirects, "too many cluster redirections")
	require.Equal(t, Unknown, Outcome(0))
}

// replyError is an error reply of a node.
type replyError string

func (e replyError) Error() string { return string(e) }
func (replyError) RedisError()     {}
