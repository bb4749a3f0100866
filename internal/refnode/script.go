package refnode

import (
	"crypto/sha1"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/internal/refnode/command"
	"github.com/slotmesh/slotmesh/internal/refnode/decimal"
	"github.com/slotmesh/slotmesh/internal/refnode/engine"
	"github.com/slotmesh/slotmesh/internal/refnode/view"
	"github.com/slotmesh/slotmesh/internal/resp"
)

var scriptHandlers = map[string]handler{
	"eval":          (*request).eval,
	"eval_ro":       (*request).eval,
	"evalsha":       (*request).eval,
	"evalsha_ro":    (*request).eval,
	"script|load":   (*request).scriptLoad,
	"script|exists": (*request).scriptExists,
	"script|flush":  (*request).scriptFlush,
}

// isScript reports whether a command runs a script.
func isScript(name string) bool {
	switch name {
	case "eval", "eval_ro", "evalsha", "evalsha_ro":
		return true
	}
	return false
}

// A script is one that a client runs: what it may do, and what it has done so far.
type script struct {
	request  *request
	source   string
	sha      string
	readOnly bool // it may not write
	oneSlot  bool // it may touch the slot of its first key only
	done     []queued
}

// source returns the text of the script that the command runs.
func (n *Node) source(r *request) (text string, ok bool) {
	if strings.HasPrefix(r.spec.Name, "evalsha") {
		text, ok = n.scripts[strings.ToLower(r.arg(1))]
		return text, ok
	}
	return r.arg(1), true
}

// scriptWrites reports whether a script counts as a write when it is routed. One without
// flags does not; what it writes is refused when it does.
func (n *Node) scriptWrites(r *request) bool {
	if strings.HasSuffix(r.spec.Name, "_ro") {
		return false
	}
	text, _ := n.source(r)
	flags, declared := scriptFlags(text)
	return declared && !strings.Contains(flags, "no-writes")
}

// scriptFlags returns the flags in a script's first line, and whether it has one.
func scriptFlags(text string) (flags string, declared bool) {
	if !strings.HasPrefix(text, "#!") {
		return "", false
	}
	line, _, _ := strings.Cut(text, "\n")
	_, flags, _ = strings.Cut(line, "flags=")
	return flags, true
}

func (r *request) eval() {
	text, ok := r.node.source(r)
	switch refusal := r.scriptKeys(); {
	case !ok && (refusal == "" || len(r.args[1]) != 2*sha1.Size):
		r.fail("NOSCRIPT No matching script. Please use EVAL.")
		return
	case refusal != "":
		r.fail(refusal)
		return
	}
	flags, declared := scriptFlags(text)
	if strings.Contains(flags, "no-cluster") {
		r.fail("ERR Can not run script on cluster, 'no-cluster' flag is set.")
		return
	}
	s := &script{
		request: r, source: text, sha: sha(text),
		readOnly: strings.HasSuffix(r.spec.Name, "_ro") || strings.Contains(flags, "no-writes"),
		oneSlot:  declared && !strings.Contains(flags, "allow-cross-slot-keys"),
	}
	if keys := r.keyNames(); len(keys) > 0 {
		r.slot = int(hashtag.Slot(keys[0]))
	}
	s.run()
}

// scriptKeys returns what is wrong with the number of keys.
func (r *request) scriptKeys() (refusal string) {
	n, ok := decimal.Parse(r.args[2])
	switch {
	case !ok:
		return "ERR value is not an integer or out of range"
	case n > int64(len(r.args)-3):
		return "ERR Number of keys can't be greater than number of args"
	case n < 0:
		return "ERR Number of keys can't be negative"
	}
	return ""
}

// run runs the script, and then notes what it has changed.
func (s *script) run() {
	r := s.request
	body := s.source
	if strings.HasPrefix(body, "#!") {
		body = "--" + body[2:] // Lua knows no such line
	}
	args := append([][]byte{[]byte("eval"), []byte(body)}, r.args[2:]...)
	call := engine.Call{Args: args, Proto: r.session.proto, Now: r.now}
	call.Nested = func(args []string) (refusal string) {
		s.touch(call.Changed) // what is there decides who serves a slot that moves
		return s.allow(args)
	}
	reply := r.node.keys.data.Exec(nil, &call)
	compiled := true
	if len(reply) > 0 && reply[0] == '-' {
		var text string
		text, compiled = s.explain(string(reply[1:]))
		reply = resp.AppendError(nil, text)
	}
	if compiled {
		r.node.scripts[s.sha] = s.source
	}
	s.wrote(call.Changed)
	r.out = append(r.out, reply...)
}

func (s *script) touch(changed []string) {
	for _, key := range changed {
		s.request.node.keys.touch(key)
	}
}

// wrote takes notice of the keys that the script has changed. The followers get what the
// script has written; but what SPOP took only the script knows, so then they get what the
// keys are now.
func (s *script) wrote(changed []string) {
	n, now := s.request.node, s.request.now
	random := slices.ContainsFunc(s.done, func(q queued) bool { return q.spec.Name == "spop" })
	s.touch(changed)
	for _, key := range changed {
		if random {
			n.propagate(now, n.state(key))
		}
	}
	for _, q := range s.done {
		if !random {
			n.propagate(now, q.args)
		}
	}
}

// allow decides about one command that the script calls. What it returns is the error
// that the call raises; the empty text lets it run.
func (s *script) allow(args []string) (refusal string) {
	inner := request{node: s.request.node, session: s.request.session, now: s.request.now}
	for _, arg := range args {
		inner.args = append(inner.args, []byte(arg))
	}
	spec, err := command.Find(inner.args)
	switch {
	case err != nil && spec != nil:
		return "ERR Wrong number of args calling Redis command from script"
	case err != nil:
		return "ERR Unknown Redis command called from script"
	case spec.Flags.Has(command.NoScript):
		return "ERR This Redis command is not allowed from script"
	case !scriptable(spec.Name):
		return "ERR " + title(spec) + " is not supported in scripts by the reference node"
	}
	inner.spec, inner.keys = spec, spec.Keys(inner.args, nil)
	return s.allowRequest(&inner)
}

func (s *script) allowRequest(inner *request) (refusal string) {
	write := inner.spec.Flags.Has(command.Write)
	switch {
	case write && s.readOnly:
		return "ERR Write commands are not allowed from read-only scripts."
	case write && inner.node.mustNotWrite(inner):
		return "READONLY You can't write against a read only replica."
	}
	if refusal := s.allowKeys(inner, write); refusal != "" {
		return refusal
	}
	if write {
		s.done = append(s.done, queued{args: inner.args, spec: inner.spec, keys: inner.keys})
	}
	return ""
}

// allowKeys decides about the keys of a call as if a client had sent it.
func (s *script) allowKeys(inner *request, write bool) (refusal string) {
	if len(inner.keys) == 0 {
		return ""
	}
	inner.named = appendKeys(nil, inner.args, inner.keys)
	switch d := inner.decide(write, false); d.Kind {
	case view.Serve:
	case view.Down:
		return "ERR Script attempted to execute a command while the cluster is down"
	case view.DownReadOnly:
		return "ERR Script attempted to execute a write command while the cluster is down and readonly"
	default:
		return "ERR Script attempted to access a non local key in a cluster node"
	}
	return s.allowSlot(inner)
}

// allowSlot decides whether a script that says what it is may touch another slot.
func (s *script) allowSlot(inner *request) (refusal string) {
	if !s.oneSlot {
		return ""
	}
	for _, key := range inner.named {
		slot := int(hashtag.SlotBytes(key))
		if s.request.slot >= 0 && s.request.slot != slot {
			return "ERR Script attempted to access keys that do not hash to the same slot"
		}
		s.request.slot = slot
	}
	return ""
}

// raised is how the engine reports an error that a script has raised, and compiling how
// one that does not compile.
var (
	raised         = regexp.MustCompile(`(?s)^ERR Error compiling script \(new function\): (?:<string>)?:(\d+): (.*?)\s*(?:stack traceback:.*)?$`)
	ofLibrary      = regexp.MustCompile(` script: [0-9a-f]{40}, &c\.$`)
	startsWithCode = regexp.MustCompile(`^[A-Z]+ `)
)

// explain turns the engine's text of an error into that of the real server, and reports
// whether it is the script that raised it, and not the compiler.
func (s *script) explain(text string) (explained string, compiled bool) {
	parts := raised.FindStringSubmatch(text)
	if parts == nil {
		return strings.TrimSpace(text), !strings.Contains(text, "Error compiling script")
	}
	line, message := parts[1], strings.TrimSpace(parts[2])
	switch before := ofLibrary.ReplaceAllString(message, ""); {
	case before != message:
		message = "ERR " + before
	case !startsWithCode.MatchString(message):
		message = "ERR user_script:" + line + ": " + message
	}
	return message + " script: " + s.sha + ", on @user_script:" + line + ".", true
}

// sha returns the name of a script.
func sha(text string) string {
	sum := sha1.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

func (r *request) scriptLoad() {
	text := r.arg(2)
	reply := r.node.keys.data.Exec(nil, &engine.Call{Args: r.args, Proto: r.session.proto, Now: r.now})
	if reply[0] != '-' {
		r.node.scripts[sha(text)] = text
	}
	r.out = append(r.out, reply...)
}

func (r *request) scriptExists() {
	r.array(len(r.args) - 2)
	for i := 2; i < len(r.args); i++ {
		_, ok := r.node.scripts[strings.ToLower(r.arg(i))]
		r.int(map[bool]int64{true: 1}[ok])
	}
}

func (r *request) scriptFlush() {
	if len(r.args) > 3 || len(r.args) == 3 && !isAny(r.arg(2), "async", "sync") {
		r.fail("ERR SCRIPT FLUSH only support SYNC|ASYNC option")
		return
	}
	clear(r.node.scripts)
	r.ok()
}
