package conformance

import "testing"

// testFirstScan checks what is found out about the keys before any rule applies.
func testFirstScan(t *testing.T, c Cluster) {
	t.Run("the slot of the first key is not served", at(c, func(s *site) {
		w := s.dial(s.owner)
		s.unassign(homeSlot)
		w.do("GET", s.k1).is(notServed)
		w.do("SET", s.k1, "v").is(notServed)
		w.do("MGET", s.k1, s.apart).is(notServed)
		w.do("EVAL", "return 1", "1", s.k1).is(notServed)
		w.do("SSUBSCRIBE", s.k1).is(notServed)
		w.do("MGET", s.apart, s.k1).is(crossSlot)
	}))

	t.Run("CROSSSLOT", at(c, func(s *site) {
		for _, addr := range c.Masters() {
			w := s.dial(addr)
			w.do("MGET", s.k1, s.apart).is(crossSlot)
			w.do("MGET", s.k1, s.k2, s.apart).is(crossSlot)
			w.do("MSET", s.k1, "v", s.apart, "v").is(crossSlot)
			w.do("DEL", s.apart, s.k1).is(crossSlot)
			w.do("WATCH", s.k1, s.apart).is(crossSlot)
			w.do("SSUBSCRIBE", s.k1, s.apart).is(crossSlot)
		}
		s.admin[s.owner].do("EXISTS", s.k1).is(":0")
	}))

	t.Run("CROSSSLOT although the cluster is down", at(c, func(s *site) {
		s.breakDown()
		w := s.dial(s.owner)
		w.do("MGET", s.k1, s.apart).is(crossSlot)
		w.do("MGET", s.apart, s.k1).is(notServed)
	}))

	t.Run("the same key repeated is one key", at(c, func(s *site) {
		s.open()
		w := s.dial(s.other)
		w.asking("MGET", s.k1, s.k1).is(array("$-1", "$-1"))
		w.asking("MGET", s.k1, s.k1, s.k2).is(tryAgain)
	}))

	t.Run("an expired key is missing", at(c, func(s *site) {
		w := s.dial(s.owner)
		w.ok("SET " + s.k1 + " v PX 50")
		s.open()
		await(t, "the key has expired", func() bool { return w.do("GET", s.k1).text != bulk("v") })
		w.do("GET", s.k1).is(s.ask())
	}))
}

// testNoKey checks rule 1: what has no key is served, whatever the state.
func testNoKey(t *testing.T, c Cluster) {
	serves := func(w *wire) {
		w.t.Helper()
		w.do("PING").is("+PONG")
		w.do("ECHO", "x").is(bulk("x"))
		w.do("EVAL", "return 1", "0").is(":1")
		w.do("KEYS", "no such key").is("*0")
		w.do("EXEC").is(noMulti)
		w.ok("MULTI")
		w.queue("PING")
		w.do("EXEC").is(array("+PONG"))
	}
	t.Run("at every node", at(c, func(s *site) {
		for _, addr := range c.Addrs() {
			serves(s.dial(addr))
		}
	}))
	t.Run("although the cluster is down", at(c, func(s *site) {
		s.breakDown()
		serves(s.dial(s.owner))
	}))
	t.Run("channels that are not sharded", at(c, func(s *site) {
		s.breakDown()
		for _, addr := range c.Addrs() {
			s.dial(addr).do("PUBLISH", s.k1, "m").orLacks(":0")
		}
	}))
}

// testMovedOrServed checks rule 7.
func testMovedOrServed(t *testing.T, c Cluster) {
	t.Run("the owner serves", at(c, func(s *site) {
		w := s.dial(s.owner)
		w.do("GET", s.k1).is("$-1")
		w.ok("SET "+s.k1+" v", "WATCH "+s.k1)
		w.do("MGET", s.k1, s.k2).is(array(bulk("v"), "$-1"))
		w.do("EVAL", "return KEYS[1]", "1", s.k1).is(bulk(s.k1))
		w.asking("GET", s.k1).is(bulk("v"))
	}))

	t.Run("the owner serves sharded channels", at(c, func(s *site) {
		w := s.dial(s.owner)
		w.do("SPUBLISH", s.k1, "m").orLacks(":0")
		w.do("SSUBSCRIBE", s.k1).orLacks(array(bulk("ssubscribe"), bulk(s.k1), ":1"))
	}))

	t.Run("another master names the owner", at(c, func(s *site) {
		for _, addr := range c.Masters() {
			if addr == s.owner {
				continue
			}
			w := s.dial(addr)
			for _, mode := range []string{"READWRITE", "READONLY", "ASKING"} {
				w.ok(mode)
				w.do("GET", s.k1).is(s.moved(s.owner))
			}
			w.do("SET", s.k1, "v").is(s.moved(s.owner))
			w.do("MGET", s.k1, s.k2).is(s.moved(s.owner))
			w.do("WATCH", s.k1).is(s.moved(s.owner))
			w.do("EVAL", "return 1", "1", s.k1).is(s.moved(s.owner))
			w.do("SPUBLISH", s.k1, "m").is(s.moved(s.owner))
			w.do("SSUBSCRIBE", s.k1).is(s.moved(s.owner))
		}
	}))

	t.Run("the endpoint is what the node prefers", at(c, func(s *site) {
		_, port := hostPort(s, s.other)
		s.giveAway()
		w := s.dial(s.owner)
		s.configure("cluster-preferred-endpoint-type", "unknown-endpoint")
		w.do("GET", s.k1).is(s.moved(":" + port))
		s.configure("cluster-preferred-endpoint-type", "hostname")
		w.do("GET", s.k1).is(s.moved("?:" + port))
	}))
}
