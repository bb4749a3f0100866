package conformance

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The slots that the protocol is tested in. One master serves both.
const (
	homeSlot = 4100
	nextSlot = 4101
)

// A site is where one test of the protocol works. What the test changes is local to the
// owner of the slots, or open: no node claims a slot of another, so no gossip about it
// is under way when the slots are put back. Only a promotion is told to all nodes, and
// it waits until they know.
type site struct {
	t            *testing.T
	c            Cluster
	owner, other string           // masters: the one that serves the slots, and another
	admin        map[string]*wire // to every node, for what changes it
	id           map[string]string

	k1, k2, k3 string // in homeSlot
	apart      string // in nextSlot
}

// at returns a test that works at a site, where none of its keys exists at first, and
// that leaves the cluster as it was.
func at(c Cluster, test func(s *site)) func(t *testing.T) {
	return func(t *testing.T) {
		keys := keysIn(t, homeSlot, 3)
		s := &site{
			t: t, c: c,
			admin: map[string]*wire{}, id: map[string]string{},
			k1: keys[0], k2: keys[1], k3: keys[2],
			apart: keysIn(t, nextSlot, 1)[0],
		}
		s.owner, s.other = neighbours(t, c, homeSlot)
		for _, addr := range c.Addrs() {
			s.admin[addr] = dial(t, c, addr)
			s.id[addr] = s.admin[addr].do("CLUSTER", "MYID").value()
		}
		s.empty() // other parts of the suite leave keys everywhere
		t.Cleanup(s.restore)
		test(s)
	}
}

// dial connects to a node.
func (s *site) dial(addr string) *wire {
	s.t.Helper()
	return dial(s.t, s.c, addr)
}

// open opens homeSlot for migration from its owner to the other master.
func (s *site) open() {
	s.t.Helper()
	s.setSlot(s.other, homeSlot, "IMPORTING "+s.id[s.owner])
	s.setSlot(s.owner, homeSlot, "MIGRATING "+s.id[s.other])
}

// giveAway makes the owner believe that homeSlot is the other master's. The owner must
// not hold keys of it.
func (s *site) giveAway() {
	s.t.Helper()
	s.setSlot(s.owner, homeSlot, "NODE "+s.id[s.other])
}

// unassign makes the owner believe that nobody serves slot.
func (s *site) unassign(slot uint16) {
	s.t.Helper()
	s.admin[s.owner].ok("CLUSTER DELSLOTS " + number(slot))
}

// breakDown brings the owner into the state fail, with homeSlot still its own.
func (s *site) breakDown() {
	s.t.Helper()
	s.configure("cluster-require-full-coverage", "yes")
	s.unassign(nextSlot)
}

func (s *site) setSlot(addr string, slot uint16, state string) {
	s.t.Helper()
	s.admin[addr].ok("CLUSTER SETSLOT " + number(slot) + " " + state)
}

// configure sets a parameter of the owner until the test ends.
func (s *site) configure(name, value string) {
	s.t.Helper()
	w := s.admin[s.owner]
	before := w.do("CONFIG", "GET", name).text
	was := before[strings.LastIndex(before, "\r\n")+len("\r\n"):]
	w.ok("CONFIG SET " + name + " " + value)
	s.t.Cleanup(func() { w.ok("CONFIG SET " + name + " " + was) })
}

// restore gives the slots back to their owner, closed and empty, and returns when
// all nodes say so.
func (s *site) restore() {
	for _, slot := range []uint16{homeSlot, nextSlot} {
		for _, addr := range s.c.Masters() {
			s.setSlot(addr, slot, "STABLE")
			if addr != s.owner {
				s.purge(addr, slot)
			}
			s.setSlot(addr, slot, "NODE "+s.id[s.owner])
		}
	}
	await(s.t, "all nodes agree again", func() bool {
		for addr, w := range s.admin {
			want := s.moved(s.owner)
			if addr == s.owner {
				want = ":0"
			}
			if w.do("EXISTS", s.k1+"none").text != want {
				return false
			}
		}
		return true
	})
	s.empty()
}

// empty deletes the keys of the slots at their owner, who serves them.
func (s *site) empty() {
	for _, slot := range []uint16{homeSlot, nextSlot} {
		for _, key := range s.keysAt(s.owner, slot) {
			s.admin[s.owner].do("DEL", key).integer() // 0 if it has expired
		}
	}
}

// purge deletes the keys of slot at a node that does not serve it.
func (s *site) purge(addr string, slot uint16) {
	keys := s.keysAt(addr, slot)
	if len(keys) == 0 {
		return
	}
	s.setSlot(addr, slot, "IMPORTING "+s.id[s.owner])
	for _, key := range keys {
		s.admin[addr].asking("DEL", key).integer()
	}
	s.setSlot(addr, slot, "STABLE")
}

func (s *site) keysAt(addr string, slot uint16) []string {
	found, err := s.c.Do(context.Background(), addr, "cluster", "getkeysinslot", slot, 1<<20)
	require.NoError(s.t, err)
	var keys []string
	for _, key := range found.([]any) {
		keys = append(keys, key.(string))
	}
	return keys
}

// moved is the redirection of homeSlot to a node for good.
func (s *site) moved(addr string) string { return fmt.Sprintf("-MOVED %d %s", homeSlot, addr) }

// ask is the redirection of homeSlot to the other master, for one command.
func (s *site) ask() string { return fmt.Sprintf("-ASK %d %s", homeSlot, s.other) }

// migrate returns the request that moves keys from any node to the one at addr.
func (s *site) migrate(addr string, options ...string) []string {
	s.t.Helper()
	host, port := hostPort(s, addr)
	return append([]string{"MIGRATE", host, port, "", "0", "10000"}, options...)
}

func number(slot uint16) string { return strconv.Itoa(int(slot)) }

// await returns when done returns true.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), suiteTimeout)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatal("waited in vain until " + what)
		case <-tick.C:
		}
	}
}
