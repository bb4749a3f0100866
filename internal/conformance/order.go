package conformance

import "testing"

// testOrderOfChecks checks what a node finds fault with first.
func testOrderOfChecks(t *testing.T, c Cluster) {
	const arity = "-ERR wrong number of arguments for 'get' command"

	t.Run("unknown commands before redirection", at(c, func(s *site) {
		w := s.dial(s.other)
		w.do("NOSUCH", s.k1).begins("-ERR unknown command 'NOSUCH', with args beginning with: '" + s.k1 + "'")
		w.do("CLUSTER", "NOSUCH").is("-ERR unknown subcommand 'NOSUCH'. Try CLUSTER HELP.")
	}))

	t.Run("arity before redirection", at(c, func(s *site) {
		w := s.dial(s.other)
		w.do("GET").is(arity)
		w.do("GET", s.k1, s.k1).is(arity)
		w.do("CLUSTER").is("-ERR wrong number of arguments for 'cluster' command")
		w.do("CLUSTER", "KEYSLOT").is("-ERR wrong number of arguments for 'cluster|keyslot' command")
	}))

	t.Run("both abort a transaction", at(c, func(s *site) {
		w := s.dial(s.owner)
		for _, request := range [][]string{{"NOSUCH"}, {"GET"}} {
			w.ok("MULTI")
			w.do(request...).begins("-ERR ")
			w.do("EXEC").is(execAbort)
		}
	}))

	t.Run("redirection before the type of the key and the syntax", at(c, func(s *site) {
		const syntax = "-ERR syntax error"
		w := s.dial(s.owner)
		w.ok("SET " + s.k1 + " v")
		w.do("LPUSH", s.k1, "v").is("-WRONGTYPE Operation against a key holding the wrong kind of value")
		w.do("SET", s.k1, "v", "NOSUCH").is(syntax)
		s.open()
		w.do("SET", s.k2, "v", "NOSUCH").is(s.ask())
		w = s.dial(s.other)
		w.do("LPUSH", s.k1, "v").is(s.moved(s.owner))
		w.do("SET", s.k1, "v", "NOSUCH").is(s.moved(s.owner))
		w.do("MSET", s.k1, "v", s.k2).is(s.moved(s.owner))
	}))

	t.Run("redirection before what a subscriber may do", at(c, func(s *site) {
		w := s.dial(s.owner)
		if w.do("PUBLISH", s.k1, "m").text == lacks("PUBLISH") {
			s.t.Skip("the nodes have no pub/sub")
		}
		w.do("SUBSCRIBE", s.k1).is(array(bulk("subscribe"), bulk(s.k1), ":1"))
		w.do("GET", s.k1).is("-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context")
		s.giveAway()
		w.do("GET", s.k1).is(s.moved(s.other))
	}))

	t.Run("redirection before a pause, and after it", at(c, func(s *site) {
		pauser, w := s.admin[s.owner], s.dial(s.owner)
		pauser.ok("CLIENT PAUSE 60000 WRITE")
		s.t.Cleanup(func() { pauser.ok("CLIENT UNPAUSE") })
		w.do("GET", s.k1).is("$-1")
		w.do("MSET", s.k1, "v", s.apart, "v").is(crossSlot)
		w.send("SET", s.k1, "v")
		s.giveAway()
		pauser.ok("CLIENT UNPAUSE")
		w.receive().is(s.moved(s.other))
	}))

	t.Run("what a cluster does not do", at(c, func(s *site) {
		w := s.dial(s.owner)
		w.ok("SELECT 0")
		w.do("SELECT", "1").is("-ERR SELECT is not allowed in cluster mode")
		w.do("SWAPDB", "0", "1").is("-ERR SWAPDB is not allowed in cluster mode")
		w.do("REPLICAOF", "127.0.0.1", "1").is("-ERR REPLICAOF not allowed in cluster mode.")
		w.do("SLAVEOF", "NO", "ONE").is("-ERR REPLICAOF not allowed in cluster mode.")
		w.do("FAILOVER").is("-ERR FAILOVER not allowed in cluster mode. Use CLUSTER FAILOVER command instead.")
	}))

	t.Run("redirection before what a cluster does not do", at(c, func(s *site) {
		w := s.dial(s.owner)
		w.do("MOVE", s.k1, "1").is("-ERR MOVE is not allowed in cluster mode")
		w.do("COPY", s.k1, s.k2, "DB", "1").is("-ERR Copying to another database is not allowed in cluster mode")
		w = s.dial(s.other)
		w.do("MOVE", s.k1, "1").is(s.moved(s.owner))
		w.do("COPY", s.k1, s.k2, "DB", "1").is(s.moved(s.owner))
		w.do("COPY", s.k1, s.apart, "DB", "1").is(crossSlot)
	}))
}
