package routing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Outcome says whether a command that failed has run.
type Outcome uint8

const (
	// Unknown means that the command may have run, and may even run later: its
	// bytes were handed to a connection that then broke or fell silent.
	Unknown Outcome = iota
	// NotExecuted means that it is proven that the command did not run: it never
	// left this process, or the node refused it.
	NotExecuted
	// Done means that a node ran the command and answered it. The answer may be an
	// error reply, such as WRONGTYPE. What code on the server answers (scripts, functions,
	// modules) counts as this too, unless it is a refusal in the server's exact words.
	Done
)

// String returns "unknown", "not executed" or "done".
func (o Outcome) String() string {
	switch o {
	case NotExecuted:
		return "not executed"
	case Done:
		return "done"
	default:
		return "unknown"
	}
}

// The conditions that a caller may branch on with errors.Is.
var (
	// ErrTooManyRedirects means that a command was sent on more often than
	// Policy.MaxRedirects allows. The error around it names each hop.
	ErrTooManyRedirects = errors.New("too many cluster redirections")
	// ErrCrossSlot means that a command that one node must run as a whole names
	// keys of more than one slot. Nothing was sent. It is redis.ErrCrossSlot.
	ErrCrossSlot error = redis.ErrCrossSlot
	// ErrUncovered means that no node serves the slot of the command's keys.
	ErrUncovered = errors.New("no node serves the slot")
	// ErrUnsupported means that the command cannot be routed by this version, or
	// must not be sent over connections that callers share.
	ErrUnsupported = errors.New("command not supported by the cluster client")
	// ErrClosed means that the client was closed. It is redis.ErrClosed.
	ErrClosed = redis.ErrClosed
)

// Error tells what became of a command that no node answered with a reply of
// its own. Replies, error replies included, reach the caller as they are, unless an
// earlier attempt may have run: then Err wraps the reply.
type Error struct {
	Op       string  // lower-case name of the command
	Addr     string  // node that was asked last; "" when none was
	Slot     int     // slot of the command's keys; AnySlot when it has none
	Attempts int     // how often the command was handed to a node
	Outcome  Outcome // whether it ran
	Err      error   // cause
}

// Error names the command, the slot, the node, the attempts and the outcome, cause
// last.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Slot >= 0 {
		fmt.Fprintf(&b, " (slot %d)", e.Slot)
	}
	if e.Addr != "" {
		fmt.Fprintf(&b, " at %s", e.Addr)
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, ", %d attempts", e.Attempts)
	}
	if b.Len() > 0 {
		b.WriteString(", ")
	}
	fmt.Fprintf(&b, "%s: %v", e.Outcome, e.Err)
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// SafeToRetry reports whether err proves that the command did not run, so that
// sending it again cannot double its effect, and that sending it again may help.
// It is false for nil, for an answer of the data (WRONGTYPE, redis.Nil), and for
// every error whose outcome is unknown.
func SafeToRetry(err error) bool {
	if err == nil || errors.Is(err, ErrCrossSlot) || errors.Is(err, ErrUnsupported) || errors.Is(err, ErrClosed) {
		return false
	}
	if e, ok := errors.AsType[severalError](err); ok {
		return e.SafeToRetry()
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Outcome == NotExecuted
	}
	if errors.As(err, new(executedError)) {
		return false
	}
	if r, ok := errors.AsType[redis.Error](err); ok {
		f := parseReply(r.Error())
		return f.exact && rules[f.fault].retry
	}
	return false
}

// executedError is an error reply that reads like a refusal and is none: an element of
// EXEC, or what code on the server answered. Its command ran.
type executedError struct{ reply redis.Error }

func (e executedError) Error() string { return e.reply.Error() }
func (e executedError) Unwrap() error { return e.reply }

// RedisError marks a reply of the server, as redis.Error asks for.
func (executedError) RedisError() {}

// asExecuted returns the error of a command that ran, marked if it reads otherwise.
func asExecuted(err error) error {
	if reply, ok := err.(redis.Error); ok && parseReply(reply.Error()).fault != FaultReply {
		return executedError{reply}
	}
	return err
}

// severalError is an error of several commands, which knows of each.
type severalError interface {
	error
	SafeToRetry() bool
}

// deadlineError is a wait that the context ended, with what was waited out.
func deadlineError(ctxErr, cause error) error {
	if cause == nil || errors.Is(cause, ctxErr) {
		return ctxErr
	}
	return fmt.Errorf("%w while waiting after: %w", ctxErr, cause)
}

// contextEnded returns why ctx is over, nil while it is not. A deadline that has passed
// counts, even if ctx has not noticed yet.
func contextEnded(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if timeLeft(ctx) <= 0 {
		return context.DeadlineExceeded
	}
	return nil
}

// timeLeft returns the time until ctx ends, NoDeadline if it has no deadline.
func timeLeft(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return NoDeadline
	}
	return time.Until(deadline)
}
