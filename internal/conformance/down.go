package conformance

import "testing"

// testDown checks rule 2: a node in the state fail.
func testDown(t *testing.T, c Cluster) {
	t.Run("nothing with a key is served", at(c, func(s *site) {
		w, queued := s.dial(s.owner), s.dial(s.owner)
		w.ok("SET " + s.k1 + " v")
		queued.ok("MULTI")
		queued.queue("GET " + s.k1)
		s.breakDown()
		w.do("GET", s.k1).is(clusterDown)
		w.do("SET", s.k1, "w").is(clusterDown)
		w.do("MGET", s.k1, s.k2).is(clusterDown)
		w.do("WATCH", s.k1).is(clusterDown)
		w.do("EVAL", "return 1", "1", s.k1).is(clusterDown)
		queued.do("EXEC").is(clusterDown)
		queued.do("EXEC").is(noMulti)
	}))

	t.Run("before MIGRATE is served, rule 3", at(c, func(s *site) {
		s.open()
		s.breakDown()
		w := s.dial(s.owner)
		w.do(s.migrate(s.other, "KEYS", s.k1)...).is(clusterDown)
		w.do("GET", s.k1).is(clusterDown)
	}))

	t.Run("before MOVED, rule 7", at(c, func(s *site) {
		s.giveAway()
		w := s.dial(s.owner)
		w.do("GET", s.k1).is(s.moved(s.other))
		s.breakDown()
		w.do("GET", s.k1).is(clusterDown)
	}))

	t.Run("reads where they are allowed", at(c, func(s *site) {
		w := s.dial(s.owner)
		w.ok("SET " + s.k1 + " v")
		s.breakDown()
		s.configure("cluster-allow-reads-when-down", "yes")
		w.do("GET", s.k1).is(bulk("v"))
		w.do("MGET", s.k1, s.k2).is(array(bulk("v"), "$-1"))
		w.do("EVAL_RO", "return redis.call('GET', KEYS[1])", "1", s.k1).is(bulk("v"))
		w.do("SET", s.k1, "w").is(readsOnly)
		w.do("DEL", s.k2).is(readsOnly)
		w.ok("MULTI")
		w.queue("GET " + s.k1)
		w.do("EXEC").is(array(bulk("v")))
	}))

	t.Run("reads where they are allowed are redirected as ever", at(c, func(s *site) {
		s.giveAway()
		s.breakDown()
		s.configure("cluster-allow-reads-when-down", "yes")
		w := s.dial(s.owner)
		w.do("GET", s.k1).is(s.moved(s.other))
		w.do("SET", s.k1, "v").is(readsOnly)
	}))

	t.Run("sharded channels go on", at(c, func(s *site) {
		s.breakDown()
		w := s.dial(s.owner)
		w.do("SPUBLISH", s.k1, "m").orLacks(":0")
		w.do("SSUBSCRIBE", s.k1).orLacks(array(bulk("ssubscribe"), bulk(s.k1), ":1"))
	}))

	t.Run("sharded channels where they are not allowed", at(c, func(s *site) {
		s.breakDown()
		s.configure("cluster-allow-pubsubshard-when-down", "no")
		s.configure("cluster-allow-reads-when-down", "yes")
		w := s.dial(s.owner)
		w.do("SPUBLISH", s.k1, "m").is(clusterDown)
		w.do("SSUBSCRIBE", s.k1).is(clusterDown)
	}))
}
