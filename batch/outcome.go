package batch

import (
	"errors"
	"fmt"
	"strings"

	"github.com/slotmesh/slotmesh/routing"
)

// outcomes holds what failed of a call. What it does not name was done.
type outcomes struct {
	keys   []string
	failed map[int]failure // by position
}

type failure struct {
	err     error
	outcome routing.Outcome
}

// fail notes that the keys at positions at share err.
func (o *outcomes) fail(at []int, err error, outcome routing.Outcome) {
	if o.failed == nil {
		o.failed = make(map[int]failure)
	}
	for _, i := range at {
		o.failed[i] = failure{err, outcome}
	}
}

// Len returns the number of keys of the call, duplicates included.
func (o *outcomes) Len() int { return len(o.keys) }

// Key returns the key at position i of the call.
func (o *outcomes) Key(i int) string { return o.keys[i] }

// Err returns why the key at position i failed, nil if it did not.
func (o *outcomes) Err(i int) error {
	_ = o.keys[i]
	return o.failed[i].err
}

// Outcome says whether the request for the key at position i ran: routing.Done
// unless Err(i) is an error, and then what is known.
func (o *outcomes) Outcome(i int) routing.Outcome {
	_ = o.keys[i]
	if f, ok := o.failed[i]; ok {
		return f.outcome
	}
	return routing.Done
}

// err is nil if no key failed, else a *PartialError with all that did.
func (o *outcomes) err(op string) error {
	if len(o.failed) == 0 {
		return nil
	}
	e := &PartialError{Op: op, Total: len(o.keys), Failed: make([]KeyError, 0, len(o.failed))}
	for i, key := range o.keys {
		if f, ok := o.failed[i]; ok {
			e.Failed = append(e.Failed, KeyError{Index: i, Key: key, Outcome: f.outcome, Err: f.err})
		}
	}
	return e
}

// PartialError says that some keys of a call failed, possibly all, and which. The
// others were done.
type PartialError struct {
	Op     string     // lower-case name of the command
	Total  int        // number of keys of the call
	Failed []KeyError // those that failed, in the order of the call; at least one
}

// KeyError is one key that failed.
type KeyError struct {
	Index   int             // position in the keys of the call
	Key     string          // the key
	Outcome routing.Outcome // whether its request ran
	Err     error           // why it failed
}

// Error tells how many keys failed, and the first few causes with one key each.
func (e *PartialError) Error() string {
	const most = 3
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d of %s failed", e.Op, len(e.Failed), count(e.Total, "key"))
	causes := e.causes()
	for _, f := range causes[:min(most, len(causes))] {
		fmt.Fprintf(&b, "; key %s: %v", quote(f.Key), f.Err)
	}
	if more := len(causes) - most; more > 0 {
		fmt.Fprintf(&b, "; and %s", count(more, "other cause"))
	}
	return b.String()
}

// Unwrap returns the different causes, each once.
func (e *PartialError) Unwrap() []error {
	causes := e.causes()
	errs := make([]error, len(causes))
	for i, f := range causes {
		errs[i] = f.Err
	}
	return errs
}

// causes returns the first key of each different cause: the same failure of the
// same node is one.
func (e *PartialError) causes() []*KeyError {
	var causes []*KeyError
	seen := make(map[string]bool)
	for i := range e.Failed {
		f := &e.Failed[i]
		text := f.Err.Error()
		if re, ok := errors.AsType[*routing.Error](f.Err); ok {
			text = re.Addr + re.Outcome.String() + re.Err.Error()
		}
		if !seen[text] {
			seen[text] = true
			causes = append(causes, f)
		}
	}
	return causes
}

// SafeToRetry reports whether it is proven of every key of the call that its request
// did not run, so that the whole call may be made again. See routing.SafeToRetry.
func (e *PartialError) SafeToRetry() bool {
	if len(e.Failed) < e.Total {
		return false
	}
	for i := range e.Failed {
		if !routing.SafeToRetry(e.Failed[i].Err) {
			return false
		}
	}
	return true
}

// quote quotes a key for an error, shortened if it is long.
func quote(key string) string {
	const most = 64
	if len(key) > most {
		return fmt.Sprintf("%q... (%d bytes)", key[:most], len(key))
	}
	return fmt.Sprintf("%q", key)
}
