package refnode

import (
	"bytes"
	"slices"
	"time"

	"github.com/slotmesh/slotmesh/internal/refnode/engine"
)

// exec runs the command in the engine, and what follows from its having run.
func (r *request) exec() { r.execArgs(r.args...) }

// execArgs runs other arguments than the client sent, of the same keys.
func (r *request) execArgs(args ...[]byte) {
	start := len(r.out)
	call := engine.Call{Args: args, Write: r.writes(), Proto: r.session.proto, Now: r.now}
	if call.Write || r.node.keys.mayExpire() {
		call.Keys = r.keyNames()
	}
	r.out = r.node.keys.data.Exec(r.out, &call)
	if call.Write && hasEffect(r.spec.Name, r.out[start:]) {
		r.wrote(call.Keys, rewrite(r.spec.Name, args, r.out[start:])...)
	}
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

// hasEffect reports, by its reply, whether a write may have changed anything.
func hasEffect(name string, reply []byte) bool {
	if len(reply) == 0 || reply[0] == '-' {
		return false
	}
	if !slices.Contains(idle, name) {
		return true
	}
	for _, none := range []string{":0\r\n", ":-1\r\n", "$-1\r\n", "*-1\r\n", "_\r\n", "*0\r\n", "~0\r\n", "%0\r\n"} {
		if string(reply) == none {
			return false
		}
	}
	return true
}

// idle are the writes that have changed nothing if they answer 0, -1, null or nothing.
var idle = []string{
	"copy", "del", "expire", "expireat", "getdel", "hdel", "hsetnx", "linsert", "lmove", "lmpop", "lpop",
	"lpushx", "lrem", "move", "msetnx", "persist", "pexpire", "pexpireat", "pfadd", "renamenx", "rpop",
	"rpoplpush", "rpushx", "sadd", "setnx", "smove", "spop", "srem", "unlink", "xack", "xdel", "xtrim",
	"zmpop", "zpopmax", "zpopmin", "zrem", "zremrangebylex", "zremrangebyrank", "zremrangebyscore",
	"blpop", "brpop", "blmove", "brpoplpush", "bzpopmin", "bzpopmax", "bzmpop", "xreadgroup",
}

// rewrite returns the command that does to a follower what args did here. Most do the
// same wherever they run, since the time comes with them.
func rewrite(name string, args [][]byte, reply []byte) [][]byte {
	if name != "spop" {
		return args
	}
	return append([][]byte{[]byte("srem"), args[1]}, bulks(reply)...)
}

// bulks returns the bulks in a reply that is one, or an array or set of some.
func bulks(reply []byte) [][]byte {
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
