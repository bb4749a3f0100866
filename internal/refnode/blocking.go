package refnode

import (
	"bytes"
	"slices"
	"strconv"
	"time"

	"github.com/slotmesh/slotmesh/internal/refnode/decimal"
	"github.com/slotmesh/slotmesh/internal/refnode/engine"
	"github.com/slotmesh/slotmesh/internal/resp"
)

var blockingHandlers = map[string]handler{
	"blpop":      func(r *request) { r.popFirst("list", "lpop") },
	"brpop":      func(r *request) { r.popFirst("list", "rpop") },
	"bzpopmin":   func(r *request) { r.popFirst("zset", "zpopmin") },
	"bzpopmax":   func(r *request) { r.popFirst("zset", "zpopmax") },
	"blmove":     func(r *request) { r.blockFor(5, "list", "lmove", moveArgs(1, 5)) },
	"brpoplpush": func(r *request) { r.blockFor(3, "list", "rpoplpush", moveArgs(1, 3)) },
	"blmpop":     func(r *request) { r.blockFor(1, "list", "lmpop", (*request).popArgs) },
	"bzmpop":     func(r *request) { r.blockFor(1, "zset", "zmpop", (*request).popArgs) },
	"xread":      (*request).readStreams,
	"xreadgroup": (*request).readStreams,
}

// popFirst pops from the first key that has something: BLPOP and its like.
func (r *request) popFirst(kind, pop string) {
	timeout, ok := r.timeout(len(r.args) - 1)
	if !ok {
		return
	}
	r.blockOr(timeout, func(r *request) bool {
		for _, key := range r.waitedFor() {
			switch t := r.node.keys.data.Type(string(key)); {
			case t == kind:
				r.popKey(pop, key)
				return true
			case t != "none" && r.ready == "":
				r.fail("WRONGTYPE Operation against a key holding the wrong kind of value")
				return true
			}
		}
		return false
	})
}

// waitedFor returns the keys that are to be looked at: all, or for a client that has
// waited the one that has changed.
func (r *request) waitedFor() [][]byte {
	if r.ready != "" {
		return [][]byte{[]byte(r.ready)}
	}
	return appendKeys(nil, r.args, r.keys)
}

// popKey pops from key and answers what it got, with the key in front.
func (r *request) popKey(pop string, key []byte) {
	reply := r.call(pop, key)
	n := 2
	if reply[0] == '*' {
		header, rest, _ := bytes.Cut(reply, []byte("\r\n"))
		count, _ := strconv.Atoi(string(header[1:]))
		reply, n = rest, count+1
	}
	r.array(n)
	r.bulk(string(key))
	r.out = append(r.out, reply...)
}

// call runs another command in place of this one and returns its reply.
func (r *request) call(name string, args ...[]byte) []byte {
	return r.execute(nil, append([][]byte{[]byte(name)}, args...)...)
}

// blockFor waits until a command answers something: what it is without its B, and the
// arguments that it has then. The timeout is at argument at. A client that waits is not
// disturbed by a key that is not of its kind.
func (r *request) blockFor(at int, kind, name string, args func(*request) [][]byte) {
	timeout, ok := r.timeout(at)
	if !ok {
		return
	}
	r.blockOr(timeout, func(r *request) bool {
		if r.ready != "" && r.node.keys.data.Type(r.ready) != kind {
			return false
		}
		return r.tryCommand(name, args(r))
	})
}

// moveArgs are arguments as they are.
func moveArgs(from, to int) func(*request) [][]byte {
	return func(r *request) [][]byte { return r.args[from:to] }
}

// popArgs are the arguments of LMPOP and ZMPOP, for the keys that are to be looked at.
func (r *request) popArgs() [][]byte {
	if r.ready == "" {
		return r.args[2:]
	}
	rest := r.args[r.keys[len(r.keys)-1].Arg+1:]
	return append([][]byte{[]byte("1"), []byte(r.ready)}, rest...)
}

// tryCommand runs a command and reports false if it found nothing to do.
func (r *request) tryCommand(name string, args [][]byte) bool {
	reply := r.call(name, args...)
	if engine.IsNull(reply) && (!r.nested || r.ready != "") {
		return false // in a transaction this is the answer
	}
	r.out = append(r.out, reply...)
	return true
}

// readStreams is XREAD and XREADGROUP, which block only if they say so.
func (r *request) readStreams() {
	block, streams := r.streamOptions()
	if block < 0 || streams < 0 {
		r.exec()
		return
	}
	ms, ok := decimal.Parse(r.args[block+1])
	switch {
	case !ok:
		r.fail("ERR timeout is not an integer or out of range")
		return
	case ms < 0:
		r.fail("ERR timeout is negative")
		return
	}
	args := r.streamArgs(block, streams)
	r.blockOr(time.Duration(min(ms, maxPause))*time.Millisecond, func(r *request) bool { return r.tryCommand(r.spec.Name, args[1:]) })
}

// streamOptions returns where the last BLOCK is and where STREAMS, -1 for what is not
// there. A group may have the name of either.
func (r *request) streamOptions() (block, streams int) {
	block = -1
	for i := 1; i < len(r.args); i++ {
		switch word := r.arg(i); {
		case isAny(word, "streams"):
			return block, i
		case isAny(word, "block"):
			block = i
			i++
		case isAny(word, "count"):
			i++
		case isAny(word, "group"):
			i += 2
		case !isAny(word, "noack"):
			return block, -1
		}
	}
	return block, -1
}

// streamArgs returns the arguments without BLOCK, and the last ID of a stream where they
// say $: what comes after now is what the client waits for.
func (r *request) streamArgs(block, streams int) [][]byte {
	args := slices.Concat(r.args[:block], r.args[block+2:])
	streams -= 2
	n := (len(args) - streams - 1) / 2
	for i := range args {
		args[i] = slices.Clone(args[i])
		if i > streams+n && string(args[i]) == "$" {
			args[i] = r.lastID(args[i-n])
		}
	}
	return args
}

// lastID returns the ID of the last entry that a stream got.
func (r *request) lastID(key []byte) []byte {
	reply := r.node.keys.data.Exec(nil, &engine.Call{
		Args: [][]byte{[]byte("xinfo"), []byte("stream"), key}, Proto: resp.RESP2, Now: r.now,
	})
	found := Bulks(reply)
	for i, name := range found {
		if string(name) == "last-generated-id" && len(found[i+1]) > 0 {
			return found[i+1]
		}
	}
	return []byte("0-0")
}
