package routing

import (
	"errors"
	"fmt"
	"strings"
)

// ErrUnknownCommand means that the command table lacks the command, so that it cannot
// tell which of its arguments are keys. Only Keys returns it: a Router asks the cluster.
var ErrUnknownCommand = errors.New("unknown command")

// Command is what the client knows about one command: where its keys are, and what
// may be done with it. Container commands and their subcommands have an entry each,
// "config" and "config|get".
type Command struct {
	Name     string         // lower case; "config|get" for a subcommand
	Arity    int            // number of arguments with the name; negative: at least so many
	SlotArg  int            // position of the argument that is itself a slot number; 0: none
	Flags    Flags          // what may be done with it
	Request  RequestPolicy  // which nodes are to run it; a Router does not fan out yet
	Response ResponsePolicy // how the replies of several nodes are to become one

	key     int        // position of the only key; 0: ask find, or else specs
	specs   []keySpec  // where the keys are
	find    keyFinder  // finds the keys that specs cannot describe
	block   *blockRule // how long it may block; nil: it does not
	refusal string     // what to use instead; set with Connection
	learned bool       // told by COMMAND INFO, not by the table
}

// Flags says what may be done with a command.
type Flags uint16

const (
	// ReadOnly commands change nothing, so that they may be sent twice. Those with
	// keys may be answered by a replica.
	ReadOnly Flags = 1 << iota
	// Write commands may change data. Scripts and functions have neither flag, save
	// for those that may only read.
	Write
	// Blocking commands may wait on the server before they answer.
	Blocking
	// Shared commands may travel on a connection that other callers use at the same
	// time. Everything else needs a connection of its own.
	Shared
	// Keyless commands have no keys, whatever their arguments.
	Keyless
	// AnyNode commands are keyless, and the answer of any one node is all that there
	// is to know.
	AnyNode
	// NodeLocal commands are keyless and concern the node that runs them: its
	// configuration, its clients, its place in the cluster. Nothing says how to
	// spread them, and the answer of one node says nothing about another.
	NodeLocal
	// Opaque commands run code that is not the server's own: scripts, functions and
	// modules. The text of an error reply is no proof that nothing ran.
	Opaque
	// Connection commands change the state of the connection, or turn it into a
	// stream. A connection that callers share cannot carry them: see
	// Command.Refusal.
	Connection
	// Module commands are not part of the server's core, or were not always.
	Module
	// Container commands have subcommands, which have entries of their own.
	Container

	// unclear commands have keys that the server's key specifications do not tell.
	unclear
)

var flagNames = []string{
	"read only", "write", "blocking", "shared", "keyless", "any node", "node local",
	"opaque", "connection", "module", "container", "unclear",
}

// String lists the flags that are set.
func (f Flags) String() string {
	var set []string
	for i, name := range flagNames {
		if f&(1<<i) != 0 {
			set = append(set, name)
		}
	}
	return strings.Join(set, ", ")
}

// RequestPolicy says which nodes run a command. The names are those of Redis's
// command tips.
type RequestPolicy uint8

const (
	RequestNone    RequestPolicy = iota // the node of its keys; without keys, see AnyNode and NodeLocal
	AllNodes                            // every master and every replica
	AllShards                           // every master
	MultiShard                          // the nodes of its keys, each with its share of them
	RequestSpecial                      // a rule of the command's own
)

// String returns the name of the policy in Redis's command tips, "none" if none.
func (p RequestPolicy) String() string {
	return [...]string{"none", "all_nodes", "all_shards", "multi_shard", "special"}[p]
}

// ResponsePolicy says how the replies of several nodes become one. The names are
// those of Redis's command tips.
type ResponsePolicy uint8

const (
	ResponseNone    ResponsePolicy = iota // elements are put together: in the order of the keys, or in any order
	OneSucceeded                          // the first reply that is not an error
	AllSucceeded                          // any of the replies, if none is an error
	AggLogicalAnd                         // logical and, element by element
	AggLogicalOr                          // logical or, element by element
	AggMin                                // the smallest number
	AggMax                                // the largest number
	AggSum                                // the sum
	ResponseSpecial                       // a rule of the command's own
)

// String returns the name of the policy in Redis's command tips, "none" if none.
func (p ResponsePolicy) String() string {
	return [...]string{
		"none", "one_succeeded", "all_succeeded", "agg_logical_and", "agg_logical_or",
		"agg_min", "agg_max", "agg_sum", "special",
	}[p]
}

// Lookup returns what is known about a command. The name may be in any case; that
// of a subcommand is written "xinfo|stream".
func Lookup(name string) (Command, bool) {
	if c := find("", name); c != nil {
		return *c, true
	}
	return Command{}, false
}

// Refusal says why a command with the flag Connection is not sent, and what to use
// instead. It is empty for all others.
func (c *Command) Refusal() string { return c.refusal }

// lookupArgs returns the command that args are for, by args[0] and, if that is a
// container, args[1]. An unknown subcommand is an unknown command.
func lookupArgs(args []any) (*Command, bool) {
	if len(args) == 0 {
		return nil, false
	}
	c := find("", argText(args[0]))
	if c != nil && c.Flags&Container != 0 && len(args) > 1 {
		c = find(c.Name, argText(args[1]))
	}
	return c, c != nil
}

// unknownCommand names the command that lookupArgs did not find. It shows no more
// than a name can have, since what stands in its place may be anything.
func unknownCommand(args []any) error {
	if len(args) == 0 {
		return fmt.Errorf("%w: no arguments", ErrUnknownCommand)
	}
	name := argText(args[0])
	if c := find("", name); c != nil && len(args) > 1 {
		return fmt.Errorf("%w: %s with subcommand %.32q", ErrUnknownCommand, c.Name, argText(args[1]))
	}
	return fmt.Errorf("%w: %.32q", ErrUnknownCommand, name)
}

// A commandIndex is a hash table of commands with linear probing. Names are hashed and
// compared without regard to case, so that no lookup needs a copy of the name.
type commandIndex [2048]*Command // a power of two, well above the number of commands

var index = newIndex()

// find returns the command name, or the subcommand name of container, nil if there is
// none.
func find(container, name string) *Command { return *index.slot(container, name) }

// slot returns the place of a command, or the free place that it would take.
func (x *commandIndex) slot(container, name string) **Command {
	h := uint32(2166136261)
	if container != "" {
		h = hashName(hashName(h, container), "|")
	}
	for h = hashName(h, name); ; h++ {
		slot := &x[h%uint32(len(x))]
		if c := *slot; c == nil || c.named(container, name) {
			return slot
		}
	}
}

func (c *Command) named(container, name string) bool {
	n := len(container)
	if n == 0 {
		return equalFold(c.Name, name)
	}
	return len(c.Name) == n+1+len(name) && c.Name[n] == '|' && c.Name[:n] == container && equalFold(c.Name[n+1:], name)
}

// hashName continues the FNV-1a hash h with s, taking upper case for lower.
func hashName(h uint32, s string) uint32 {
	for i := range len(s) {
		h = (h ^ uint32(s[i]|0x20)) * 16777619
	}
	return h
}

// equalFold compares as the server does: only ASCII letters have a case.
func equalFold(s, t string) bool {
	if len(s) != len(t) {
		return false
	}
	if s == t {
		return true
	}
	for i := range len(s) {
		if lower(s[i]) != lower(t[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
