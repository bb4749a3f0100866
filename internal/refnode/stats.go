package refnode

import (
	"bytes"

	"github.com/slotmesh/slotmesh/internal/refnode/command"
)

// stats count what INFO shows of the past. CONFIG RESETSTAT starts them over.
type stats struct {
	connections int64
	commands    int64 // that ran
	expired     int64 // keys

	failures int64             // error replies
	byCode   map[string]*int64 // the same, by their first word
	calls    map[*command.Spec]*calls
}

// calls are what became of one command, or one subcommand.
type calls struct {
	ran      int64
	failed   int64 // of those that ran
	rejected int64 // they did not run
}

// ran takes notice of a command that has run, and of its reply, which is empty if the
// client has to wait for it.
func (st *stats) ran(spec *command.Spec, reply []byte) {
	st.commands++
	c := st.of(spec)
	c.ran++
	if st.failed(reply) {
		c.failed++
	}
}

// refused takes notice of a request that was answered with an error instead of being run.
// spec is nil if there is no such command.
func (st *stats) refused(spec *command.Spec, reply []byte) {
	if st.failed(reply) && spec != nil {
		st.of(spec).rejected++
	}
}

func (st *stats) of(spec *command.Spec) *calls {
	c := st.calls[spec]
	if c == nil {
		c = &calls{}
		if st.calls == nil {
			st.calls = map[*command.Spec]*calls{}
		}
		st.calls[spec] = c
	}
	return c
}

// failed reports whether a reply is an error, and counts it.
func (st *stats) failed(reply []byte) bool {
	if len(reply) == 0 || reply[0] != '-' {
		return false
	}
	st.failures++
	code := errorCode(reply)
	count := st.byCode[string(code)]
	if count == nil {
		count = new(int64)
		if st.byCode == nil {
			st.byCode = map[string]*int64{}
		}
		st.byCode[string(code)] = count
	}
	*count++
	return true
}

// errorCode returns the first word of an error reply.
func errorCode(reply []byte) []byte {
	text := reply[1:]
	if end := bytes.IndexAny(text, " \r"); end >= 0 {
		text = text[:end]
	}
	return text
}
