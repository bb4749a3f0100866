package refnode

import (
	"bytes"
	"time"

	"github.com/slotmesh/slotmesh/internal/refnode/engine"
)

// exec runs the command in the engine, and what follows from its having run.
func (r *request) exec() { r.out = r.execute(r.out, r.args...) }

// execute runs the command, or another that stands for it, and appends the reply to dst.
func (r *request) execute(dst []byte, args ...[]byte) []byte {
	r.node.keys.expire(r.now) // as an earlier command of a transaction may have it
	start := len(dst)
	call := engine.Call{Args: args, Proto: r.session.proto, Now: r.now}
	dst = r.node.keys.data.Exec(dst, &call)
	if len(call.Changed) > 0 {
		r.wrote(call.Changed, rewrite(args, dst[start:])...)
	}
	return dst
}

// keyNames returns the keys of the command.
func (r *request) keyNames() []string {
	names := make([]string, len(r.keys))
	for i, k := range r.keys {
		names[i] = r.arg(k.Arg)
	}
	return names
}

// wrote takes notice of what a command has changed: the keys, and what the followers
// are to run for it.
func (r *request) wrote(keys []string, effect ...[]byte) {
	for _, key := range keys {
		r.node.keys.touch(key)
	}
	r.node.propagate(r.now, effect)
}

// rewrite returns the command that does to a follower what args did here. Most do the
// same wherever they run, since the time comes with them.
func rewrite(args [][]byte, reply []byte) [][]byte {
	if !bytes.EqualFold(args[0], []byte("spop")) {
		return args
	}
	return append([][]byte{[]byte("srem"), args[1]}, Bulks(reply)...)
}

// Bulks returns the bulks in a reply that is one, or an array or set of some.
func Bulks(reply []byte) [][]byte {
	var found [][]byte
	for len(reply) > 0 {
		end := bytes.Index(reply, []byte("\r\n"))
		if reply[0] != '$' {
			reply = reply[end+2:]
			continue
		}
		n := 0
		for _, digit := range reply[1:end] {
			n = 10*n + int(digit-'0')
		}
		found = append(found, reply[end+2:end+2+n])
		reply = reply[end+2+n+2:]
	}
	return found
}

// keyExpired is told of a key that is about to be removed since its time has come.
func (n *Node) keyExpired(key string) {
	n.stats.expired++
	if n.follows() {
		n.strayed[key] = struct{}{} // unless its master says the same: see catchUp
	}
	n.propagate(n.now(), [][]byte{[]byte("del"), []byte(key)})
}

// keyTouched is told of every key that has changed.
func (n *Node) keyTouched(key string) { n.blocked.ready(key) }

// apply runs a command that this node's master has run. It is not checked in any way.
func (n *Node) apply(at time.Time, args [][]byte) {
	r := &n.replica
	r.args, r.out, r.now, r.nested = args, r.out[:0], at, true
	n.keys.expire(at)
	if refusal := r.identify(); refusal != "" {
		return
	}
	r.run()
	n.serveReady(at)
}
