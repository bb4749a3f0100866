package conformance

import (
	"strings"
	"testing"
)

// testBlocked checks what becomes of clients that wait for a key whose slot leaves.
func testBlocked(t *testing.T, c Cluster) {
	t.Run("the slot is another node's", at(c, func(s *site) {
		waiting := block(s)
		s.giveAway()
		for _, w := range waiting {
			w.receive().is(s.moved(s.other))
			w.do("PING").is("+PONG")
		}
	}))

	t.Run("the slot is nobody's", at(c, func(s *site) {
		s.configure("cluster-require-full-coverage", "no")
		waiting := append(block(s), blockOnGroup(s))
		s.unassign(homeSlot)
		for _, w := range waiting {
			w.receive().is(notServed)
		}
	}))

	t.Run("the cluster is down", at(c, func(s *site) {
		waiting := append(block(s), blockOnGroup(s))
		s.breakDown()
		for _, w := range waiting {
			w.receive().is(clusterDown)
		}
	}))

	t.Run("the slot is not importing any more", at(c, func(s *site) {
		s.open()
		served, left := s.dial(s.other), s.dial(s.other)
		served.ok("ASKING")
		blockOn(s, s.other, served, "BLPOP", s.k1, "0")
		left.ok("ASKING")
		blockOn(s, s.other, left, "BLPOP", s.k2, "0")
		s.dial(s.other).asking("RPUSH", s.k1, "v").is(":1")
		served.receive().is(array(bulks(s.k1, "v")...))
		s.setSlot(s.other, homeSlot, "STABLE")
		left.receive().is(s.moved(s.owner))
	}))
}

// blockOnGroup makes a client wait at the owner, for news of a stream that is there.
func blockOnGroup(s *site) *wire {
	s.t.Helper()
	w := s.dial(s.owner)
	w.ok("XGROUP CREATE " + s.k3 + " g $ MKSTREAM")
	blockOn(s, s.owner, w, "XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", s.k3, ">")
	return w
}

// block makes clients wait at the owner, for keys that are not there.
func block(s *site) []*wire {
	s.t.Helper()
	var waiting []*wire
	for _, request := range []string{
		"BLPOP k1 k2 0", "BRPOP k1 0", "BLMOVE k1 k2 LEFT RIGHT 0", "BRPOPLPUSH k1 k2 0", "BLMPOP 0 1 k1 LEFT",
		"BZPOPMIN k1 0", "BZPOPMAX k1 k2 0", "BZMPOP 0 1 k1 MIN", "XREAD BLOCK 0 STREAMS k1 $",
	} {
		request = strings.NewReplacer("k1", s.k1, "k2", s.k2).Replace(request)
		w := s.dial(s.owner)
		blockOn(s, s.owner, w, strings.Split(request, " ")...)
		waiting = append(waiting, w)
	}
	return waiting
}

// blockOn sends a request, and returns when its client waits at the node at addr.
func blockOn(s *site, addr string, w *wire, args ...string) {
	s.t.Helper()
	count := func() int { return infoInt(s.admin[addr].do("INFO", "clients").text, "blocked_clients") }
	before := count()
	w.send(args...)
	await(s.t, args[0]+" waits", func() bool { return count() == before+1 })
}
