package routing

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// AnySlot is the slot of an op that has no keys: any master may run it.
const AnySlot = -1

// OpFlags says how an op may be sent.
type OpFlags uint8

const (
	// Repeatable ops may run twice: reads, and what the caller marked with
	// Idempotent. Others are sent again only when it is proven that they did not run.
	Repeatable OpFlags = 1 << iota
	// Distrusted ops run code of the user's or a module's, which may answer the text
	// of a refusal after it has written: only a redirection for the op's own slot,
	// or the server's exact words, prove that nothing ran.
	Distrusted
	// Exclusive ops must not share a connection with other callers' ops: they may block
	// it, or change it, or are not known well enough.
	Exclusive
	// SharesMemory lets strings of small replies lie in memory that they share with other
	// replies of the same Run, up to 64 KiB of them: who keeps one keeps all of that.
	SharesMemory
)

// Op is the unit of sending: one command, or one transaction, for one slot.
// Whoever makes it owns it again when Router.Run returns; Run never touches an op
// after that. An Op is used for one Run.
type Op struct {
	// Cmd is the request and the place for its reply. Run sets its error.
	Cmd redis.Cmder
	// Tx, if not empty, makes the op a transaction: the commands between MULTI and
	// EXEC, which are sent as one. Cmd is then the EXEC, and has the error that
	// concerns all of them.
	Tx []redis.Cmder
	// Slot is the slot of all keys of the op, or AnySlot.
	Slot int
	// Flags says how the op may be sent.
	Flags OpFlags
	// Block is how long the op may block on the server on purpose, on top of the
	// read timeout. Negative: without end.
	Block time.Duration
	// Cut, if set, returns ops that together do what this op does, one key each. Run
	// sends them in its place when the keys of one op are on two nodes, as they are
	// while their slot migrates. It returns at least one op. The maker collects their
	// replies.
	Cut func() []*Op

	// Err is what became of the op, set by Run: nil, an error reply or redis.Nil as
	// the node sent it, or an *Error, which wraps the reply if an earlier attempt may
	// have run.
	Err error
	// Outcome says whether the op ran: Done if a node ran it, also if its answer is an
	// error; NotExecuted if a node refused it or none was reached.
	Outcome Outcome

	progress
}

// progress is what Run knows about an op between two attempts.
type progress struct {
	res      result // of the last attempt
	settling bool   // was sent in the current round
	trouble  *trouble
}

// trouble is what Run knows about an op that was not done at the first attempt.
type trouble struct {
	addr      string    // node asked last; "" if there was none
	attempts  int       // how often it was handed to a node
	reply     reply     // the last error reply
	target    string    // node to ask next; "" asks the map
	asking    bool      // the target serves the slot only after ASKING
	notBefore time.Time // pause before the next attempt
	hops      []string  // redirections followed, for ErrTooManyRedirects
	retries   int
	silences  int   // retries after a timeout
	heldUps   int   // times that it was sent again because it was held up
	doubt     error // why an earlier attempt has an unknown outcome; nil if none has
	parts     []*Op // what replaced the op when it was cut
}

// troubled returns the op's trouble, which begins with the call if there was none.
func (op *Op) troubled() *trouble {
	if op.trouble == nil {
		op.trouble = &trouble{}
	}
	return op.trouble
}

// target returns the node that a redirection named, "" if none did, and whether it is
// to be asked with ASKING.
func (op *Op) target() (addr string, asking bool) {
	if op.trouble == nil {
		return "", false
	}
	return op.trouble.target, op.trouble.asking
}

// parts returns what replaced the op when it was cut, nil if it was not.
func (op *Op) parts() []*Op {
	if op.trouble == nil {
		return nil
	}
	return op.trouble.parts
}

// Name returns the lower-case name of the command, "exec" for a transaction.
func (op *Op) Name() string { return op.Cmd.Name() }

// setErr makes err the op's, and that of its commands.
func (op *Op) setErr(err error, outcome Outcome) {
	op.Err, op.Outcome = err, outcome
	op.Cmd.SetErr(err)
	for _, cmd := range op.Tx {
		cmd.SetErr(err)
	}
}

type idempotentKey struct{}

// Idempotent returns a context whose commands may run twice: after a failure that
// leaves open whether a command ran, it is sent again, as reads always are.
func Idempotent(ctx context.Context) context.Context {
	return context.WithValue(ctx, idempotentKey{}, true)
}

func isIdempotent(ctx context.Context) bool { return ctx.Value(idempotentKey{}) != nil }
