package slotmesh

import (
	"context"

	"github.com/slotmesh/slotmesh/routing"
)

// Error tells what became of a command that no node answered. See routing.Error.
type Error = routing.Error

// The conditions that a caller may branch on with errors.Is.
var (
	// ErrTooManyRedirects: a command was redirected more often than is allowed.
	ErrTooManyRedirects = routing.ErrTooManyRedirects
	// ErrCrossSlot: a command that one node must run as a whole has keys in several slots.
	ErrCrossSlot = routing.ErrCrossSlot
	// ErrUncovered: no node serves the slot of the command's keys.
	ErrUncovered = routing.ErrUncovered
	// ErrUnsupported: the command cannot be routed, or not yet.
	ErrUnsupported = routing.ErrUnsupported
	// ErrClosed: the client was closed. It is redis.ErrClosed.
	ErrClosed = routing.ErrClosed
)

// SafeToRetry reports whether err proves that the command did not run, so that sending
// it again cannot double its effect, and that sending it again may help.
func SafeToRetry(err error) bool { return routing.SafeToRetry(err) }

// Idempotent returns a context whose commands may run twice. After a failure that
// leaves open whether a command ran, it is sent again, as reads always are.
func Idempotent(ctx context.Context) context.Context { return routing.Idempotent(ctx) }
