package conformance

import "testing"

// testTransaction checks what redirection means to MULTI, WATCH and EXEC.
func testTransaction(t *testing.T, c Cluster) {
	t.Run("a redirection while queueing aborts", at(c, func(s *site) {
		s.admin[s.owner].ok("SET " + s.k1 + " v")
		s.open()
		aborts := func(addr, want string, args ...string) {
			s.t.Helper()
			w := s.dial(addr)
			w.ok("MULTI")
			w.queue("PING")
			w.do(args...).is(want)
			w.do("EXEC").is(execAbort)
			w.do("EXEC").is(noMulti)
		}
		aborts(s.other, s.moved(s.owner), "GET", s.k1)
		aborts(s.owner, s.ask(), "GET", s.k2)
		aborts(s.owner, tryAgain, "MGET", s.k1, s.k2)
		aborts(s.owner, crossSlot, "MGET", s.k1, s.apart)
		s.unassign(homeSlot)
		aborts(s.owner, notServed, "GET", s.k1)
		aborts(s.owner, clusterDown, "GET", s.apart)
	}))

	t.Run("what was queued before the redirection is not done", at(c, func(s *site) {
		w := s.dial(s.owner)
		w.ok("MULTI")
		w.queue("SET " + s.k1 + " v")
		w.do("MGET", s.k1, s.apart).is(crossSlot)
		w.queue("SET " + s.k2 + " v")
		w.do("EXEC").is(execAbort)
		w.do("EXISTS", s.k1, s.k2).is(":0")
	}))

	t.Run("DISCARD ends an aborted transaction", at(c, func(s *site) {
		w := s.dial(s.other)
		w.ok("MULTI")
		w.do("GET", s.k1).is(s.moved(s.owner))
		w.ok("DISCARD")
		w.do("EXEC").is(noMulti)
	}))

	t.Run("keys of two slots are found at EXEC", at(c, func(s *site) {
		w := s.dial(s.owner)
		w.ok("MULTI")
		w.queue("SET "+s.k1+" v", "SET "+s.apart+" v")
		w.do("EXEC").is(crossSlot)
		w.do("EXEC").is(noMulti)
		w.do("EXISTS", s.k1).is(":0")
		w.do("EXISTS", s.apart).is(":0")
	}))

	t.Run("EXEC is answered MOVED", at(c, func(s *site) {
		w := s.dial(s.owner)
		w.ok("WATCH "+s.k1, "MULTI")
		w.queue("SET "+s.k1+" v", "GET "+s.k2)
		s.giveAway()
		w.do("EXEC").is(s.moved(s.other))
		w.do("EXEC").is(noMulti)
	}))

	t.Run("EXEC is answered ASK", at(c, func(s *site) {
		w := s.dial(s.owner)
		w.ok("MULTI")
		w.queue("SET "+s.k1+" v", "GET "+s.k2)
		s.open()
		w.do("EXEC").is(s.ask())
		w.do("EXEC").is(noMulti)
	}))

	t.Run("EXEC is answered TRYAGAIN", at(c, func(s *site) {
		w := s.dial(s.owner)
		w.ok("SET "+s.k1+" v", "MULTI")
		w.queue("GET "+s.k1, "GET "+s.k2)
		s.open()
		w.do("EXEC").is(tryAgain)
		w.do("EXEC").is(noMulti)
		w = s.dial(s.other)
		w.ok("ASKING", "MULTI")
		w.queue("SET "+s.k1+" v", "SET "+s.k2+" v")
		w.do("EXEC").is(tryAgain)
		w.asking("EXISTS", s.k1).is(":0")
	}))

	t.Run("ASKING is kept until EXEC", at(c, func(s *site) {
		s.open()
		w := s.dial(s.other)
		w.ok("ASKING", "MULTI")
		w.queue("SET "+s.k1+" v", "GET "+s.k1)
		w.do("EXEC").is(array("+OK", bulk("v")))
		w.do("GET", s.k1).is(s.moved(s.owner))
	}))

	t.Run("ASKING is kept until DISCARD", at(c, func(s *site) {
		s.open()
		w := s.dial(s.other)
		w.ok("ASKING", "MULTI")
		w.queue("GET "+s.k1, "GET "+s.k1)
		w.ok("DISCARD")
		w.do("GET", s.k1).is(s.moved(s.owner))
	}))

	t.Run("WATCH has keys", at(c, func(s *site) {
		s.dial(s.owner).ok("WATCH " + s.k1 + " " + s.k2)
		w := s.dial(s.other)
		w.do("WATCH", s.k1).is(s.moved(s.owner))
		w.do("WATCH", s.k1, s.apart).is(crossSlot)
		s.open()
		w.do("WATCH", s.k1).is(s.moved(s.owner))
		w.asking("WATCH", s.k1).is("+OK")
		s.dial(s.owner).do("WATCH", s.k1).is(s.ask())
	}))
}
