package command

import (
	"slices"
	"strings"

	"github.com/slotmesh/slotmesh/internal/refnode/glob"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// AppendList appends the reply to COMMAND LIST options: the names of all commands and
// subcommands, or of those that FILTERBY ACLCAT category or FILTERBY PATTERN glob
// leaves. Of a MODULE there are none.
func AppendList(dst []byte, options [][]byte) []byte {
	listed, ok := filter(options)
	if !ok {
		return resp.AppendError(dst, "ERR syntax error")
	}
	var names []string
	for i := range table {
		names = table[i].appendNames(names, listed)
	}
	dst = resp.AppendArray(dst, len(names))
	for _, name := range names {
		dst = resp.AppendBulk(dst, name)
	}
	return dst
}

// appendNames appends the names of s and its subcommands, as far as they are listed.
func (s *Spec) appendNames(names []string, listed func(*Spec) bool) []string {
	if listed(s) {
		names = append(names, s.Name)
	}
	for i := range s.Subcommands {
		names = s.Subcommands[i].appendNames(names, listed)
	}
	return names
}

// filter returns what the options of COMMAND LIST ask for.
func filter(options [][]byte) (listed func(*Spec) bool, ok bool) {
	if len(options) == 0 {
		return func(*Spec) bool { return true }, true
	}
	if len(options) != 3 || !is(options[0], "filterby") {
		return nil, false
	}
	arg := options[2]
	switch {
	case is(options[1], "module"):
		return func(*Spec) bool { return false }, true
	case is(options[1], "aclcat"):
		return func(s *Spec) bool {
			return slices.ContainsFunc(strings.Fields(s.Categories), func(c string) bool { return is(arg, c) })
		}, true
	case is(options[1], "pattern"):
		return func(s *Spec) bool { return glob.MatchFold(arg, []byte(s.Name)) }, true
	default:
		return nil, false
	}
}
