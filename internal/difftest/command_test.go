package difftest

import (
	"strconv"
	"strings"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// A command is what is sent to both sides, with names that each side replaces, and
// how the replies to it compare.
type command struct {
	args   []string
	view   view
	inline bool // not as an array
}

func words(view view, text string) command { return command{args: strings.Fields(text), view: view} }

func (c command) is(name string) bool { return strings.EqualFold(c.args[0], name) }

func (c command) String() string {
	quoted := make([]string, len(c.args))
	for i, arg := range c.args {
		quoted[i] = arg
		if !plain(arg) {
			quoted[i] = strconv.Quote(arg)
		}
	}
	text := strings.Join(quoted, " ")
	if c.inline {
		text += "  (inline)"
	}
	return text
}

// plain reports whether arg can be sent inline as it is.
func plain(arg string) bool {
	for i := range len(arg) {
		if arg[i] <= ' ' || arg[i] > '~' || arg[i] == '"' || arg[i] == '\'' {
			return false
		}
	}
	return arg != ""
}

// request appends the command as s understands it.
func (s *side) request(dst []byte, c command) []byte {
	args := make([]string, len(c.args))
	for i, arg := range c.args {
		args[i] = arg
		if strings.Contains(arg, "<") {
			args[i] = s.requests.Replace(arg)
		}
	}
	c.args = args
	return appendCommand(dst, c)
}

func appendCommand(dst []byte, c command) []byte {
	if c.inline {
		dst = append(dst, strings.Join(c.args, " ")...)
		return append(dst, "\r\n"...)
	}
	dst = resp.AppendArray(dst, len(c.args))
	for _, arg := range c.args {
		dst = resp.AppendBulk(dst, arg)
	}
	return dst
}
