package refnode

import (
	"strings"
	"time"

	"github.com/slotmesh/slotmesh/internal/refnode/command"
	"github.com/slotmesh/slotmesh/internal/refnode/view"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// A verdict is what has become of a request.
type verdict int

const (
	replied verdict = iota // it ran, or was refused
	parked                 // the client waits for a key
	paused                 // it is to be processed again when the pause is over
)

// A request is one command of one client, or one that a replica's master, a script or a
// transaction runs.
type request struct {
	node    *Node
	session *session
	args    [][]byte
	spec    *command.Spec
	keys    []command.Key
	now     time.Time
	out     []byte // replies so far
	nested  bool   // part of a transaction: it must not block
	slot    int    // of the keys so far, in a transaction of all of them; -1: none
	ready   string // the key that has changed, if the client has waited
	park    *waiter

	query view.Query
	named [][]byte // the keys, as query has them
}

// process runs one request of a client, in the order of checks of the real server.
// The node's lock is held.
func (n *Node) process(s *session, args [][]byte) verdict {
	r := &s.req
	r.args, r.out, r.nested, r.park, r.slot = args, s.out.pending, false, nil, -1
	r.now = n.now()
	n.keys.expire(r.now)
	v := r.process()
	s.out.pending = r.out
	r.out = nil
	if v == replied {
		s.settle(r.spec)
	}
	n.serveReady(r.now)
	n.deliver() // who waits in WAIT waits for this
	return v
}

// settle is what a command leaves behind on its connection.
func (s *session) settle(spec *command.Spec) {
	if s.tx == nil && (spec == nil || spec.Name != "asking") {
		s.asking = false
	}
}

func (r *request) process() verdict {
	start := len(r.out)
	if r.refuse() {
		r.node.stats.refused(r.spec, r.out[start:])
		return replied
	}
	if r.node.pause.holds(r) {
		return paused
	}
	if r.session.tx != nil && !endsTransaction(r.spec.Name) {
		r.queue()
		return replied
	}
	r.session.last, r.session.lastAt = r.spec, r.now
	r.run()
	if r.park != nil {
		r.node.block(r.park)
		return parked
	}
	return replied
}

// refuse answers if the request must not run here, or not at all.
func (r *request) refuse() (refused bool) {
	if refusal := r.identify(); refusal != "" {
		r.reject(refusal)
		return true
	}
	if r.redirect() {
		return true
	}
	if r.node.mustNotWrite(r) {
		r.reject("READONLY You can't write against a read only replica.")
		return true
	}
	return false
}

// identify finds the command and its keys, and returns why it may not run at all.
func (r *request) identify() (refusal string) {
	spec, err := command.Find(r.args)
	r.spec, r.keys = spec, r.keys[:0]
	switch {
	case err != nil && spec != nil && spec.Name == "exec":
		r.node.discard(r.session)
		return "EXECABORT Transaction discarded because of: " + err.Error()
	case err != nil:
		return "ERR " + err.Error()
	}
	if !r.session.authed && !spec.Flags.Has(command.NoAuth) {
		return "NOAUTH Authentication required."
	}
	if r.session.tx != nil && spec.Flags.Has(command.NoMulti) {
		return "ERR Command not allowed inside a transaction"
	}
	r.keys = spec.Keys(r.args, r.keys)
	return ""
}

// reject answers an error before the command ran, which a transaction remembers.
func (r *request) reject(text string) {
	if r.session.tx != nil {
		r.session.tx.broken = true
	}
	r.fail(text)
}

// redirect decides whether the keys are served here, and answers if they are not.
func (r *request) redirect() (refused bool) {
	if r.spec.Name == "exec" && r.session.tx != nil {
		return r.redirectExec()
	}
	if len(r.keys) == 0 {
		return false
	}
	r.named = appendKeys(r.named[:0], r.args, r.keys)
	d := r.decide(r.writes(), false)
	if d.Kind == view.Serve {
		return false
	}
	if r.session.tx != nil {
		r.session.tx.broken = true
	}
	r.out = r.node.view.AppendError(r.out, d)
	return true
}

// redirectExec decides about all that was queued together.
func (r *request) redirectExec() (refused bool) {
	tx := r.session.tx
	r.named = tx.keys(r.named[:0])
	d := r.decide(false, tx.writes)
	if d.Kind == view.Serve {
		return false
	}
	r.node.discard(r.session)
	r.out = r.node.view.AppendError(r.out, d)
	return true
}

// decide asks the view about the keys in named.
func (r *request) decide(write, queuedWrite bool) view.Decision {
	r.query = view.Query{
		Keys:        r.named,
		Write:       write,
		QueuedWrite: queuedWrite,
		Migrate:     r.spec.Name == "migrate",
		ShardPubSub: isShardPubSub(r.spec.Name),
		Asking:      r.session.asking || r.spec.Flags.Has(command.Asking),
		ReadOnly:    r.session.readonly,
		Exists:      r.node.keys.hasBytes,
	}
	return r.node.view.Decide(&r.query)
}

// writes reports whether the command counts as a write: for a script, what it says of
// itself.
func (r *request) writes() bool {
	if isScript(r.spec.Name) {
		return r.node.scriptWrites(r)
	}
	return r.spec.Flags.Has(command.Write)
}

func isShardPubSub(name string) bool {
	return name == "ssubscribe" || name == "sunsubscribe" || name == "spublish"
}

// mustNotWrite reports whether r is a write that only a master may run. Writes to keys of
// a replica were redirected before.
func (n *Node) mustNotWrite(r *request) bool {
	return n.isReplica() && r.spec.Flags.Has(command.Write)
}

// run runs the command.
func (r *request) run() {
	spec, start := r.spec, len(r.out)
	r.handle()
	r.node.stats.ran(spec, r.out[start:])
}

func (r *request) handle() {
	if run, ok := handlers[r.spec.Name]; ok {
		run(r)
		return
	}
	if !inEngine(r.spec.Name) {
		r.fail("ERR " + title(r.spec) + " is not supported by the reference node")
		return
	}
	r.exec()
}

// A handler runs one command that is the node's own.
type handler func(r *request)

var handlers map[string]handler

func init() {
	handlers = map[string]handler{}
	for _, set := range []map[string]handler{
		connectionHandlers, transactionHandlers, blockingHandlers, keyHandlers, objectHandlers, scriptHandlers,
		clusterHandlers, transferHandlers, serverHandlers, clientHandlers, commandHandlers,
		hyperLogLogHandlers,
	} {
		for name, run := range set {
			handlers[name] = run
		}
	}
}

func (r *request) fail(text string)   { r.out = resp.AppendError(r.out, text) }
func (r *request) simple(text string) { r.out = resp.AppendSimple(r.out, text) }
func (r *request) ok()                { r.simple("OK") }
func (r *request) int(n int64)        { r.out = resp.AppendInt(r.out, n) }
func (r *request) bulk(text string)   { r.out = resp.AppendBulk(r.out, text) }
func (r *request) array(n int)        { r.out = resp.AppendArray(r.out, n) }
func (r *request) null()              { r.out = r.session.proto.AppendNull(r.out) }
func (r *request) nullArray()         { r.out = r.session.proto.AppendNullArray(r.out) }
func (r *request) verbatim(text string) {
	r.out = r.session.proto.AppendVerbatim(r.out, [3]byte{'t', 'x', 't'}, text)
}

// title returns the name of a command as people write it.
func title(spec *command.Spec) string {
	return strings.ToUpper(strings.ReplaceAll(spec.Name, "|", " "))
}
