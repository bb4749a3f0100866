package conformance

import (
	"crypto/sha1"
	"fmt"
	"testing"
)

// What a script says that reaches for a key which is not served, or not together with
// the others.
const (
	notLocal       = "Script attempted to access a non local key in a cluster node"
	notSameSlot    = "Script attempted to access keys that do not hash to the same slot"
	downInside     = "Script attempted to execute a command while the cluster is down"
	readOnlyInside = "Script attempted to execute a write command while the cluster is down and readonly"
)

const (
	getArg  = "return redis.call('GET', ARGV[1])"
	getKey  = "return redis.call('GET', KEYS[1])"
	setArg  = "return redis.call('SET', ARGV[1], 'v')"
	setArgs = "redis.call('SET', ARGV[1], 'v') return redis.call('SET', ARGV[2], 'v')"
)

// raised is the reply to a script that ends with an error, in the given line.
func raised(text, script string, line int) string {
	return fmt.Sprintf("-ERR %s script: %x, on @user_script:%d.", text, sha1.Sum([]byte(script)), line)
}

// testScript checks where scripts run, and what they reach.
func testScript(t *testing.T, c Cluster) {
	t.Run("declared keys decide, nothing else", at(c, func(s *site) {
		w := s.dial(s.other)
		for _, run := range []string{"EVAL", "EVAL_RO", "EVALSHA", "EVALSHA_RO", "FCALL", "FCALL_RO"} {
			w.do(run, "no such script", "1", s.k1, s.apart).is(s.moved(s.owner))
			w.do(run, "no such script", "2", s.k1, s.apart).is(crossSlot)
		}
		w.do("EVAL", "return ARGV[1]", "0", s.k1).is(bulk(s.k1))
	}))

	t.Run("a key that another node serves", at(c, func(s *site) {
		w := s.dial(s.other)
		w.do("EVAL", getArg, "0", s.k1).is(raised(notLocal, getArg, 1))
		w.do("EVAL", setArg, "0", s.k1).is(raised(notLocal, setArg, 1))
		s.dial(s.owner).do("EVAL", getArg, "0", s.k1).is("$-1")
	}))

	t.Run("a key of a slot that nobody serves", at(c, func(s *site) {
		s.configure("cluster-require-full-coverage", "no")
		s.unassign(homeSlot)
		s.dial(s.owner).do("EVAL", getArg, "0", s.k1).is(raised(notLocal, getArg, 1))
	}))

	t.Run("a key that is elsewhere while the slot migrates", at(c, func(s *site) {
		w := s.dial(s.owner)
		w.ok("SET " + s.k1 + " v")
		s.open()
		w.do("EVAL", getArg, "0", s.k1).is(bulk("v"))
		w.do("EVAL", getArg, "0", s.k2).is(raised(notLocal, getArg, 1))
		w.do("EVAL", getArg, "1", s.k1, s.k2).is(raised(notLocal, getArg, 1))
	}))

	t.Run("ASKING holds for all that a script does", at(c, func(s *site) {
		s.open()
		w := s.dial(s.other)
		w.asking("EVAL", setArgs, "1", s.k1, s.k1, s.k2).is("+OK")
		w.do("EVAL", getArg, "0", s.k1).is(raised(notLocal, getArg, 1))
		w.asking("EVAL", getArg, "0", s.k1).is(bulk("v"))
		w.do("EVAL", getKey, "1", s.k1).is(s.moved(s.owner))
	}))

	t.Run("while the cluster is down", at(c, func(s *site) {
		s.breakDown()
		w := s.dial(s.owner)
		w.do("EVAL", getArg, "0", s.k1).is(raised(downInside, getArg, 1))
		s.configure("cluster-allow-reads-when-down", "yes")
		w.do("EVAL", getArg, "0", s.k1).is("$-1")
		w.do("EVAL", setArg, "0", s.k1).is(raised(readOnlyInside, setArg, 1))
	}))

	t.Run("two slots", at(c, func(s *site) {
		w := s.dial(s.owner)
		w.do("EVAL", setArgs, "0", s.k1, s.apart).is("+OK")
		w.do("EVAL", setArgs, "1", s.k1, s.k1, s.apart).is("+OK")

		script := "#!lua\n" + setArgs
		w.do("EVAL", script, "0", s.k1, s.k2).is("+OK")
		w.do("EVAL", script, "0", s.k1, s.apart).is(raised(notSameSlot, script, 2))
		w.do("EVAL", script, "1", s.apart, s.k1, s.k2).is(raised(notSameSlot, script, 2))
		allowed := "#!lua flags=allow-cross-slot-keys\n" + setArgs
		w.do("EVAL", allowed, "0", s.k1, s.apart).is("+OK")
	}))

	t.Run("a script that is not for clusters", at(c, func(s *site) {
		w := s.dial(s.owner)
		w.do("EVAL", "#!lua flags=no-cluster\nreturn 1", "0").is("-ERR Can not run script on cluster, 'no-cluster' flag is set.")
	}))
}
