// Package engine holds the data of one reference node: the values of its keys and the
// commands on them. It knows nothing of clusters, connections or other nodes.
//
// The values are kept by miniredis. The commands in which it differs from the server are
// natives, in files by what they are about; the others it runs itself.
package engine

import (
	"errors"
	"time"

	"github.com/slotmesh/slotmesh/internal/refnode/rdb"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// An Engine executes commands on data. It is not safe for concurrent use: its node's
// lock is held around every call.
//
// Keys do not expire by themselves. An Engine keeps the deadline of each key as commands
// set, move and remove it; who holds the Engine deletes keys whose deadline has come.
type Engine interface {
	// Exec runs one command to its end and appends its reply to dst. It never blocks:
	// blocking commands are the caller's, who sends their non-blocking forms.
	Exec(dst []byte, c *Call) []byte

	// Type returns the type of a key as TYPE says it, "none" if there is none.
	Type(key string) string

	// Deadline returns when key expires; ok is false if it does not.
	Deadline(key string) (at time.Time, ok bool)

	// SetDeadline sets when key expires; the zero Time means never. It does nothing to
	// a key that is not there.
	SetDeadline(key string, at time.Time)

	// Delete removes key and reports whether it was there.
	Delete(key string) bool

	// Flush removes all keys.
	Flush()

	// Snapshot returns the value of key. Its error wraps ErrNoKey, or says that values
	// of this type cannot be taken out, and wraps errors.ErrUnsupported.
	Snapshot(key string) (rdb.Value, error)

	// Install makes v the value of key, in place of what was there, without a deadline.
	Install(key string, v rdb.Value)

	// Close ends the Engine, which is of no use afterwards.
	Close()
}

// ErrNoKey means that there is no such key.
var ErrNoKey = errors.New("no such key")

// A Call is one command for an Engine.
type Call struct {
	Args  [][]byte      // the command and its arguments, in any case; not kept
	Proto resp.Protocol // of the reply
	Now   time.Time     // when it runs

	// Changed is set to the keys that the command has changed; whenever Nested is asked,
	// to those that the script has changed so far.
	Changed []string

	// Nested is asked about each command that a script calls, before it runs. A text
	// that it returns is the error that the command answers instead. Nil allows all.
	Nested func(args []string) (refusal string)
}
