// Package command is what a server knows about its commands: the table of redis
// 7.0.15, the checks on names and numbers of arguments, the keys of a request, and
// the replies to COMMAND.
//
//	spec, err := command.Find(args)  // if not: AppendError(dst, "ERR "+err.Error())
//	keys = spec.Keys(args, keys[:0]) // what decides where the request belongs
//
// It executes nothing and has no state but an index of the table, built once when
// it is first needed. All of it is safe for concurrent use.
package command

//go:generate go run ./internal/gentable -addr $REDIS_ADDR

// A Spec is what the server says about one command or subcommand. There is one for
// each, and it must not be changed: pointers to it may be compared and kept.
type Spec struct {
	// Name is in lower case; of a subcommand "cluster|slots".
	Name string

	// Arity is the number of arguments with the name, that of a subcommand too; if
	// negative, at least so many.
	Arity int

	Flags Flags

	// First, Last and Step say where the keys are, all 0 if there are none or they
	// move. A negative Last counts from the end.
	First, Last, Step int

	// Categories are those of ACL, without their "@", and Tips those for clients.
	// Both are separated by spaces, in the server's order.
	Categories, Tips string

	KeySpecs    []KeySpec
	Subcommands []Spec // sorted by name; only a container has some

	extraction extraction // set when the table is indexed
}

// Keyed reports whether requests of s may have keys or sharded channels. If not, no
// redirection is ever the answer, except to EXEC, which stands for what was queued.
func (s *Spec) Keyed() bool { return s.Flags.Has(MovableKeys) || len(s.KeySpecs) > 0 }

// A KeySpec says where some of the keys of a command are, and what becomes of them.
//
// The search for them begins at argument Index; or behind the first Keyword from
// argument From on, from the end if From is negative; or nobody knows where, if
// there is neither. There, a range of keys begins, or, if Counted, their number is
// near; nobody knows if Step is 0.
type KeySpec struct {
	Flags KeyFlags
	Notes string

	Index   int
	Keyword string
	From    int

	// Last is where a range ends, as an offset from its begin; from the end of the
	// request, if negative. Limit 2 means that it takes only half of the arguments.
	Last, Step, Limit int

	// Count is where the number of keys is, and FirstKey where the first of them is,
	// as offsets from the begin.
	Counted         bool
	Count, FirstKey int
}
