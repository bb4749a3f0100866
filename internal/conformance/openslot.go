package conformance

import "testing"

// testMigrateServed checks rule 3: MIGRATE looks at this node's keys in an open slot.
func testMigrateServed(t *testing.T, c Cluster) {
	t.Run("MIGRATING", at(c, func(s *site) {
		s.open()
		w := s.dial(s.owner)
		w.do("EXISTS", s.k1).is(s.ask())
		w.do(s.migrate(s.other, "KEYS", s.k1)...).is("+NOKEY")
		w.do(s.migrate(s.other, "KEYS", s.k1, s.k2)...).is("+NOKEY")
	}))

	t.Run("IMPORTING, without ASKING", at(c, func(s *site) {
		w := s.dial(s.other)
		w.do(s.migrate(s.owner, "KEYS", s.k1)...).is(s.moved(s.owner))
		s.open()
		w.do("EXISTS", s.k1).is(s.moved(s.owner))
		w.do(s.migrate(s.owner, "KEYS", s.k1)...).is("+NOKEY")
	}))
}

// testMigrating checks rule 4: the owner of a slot that is on its way.
func testMigrating(t *testing.T, c Cluster) {
	t.Run("ASK", at(c, func(s *site) {
		s.open()
		w := s.dial(s.owner)
		w.do("GET", s.k1).is(s.ask())
		w.do("SET", s.k1, "v").is(s.ask())
		w.do("MGET", s.k1, s.k2).is(s.ask())
		w.do("MGET", s.k1, s.k1).is(s.ask())
		w.do("WATCH", s.k1).is(s.ask())
		w.do("EVAL", "return 1", "1", s.k1).is(s.ask())
		w.asking("GET", s.k1).is(s.ask())
	}))

	t.Run("TRYAGAIN", at(c, func(s *site) {
		w := s.dial(s.owner)
		w.ok("SET "+s.k1+" v", "SET "+s.k2+" v")
		s.open()
		w.do("MGET", s.k1, s.k3).is(tryAgain)
		w.do("MGET", s.k3, s.k1).is(tryAgain)
		w.do("MSET", s.k1, "w", s.k3, "w").is(tryAgain)
		w.do("EVAL", "return 1", "2", s.k1, s.k3).is(tryAgain)
		w.do(s.migrate(s.other, "KEYS", s.k2)...).is("+OK")
		w.do("MGET", s.k1, s.k2).is(tryAgain)
		w.do("GET", s.k1).is(bulk("v"))
	}))

	t.Run("served while all keys are there", at(c, func(s *site) {
		w := s.dial(s.owner)
		w.ok("SET "+s.k1+" v", "SET "+s.k2+" v")
		s.open()
		w.ok("SET " + s.k1 + " w")
		w.do("MGET", s.k1, s.k2).is(array(bulk("w"), bulk("v")))
		w.do("DEL", s.k1, s.k2).is(":2")
		w.do("DEL", s.k1, s.k2).is(s.ask())
	}))

	t.Run("sharded channels are no keys to miss", at(c, func(s *site) {
		s.open()
		w := s.dial(s.owner)
		w.do("SPUBLISH", s.k1, "m").orLacks(":0")
		w.do("SSUBSCRIBE", s.k1).orLacks(array(bulk("ssubscribe"), bulk(s.k1), ":1"))
	}))
}

// testImporting checks rule 5: the node that a slot is on its way to.
func testImporting(t *testing.T, c Cluster) {
	t.Run("MOVED without ASKING", at(c, func(s *site) {
		s.open()
		w := s.dial(s.other)
		w.do("GET", s.k1).is(s.moved(s.owner))
		w.do("MGET", s.k1, s.k2).is(s.moved(s.owner))
		w.do("SET", s.k1, "v").is(s.moved(s.owner))
		w.do("RESTORE", s.k1, "0", "x").is(s.moved(s.owner))
		w.do("SSUBSCRIBE", s.k1).is(s.moved(s.owner))
	}))

	t.Run("ASKING is for one command", at(c, func(s *site) {
		s.open()
		w := s.dial(s.other)
		w.ok("ASKING", "SET "+s.k1+" v")
		w.do("GET", s.k1).is(s.moved(s.owner))
		w.asking("GET", s.k1).is(bulk("v"))
		w.asking("PING").is("+PONG")
		w.do("GET", s.k1).is(s.moved(s.owner))
		w.ok("ASKING", "ASKING")
		w.do("GET", s.k2).is("$-1")
		w.do("GET", s.k2).is(s.moved(s.owner))
	}))

	t.Run("ASKING where no slot is importing", at(c, func(s *site) {
		w := s.dial(s.other)
		w.asking("GET", s.k1).is(s.moved(s.owner))
	}))

	t.Run("TRYAGAIN", at(c, func(s *site) {
		s.open()
		w := s.dial(s.other)
		w.asking("MGET", s.k1, s.k2).is(tryAgain)
		w.do("MGET", s.k1, s.k2).is(s.moved(s.owner))
		w.asking("MSET", s.k1, "v", s.k2, "v").is(tryAgain)
		w.asking("SET", s.k1, "v").is("+OK")
		w.asking("MGET", s.k1, s.k2).is(tryAgain)
		w.asking("SET", s.k2, "w").is("+OK")
		w.asking("MGET", s.k1, s.k2).is(array(bulk("v"), bulk("w")))
		w.asking("DEL", s.k1, s.k2).is(":2")
	}))

	t.Run("RESTORE-ASKING asks by itself", at(c, func(s *site) {
		w := s.dial(s.other)
		payload := dump(s, "v")
		w.do("RESTORE-ASKING", s.k1, "0", payload).is(s.moved(s.owner))
		s.open()
		w.do("RESTORE-ASKING", s.k1, "0", payload).is("+OK")
		w.do("GET", s.k1).is(s.moved(s.owner))
		w.asking("GET", s.k1).is(bulk("v"))
	}))
}

// dump returns the payload of a string, as the owner of the slots writes it.
func dump(s *site, value string) string {
	s.t.Helper()
	w := s.admin[s.owner]
	w.ok("SET " + s.k3 + " " + value)
	payload := w.do("DUMP", s.k3).value()
	w.do("DEL", s.k3).is(":1")
	return payload
}
