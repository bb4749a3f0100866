package routing

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// ErrArguments means that the arguments of a command are malformed, so that its
// keys cannot be told.
var ErrArguments = errors.New("malformed arguments")

// Keys returns the positions of the keys in args, in ascending order; args[0] is
// the name of the command, and subcommands follow as arguments of their own.
// Channels of sharded pub/sub count as keys, since they have a slot, as do the
// destinations of SORT and GEORADIUS; patterns and scripts do not. No keys and no
// error means that the command has none.
//
// An unknown command is ErrUnknownCommand, and arguments that do not tell the keys
// are ErrArguments. Too many arguments are no error: later servers may know them.
func Keys(args []any) ([]int, error) {
	c, ok := lookupArgs(args)
	if !ok {
		return nil, unknownCommand(args)
	}
	keys, err := c.appendKeys(nil, args)
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// appendKeys appends the positions of c's keys in args to dst. Some may be there
// although there is an error.
func (c *Command) appendKeys(dst []int, args []any) ([]int, error) {
	if len(args) < max(c.Arity, -c.Arity) {
		return dst, fmt.Errorf("%w of %s: %d of them, want at least %d", ErrArguments, c.Name, len(args)-1, max(c.Arity, -c.Arity)-1)
	}
	switch {
	case c.key > 0:
		return append(dst, c.key), nil
	case c.find != nil:
		return c.find(c, dst, args)
	}
	var err error
	for i := range c.specs {
		if dst, err = c.specs[i].appendKeys(c, dst, args); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// malformed is the error of the argument at position pos. It shows no argument:
// what stands in the wrong place may be a secret.
func (c *Command) malformed(pos int, what string) error {
	return fmt.Errorf("%w of %s: argument %d: %s", ErrArguments, c.Name, pos, what)
}

// A keySpec says where a command has keys. It is the server's key specification:
// where the keys begin, and how many there are from there.
type keySpec struct {
	// The keys begin at position from. If keyword is set, they begin after the first
	// such word at from or later, and there are none without it; a negative from
	// counts from the end and searches backwards.
	from    int
	keyword string

	step int // from one key to the next

	// If counted, the argument at begin+count is the number of keys, and begin+first
	// is the first of them. Otherwise the last key is at begin+last, or if last is
	// negative, that far from the end, of which one in limit are keys.
	counted      bool
	optional     bool // the number of keys may be 0
	count, first int
	last, limit  int
}

// A keyFinder appends the positions of c's keys in args to dst.
type keyFinder func(c *Command, dst []int, args []any) ([]int, error)

func (s *keySpec) appendKeys(c *Command, dst []int, args []any) ([]int, error) {
	first := s.begin(args)
	if first == 0 || first >= len(args) {
		return dst, nil
	}
	var last int
	switch {
	case s.counted:
		pos := first + s.count
		n, err := c.keyCount(args, pos)
		if err != nil {
			return dst, err
		}
		first += s.first
		if n == 0 && s.optional {
			return dst, nil
		}
		if n == 0 {
			return dst, c.malformed(pos, "want at least one key")
		}
		if n > (len(args)-first)/s.step {
			return dst, c.malformed(pos, "more keys than arguments")
		}
		last = first + (n-1)*s.step
	case s.last >= 0:
		last = first + s.last
		if last >= len(args) {
			return dst, c.malformed(len(args), "key missing")
		}
	default:
		last = len(args) + s.last
		if s.limit > 1 {
			last = first + (len(args)-first)/s.limit + s.last
		}
		if (last-first+1)%s.step != 0 {
			return dst, c.malformed(len(args)-1, fmt.Sprintf("want groups of %d arguments, each with a key", s.step))
		}
	}
	return appendRange(dst, first, last, s.step), nil
}

// begin returns the position at which the keys of s begin, 0 if nowhere.
func (s *keySpec) begin(args []any) int {
	switch {
	case s.keyword == "":
		return s.from
	case s.from > 0:
		for i := s.from; i < len(args)-1; i++ {
			if isWord(args[i], s.keyword) {
				return i + 1
			}
		}
	default:
		for i := len(args) + s.from; i > 0; i-- {
			if isWord(args[i], s.keyword) {
				return i + 1
			}
		}
	}
	return 0
}

// keyCount returns the number of keys that the argument at pos gives.
func (c *Command) keyCount(args []any, pos int) (int, error) {
	if pos >= len(args) {
		return 0, c.malformed(pos, "number of keys missing")
	}
	n, ok := argInt(args[pos])
	if !ok || n < 0 {
		return 0, c.malformed(pos, "not a number of keys")
	}
	return n, nil
}

func appendRange(dst []int, first, last, step int) []int {
	if first > last {
		return dst
	}
	dst = slices.Grow(dst, (last-first)/step+1)
	for i := first; i <= last; i += step {
		dst = append(dst, i)
	}
	return dst
}

// sortKeys finds the keys of SORT key [BY pattern] [LIMIT offset count] [GET pattern
// ...] [STORE destination]. The patterns name keys as well, but which ones only the
// data says. Like the server, it goes by the last STORE.
func sortKeys(_ *Command, dst []int, args []any) ([]int, error) {
	store := 0
	for i := 2; i < len(args); i++ {
		switch {
		case isWord(args[i], "limit"):
			i += 2
		case isWord(args[i], "get"), isWord(args[i], "by"):
			i++
		case isWord(args[i], "store") && i+1 < len(args):
			i++
			store = i
		}
	}
	dst = append(dst, 1)
	if store > 0 {
		dst = append(dst, store)
	}
	return dst, nil
}

// geoKeys finds the keys of GEORADIUS and GEORADIUSBYMEMBER, which may store what
// they find; their options follow the arguments that they must have. Like the server,
// it goes by the last STORE or STOREDIST.
func geoKeys(c *Command, dst []int, args []any) ([]int, error) {
	store := 0
	for i := -c.Arity; i+1 < len(args); i++ {
		if isWord(args[i], "store") || isWord(args[i], "storedist") {
			i++
			store = i
		}
	}
	dst = append(dst, 1)
	if store > 0 {
		dst = append(dst, store)
	}
	return dst, nil
}

// migrateKeys finds the keys of MIGRATE host port key db timeout [COPY] [REPLACE]
// [AUTH password | AUTH2 username password] [KEYS key ...]. With KEYS, the key before
// must be empty; otherwise the empty key is a key like others.
func migrateKeys(c *Command, dst []int, args []any) ([]int, error) {
	for i := 6; i < len(args); i++ {
		switch {
		case isWord(args[i], "auth"):
			i++
		case isWord(args[i], "auth2"):
			i += 2
		case isWord(args[i], "keys"):
			if argText(args[3]) != "" {
				return dst, c.malformed(3, "key is not empty, but there are KEYS")
			}
			if i+1 == len(args) {
				return dst, c.malformed(i, "KEYS without keys")
			}
			return appendRange(dst, i+1, len(args)-1, 1), nil
		}
	}
	return append(dst, 3), nil
}

// streamKeys finds the keys of XREAD and XREADGROUP: the first half of what follows
// STREAMS.
func streamKeys(c *Command, dst []int, args []any) ([]int, error) {
	first, _ := streamOptions(args)
	if first == 0 {
		return dst, c.malformed(len(args)-1, "no STREAMS with keys after it")
	}
	n := len(args) - first
	if n%2 != 0 {
		return dst, c.malformed(len(args)-1, "want an ID for each key")
	}
	return appendRange(dst, first, first+n/2-1, 1), nil
}

// streamOptions returns the positions of the first key of XREAD or XREADGROUP, and of
// the time after BLOCK, 0 if there is none. The names of a group and its consumer may
// read like options; the operands of all others are numbers.
func streamOptions(args []any) (first, block int) {
	for i := 1; i+1 < len(args); i++ {
		switch {
		case isWord(args[i], "streams"):
			return i + 1, block
		case isWord(args[i], "block"):
			i++
			block = i
		case isWord(args[i], "group"):
			i += 2
		}
	}
	return 0, block
}

// debugKeys finds the keys of those DEBUG subcommands that look at a key.
func debugKeys(_ *Command, dst []int, args []any) ([]int, error) {
	if len(args) < 3 {
		return dst, nil
	}
	for _, sub := range [...]string{"object", "sdslen", "listpack", "ziplist", "quicklist", "htstats-key"} {
		if isWord(args[1], sub) {
			return append(dst, 2), nil
		}
	}
	if isWord(args[1], "digest-value") {
		return appendRange(dst, 2, len(args)-1, 1), nil
	}
	return dst, nil
}

// A blockRule says how long a command may block on the server.
type blockRule struct {
	unit  time.Duration        // of the argument
	arg   int                  // position of the argument, negative from the end
	find  func(args []any) int // finds the position, 0 if the command does not block
	unset time.Duration        // what 0 means; 0: forever
}

// blockTimeout returns how long c may wait on the server before it answers, 0 for
// ever. It does not block without the option that asks for it, nor with a time that
// the server will refuse.
func blockTimeout(c *Command, args []any) (d time.Duration, blocks bool) {
	rule := c.block
	if rule == nil {
		return 0, false
	}
	pos := rule.arg
	switch {
	case rule.find != nil:
		pos = rule.find(args)
	case pos < 0:
		pos += len(args)
	}
	if pos <= 0 || pos >= len(args) {
		return 0, false
	}
	n, err := strconv.ParseFloat(argText(args[pos]), 64)
	switch n = math.Ceil(n * float64(rule.unit)); {
	case err != nil || math.IsNaN(n) || n < 0:
		return 0, false
	case n == 0:
		return rule.unset, true
	case n > math.MaxInt64/2: // centuries, and a caller may add to it
		return 0, true
	}
	return time.Duration(n), true
}

func streamBlock(args []any) int {
	_, block := streamOptions(args)
	return block
}

// tsReadBlock finds the time of TS.READ key timestamp [BLOCK milliseconds count].
func tsReadBlock(args []any) int {
	for i := 3; i+1 < len(args); i++ {
		if isWord(args[i], "block") {
			return i + 1
		}
	}
	return 0
}

// isWord reports whether arg is word, in any case. Numbers and the like are no words.
func isWord(arg any, word string) bool {
	switch arg := arg.(type) {
	case string:
		return equalFold(arg, word)
	case []byte:
		return equalFold(string(arg), word)
	case *string, encoding.BinaryMarshaler:
		return equalFold(argText(arg), word)
	default:
		return false
	}
}

// argText returns arg as it will be sent, "" if it cannot be.
func argText(arg any) string {
	switch arg := arg.(type) {
	case string:
		return arg
	case []byte:
		return string(arg)
	default:
		text, _ := resp.AppendText(nil, arg)
		return string(text)
	}
}

// argInt returns arg as a number.
func argInt(arg any) (int, bool) {
	switch arg := arg.(type) {
	case int:
		return arg, true
	case int64:
		return int(arg), true
	}
	n, err := strconv.Atoi(argText(arg))
	return n, err == nil
}
