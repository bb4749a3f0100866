package command

import (
	"bytes"
	"fmt"
	"strings"
)

// Find returns the command that args call, or the subcommand, if it is of a
// container: names in any case. It checks the number of arguments too. args are
// those of a request, at least one. If their number is wrong, the command is returned
// beside the error.
//
// The text of an error is what redis-server answers behind "ERR ". It may hold
// bytes that the client sent, which resp.AppendError makes safe. Find does not keep
// args, and allocates for nothing but an error.
func Find(args [][]byte) (*Spec, error) {
	s := lookup(args)
	switch {
	case s == nil:
		return nil, unknown(args)
	case !s.takes(len(args)):
		return s, refuse("wrong number of arguments for '%s' command", s.Name)
	}
	return s, nil
}

// A refusal says what is wrong with a request, in the server's words.
type refusal string

func (r refusal) Error() string { return string(r) }

func refuse(format string, args ...any) error { return refusal(fmt.Sprintf(format, args...)) }

// takes reports whether a request may have n arguments.
func (s *Spec) takes(n int) bool {
	return n == s.Arity || n >= -s.Arity && s.Arity < 0
}

// unknown says that there is no such command, or no such subcommand.
func unknown(args [][]byte) error {
	if lookup(args[:1]) != nil {
		container := strings.ToUpper(string(args[0]))
		return refuse("unknown subcommand '%s'. Try %s HELP.", shown(args[1], shownBytes), container)
	}
	var list []byte
	for _, arg := range args[1:] {
		if len(list) >= shownBytes {
			break
		}
		list = fmt.Appendf(list, "'%s' ", shown(arg, shownBytes-len(list)))
	}
	return refuse("unknown command '%s', with args beginning with: %s", shown(args[0], shownBytes), list)
}

// shownBytes is how much of a name an error shows, and about how much of the
// arguments.
const shownBytes = 128

// shown returns what an error shows of arg: it ends at a zero byte, as in C.
func shown(arg []byte, most int) []byte {
	if i := bytes.IndexByte(arg, 0); i >= 0 {
		arg = arg[:i]
	}
	return arg[:min(len(arg), most)]
}

// lookup returns the command or subcommand that args call, nil if there is none. A
// container alone is a command of its own.
func lookup(args [][]byte) *Spec {
	var scratch [maxName]byte
	name, ok := appendLower(scratch[:0], args[0])
	if !ok {
		return nil
	}
	index := indexed()
	s := index.commands[string(name)]
	if s == nil || len(s.Subcommands) == 0 || len(args) == 1 {
		return s
	}
	if name, ok = appendLower(append(name, '|'), args[1]); !ok {
		return nil
	}
	return index.subcommands[string(name)]
}

// named returns the command or subcommand of that name, such as "cluster|slots".
func named(name []byte) *Spec {
	var scratch [maxName]byte
	name, ok := appendLower(scratch[:0], name)
	if !ok {
		return nil
	}
	index := indexed()
	if s := index.commands[string(name)]; s != nil {
		return s
	}
	return index.subcommands[string(name)]
}

// appendLower appends name in lower case, unless there is no room: then it is no
// name.
func appendLower(dst, name []byte) (lower []byte, ok bool) {
	if len(name) > cap(dst)-len(dst) {
		return dst, false
	}
	start := len(dst)
	dst = append(dst, name...)
	for i, c := range dst[start:] {
		dst[start+i] = lowerByte(c)
	}
	return dst, true
}

func lowerByte(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// is reports whether arg is the word, which is in lower case.
func is(arg []byte, word string) bool {
	if len(arg) != len(word) {
		return false
	}
	for i, c := range arg {
		if lowerByte(c) != word[i] {
			return false
		}
	}
	return true
}
