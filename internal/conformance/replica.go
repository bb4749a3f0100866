package conformance

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// testReadonly checks rule 6: what a replica serves.
func testReadonly(t *testing.T, c Cluster) {
	t.Run("nothing without READONLY", at(c, func(s *site) {
		w := s.dial(replica(s))
		w.do("GET", s.k1).is(s.moved(s.owner))
		w.do("SET", s.k1, "v").is(s.moved(s.owner))
		w.do("EVAL", "return 1", "1", s.k1).is(s.moved(s.owner))
		w.do("EVAL_RO", "return 1", "1", s.k1).is(s.moved(s.owner))
		w.do("WATCH", s.k1).is(s.moved(s.owner))
		w.do("MGET", s.k1, s.apart).is(crossSlot)
	}))

	t.Run("reads with READONLY, until READWRITE", at(c, func(s *site) {
		w := replicated(s)
		w.do("GET", s.k1).is(bulk("v"))
		w.do("MGET", s.k1, s.k2).is(array(bulk("v"), "$-1"))
		w.do("GET", s.apart).is("$-1")
		w.do("MGET", s.k1, s.apart).is(crossSlot)
		w.ok("WATCH "+s.k1, "READWRITE")
		w.do("GET", s.k1).is(s.moved(s.owner))
	}))

	t.Run("no writes", at(c, func(s *site) {
		w := replicated(s)
		w.do("SET", s.k1, "w").is(s.moved(s.owner))
		w.do("DEL", s.k2).is(s.moved(s.owner))
		w.do("FLUSHALL").is(readOnly)
		w.do("GET", s.k1).is(bulk("v"))
	}))

	t.Run("no slots but its master's", at(c, func(s *site) {
		for _, addr := range c.Addrs() {
			if addr == s.owner || s.masterOf(addr) == s.owner {
				continue
			}
			w := s.dial(addr)
			w.ok("READONLY")
			w.do("GET", s.k1).is(s.moved(s.owner))
		}
	}))

	t.Run("EXEC where all reads", at(c, func(s *site) {
		w := replicated(s)
		w.ok("MULTI")
		w.queue("GET "+s.k1, "PING", "MGET "+s.k1+" "+s.k2)
		w.do("EXEC").is(array(bulk("v"), "+PONG", array(bulk("v"), "$-1")))
	}))

	t.Run("a write aborts the transaction", at(c, func(s *site) {
		w := replicated(s)
		w.ok("MULTI")
		w.queue("GET " + s.k1)
		w.do("SET", s.k1, "w").is(s.moved(s.owner))
		w.do("EXEC").is(execAbort)
		w.ok("MULTI")
		w.queue("GET " + s.k1)
		w.do("FLUSHALL").is(readOnly)
		w.do("EXEC").is(execAbort)
	}))

	t.Run("sharded channels, even without READONLY", at(c, func(s *site) {
		w := s.dial(replica(s))
		w.do("SPUBLISH", s.k1, "m").orLacks(":0")
		w.do("SSUBSCRIBE", s.k1).orLacks(array(bulk("ssubscribe"), bulk(s.k1), ":1"))
	}))

	t.Run("a reader may wait, although the slot is not the node's", at(c, func(s *site) {
		w := replicated(s)
		// Longer than the second after which a node looks at who waits at the latest.
		w.do("XREAD", "BLOCK", "1200", "STREAMS", s.k2, "$").is("*-1")
	}))

	t.Run("scripts, but not what they write", at(c, func(s *site) {
		w := replicated(s)
		w.do("EVAL", getKey, "1", s.k1).is(bulk("v"))
		w.do("EVAL_RO", getKey, "1", s.k1).is(bulk("v"))
		w.do("EVAL", getArg, "0", s.k1).is(bulk("v"))
		w.do("EVAL", setArg, "1", s.k1, s.k1).begins(readOnly)
		w.do("EVAL", "#!lua flags=no-writes\n"+getKey, "1", s.k1).is(bulk("v"))
		w.do("EVAL", "#!lua\n"+getKey, "1", s.k1).is(s.moved(s.owner))
		w.ok("READWRITE")
		w.do("EVAL", getArg, "0", s.k1).is(raised(notLocal, getArg, 1))
	}))

	t.Run("a key that was moved away is gone", at(c, func(s *site) {
		w := replicated(s)
		s.open()
		s.admin[s.owner].do(s.migrate(s.other, "KEYS", s.k1)...).is("+OK")
		await(s.t, "the replica has deleted the key", func() bool { return w.do("GET", s.k1).text == "$-1" })
	}))
}

// testDemotion checks what becomes of the connections to a master that turns into a
// replica: what is done or waits on them was begun in the belief that it may write.
func testDemotion(t *testing.T, c Cluster) {
	t.Run("open transactions and blocked clients", at(c, func(s *site) {
		writer, reader, waiting := s.dial(s.owner), s.dial(s.owner), s.dial(s.owner)
		writer.ok("SET "+s.k1+" v", "READONLY", "MULTI")
		writer.queue("GET "+s.k1, "SET "+s.k1+" w")
		reader.ok("READONLY", "MULTI")
		reader.queue("GET " + s.k1)
		blockOn(s, s.owner, waiting, "BLPOP", s.k2, "0")

		successor := replica(s)
		s.t.Cleanup(func() {
			if s.masterOf(s.owner) == successor {
				s.promote(s.owner, successor)
			}
		})
		s.promote(successor, s.owner)

		writer.do("EXEC").is(s.moved(successor))
		writer.do("EXEC").is(noMulti)
		writer.do("GET", s.k1).is(bulk("v"))
		reader.do("EXEC").is(array(bulk("v")))
		waiting.receive().is("-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)")
		waiting.closed()
	}))
}

// replica returns a replica of the owner.
func replica(s *site) string {
	s.t.Helper()
	for _, addr := range s.c.Addrs() {
		if s.masterOf(addr) == s.owner {
			return addr
		}
	}
	s.t.Fatal("the owner of the slots has no replica")
	return ""
}

// replicated returns a READONLY connection to a replica that has k1, with the value v.
func replicated(s *site) *wire {
	s.t.Helper()
	s.admin[s.owner].ok("SET " + s.k1 + " v")
	w := s.dial(replica(s))
	w.ok("READONLY")
	await(s.t, "the replica has the key", func() bool { return w.do("GET", s.k1).text == bulk("v") })
	return w
}

// masterOf returns the address of the master that the node at addr follows, "" if it
// follows none or has no link to it.
func (s *site) masterOf(addr string) string {
	role, err := s.c.Do(context.Background(), addr, "role")
	require.NoError(s.t, err)
	r := role.([]any)
	if r[0] != "slave" || r[3] != "connected" {
		return ""
	}
	return fmt.Sprintf("%v:%v", r[1], r[2])
}

// promoter is what a cluster has whose nodes do not elect anybody.
type promoter interface {
	Promote(ctx context.Context, addr string) error
}

// promote makes a replica take the place of its master, and returns when that follows it
// and all nodes know: those that do not would refuse to vote for the way back.
func (s *site) promote(addr, master string) {
	if p, ok := s.c.(promoter); ok {
		require.NoError(s.t, p.Promote(context.Background(), addr))
	} else {
		s.admin[addr].ok("CLUSTER FAILOVER")
	}
	await(s.t, addr+" has replaced "+master, func() bool {
		if s.masterOf(master) != addr {
			return false
		}
		for _, w := range s.admin {
			if s.masterIn(w, master) != s.id[addr] {
				return false
			}
		}
		return true
	})
}

// masterIn returns the id of the master of the node at addr, "-" if it is a master
// itself, as the node at the other end of w sees it.
func (s *site) masterIn(w *wire, addr string) string {
	for line := range strings.Lines(w.do("CLUSTER", "NODES").value()) {
		// <id> <addr> <flags> <master> ...
		if f := strings.Fields(line); f[0] == s.id[addr] {
			return f[3]
		}
	}
	return ""
}
