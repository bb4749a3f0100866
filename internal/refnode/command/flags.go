package command

import (
	"math/bits"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// Flags are what the server says about a command, in the order that COMMAND shows
// them in.
type Flags uint32

const (
	Write Flags = 1 << iota
	ReadOnly
	DenyOOM
	Admin
	PubSub
	NoScript
	Blocking
	Loading
	Stale
	SkipMonitor
	SkipSlowlog
	Asking
	Fast
	NoAuth
	NoMandatoryKeys
	NoAsyncLoading
	NoMulti
	MovableKeys
	AllowBusy

	// MayReplicate is of commands that are no writes but are held back with them
	// while writes are paused. COMMAND does not show it.
	MayReplicate
)

var flagNames = [...]string{
	"write", "readonly", "denyoom", "admin", "pubsub", "noscript", "blocking", "loading", "stale",
	"skip_monitor", "skip_slowlog", "asking", "fast", "no_auth", "no_mandatory_keys",
	"no_async_loading", "no_multi", "movablekeys", "allow_busy",
}

// Has reports whether f has all of the flags.
func (f Flags) Has(flags Flags) bool { return f&flags == flags }

// KeyFlags say what a command does with a key, in the order that COMMAND shows them
// in.
type KeyFlags uint16

const (
	RO KeyFlags = 1 << iota // the value is read,
	RW                      // changed, depending on what it was,
	OW                      // overwritten, whatever it was,
	RM                      // or deleted, whatever it was
	Access
	Update
	Insert
	Delete
	NotKey        // a channel, it has a slot but no value
	Incomplete    // there may be more keys
	VariableFlags // the arguments decide
)

var keyFlagNames = [...]string{
	"RO", "RW", "OW", "RM", "access", "update", "insert", "delete", "not_key", "incomplete", "variable_flags",
}

func (f KeyFlags) has(flags KeyFlags) bool { return f&flags == flags }

// changes reports whether the key may be changed.
func (f KeyFlags) changes() bool { return f&(RW|OW|RM) != 0 }

// appendFlags appends the set of the names of the bits that are set.
func appendFlags[F Flags | KeyFlags](dst []byte, proto resp.Protocol, flags F, names []string) []byte {
	flags &= 1<<len(names) - 1 // the others are not shown
	dst = proto.AppendSet(dst, bits.OnesCount32(uint32(flags)))
	for i, name := range names {
		if flags>>i&1 != 0 {
			dst = resp.AppendSimple(dst, name)
		}
	}
	return dst
}
