package slotmesh_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/clustertest"
	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/internal/conformance"
	"github.com/slotmesh/slotmesh/internal/realcluster"
	"github.com/slotmesh/slotmesh/routing"
	"github.com/slotmesh/slotmesh/slotmap"
)

// movable is a cluster whose slots can be moved and whose nodes can be ended, real or not.
type movable interface {
	conformance.Cluster
	Kill(addr string) error
}

// statement is one sentence of a promise, and the play that shows it.
type statement struct {
	says string
	play func(s *stage)
	on   only
}

// only says that a play needs what one kind of cluster has.
type only int

const (
	both         only = iota
	embeddedOnly      // faults, or virtual time
	realOnly          // what the embedded nodes do not do
)

// prove plays each statement on an embedded cluster of its own in virtual time, and on real
// servers. Those share one cluster: each play has a slot of its own.
func prove(t *testing.T, statements ...statement) {
	t.Parallel() // to start real servers takes two seconds of waiting
	t.Run("embedded", func(t *testing.T) {
		for _, st := range statements {
			if st.on == realOnly {
				continue
			}
			t.Run(st.says, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := clustertest.Start(t, clustertest.Config{InMemory: true})
					st.play(newStage(t, c, c, c.Dialer))
				})
			})
		}
	})
	t.Run("real", func(t *testing.T) {
		c := realcluster.Start(t, realcluster.Config{ConfigLines: []string{"cluster-require-full-coverage no"}})
		for _, st := range statements {
			if st.on != embeddedOnly {
				t.Run(st.says, func(t *testing.T) { st.play(newStage(t, c, nil, new(net.Dialer).DialContext)) })
			}
		}
	})
}

// stage is a cluster, a client of it, and what that client traces.
type stage struct {
	movable
	*taps
	t      *testing.T
	faults *clustertest.Cluster // nil on real servers
	client *slotmesh.Client

	mu        sync.Mutex
	redirects []routing.Redirect
	retries   []routing.Retry
	masters   map[uint16][]string // of each slot that changed: the masters that it got
}

func newStage(t *testing.T, c movable, faults *clustertest.Cluster, dial dialFunc) *stage {
	t.Helper()
	s := &stage{movable: c, faults: faults, t: t, masters: make(map[uint16][]string), taps: &taps{
		dialer: dial, leads: make(map[string]string), refuses: make(map[string]int), dials: make(map[string]int),
	}}
	s.client = s.connect()
	return s
}

// connect returns a client that loads the map only when something calls for it.
func (s *stage) connect(change ...func(*slotmesh.Options)) *slotmesh.Client {
	s.t.Helper()
	o := slotmesh.Options{
		Addrs: s.Masters(), Dialer: s.dial, RefreshInterval: -1,
		Trace: &routing.Trace{Redirect: s.redirected, Retry: s.retried, MapChanged: s.changed},
	}
	for _, f := range change {
		f(&o)
	}
	client, err := slotmesh.New(testContext(s.t), o)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { require.NoError(s.t, client.Close()) })
	return client
}

func (s *stage) redirected(r routing.Redirect) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.redirects = append(s.redirects, r)
}

func (s *stage) retried(r routing.Retry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retries = append(s.retries, r)
}

func (s *stage) changed(d slotmap.Delta) {
	if d.From == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for slot := range uint16(hashtag.Slots) {
		if now := d.To.Master(slot); now != d.From.Master(slot) {
			s.masters[slot] = append(s.masters[slot], now)
		}
	}
}

// hops returns the redirections since it was last called.
func (s *stage) hops() []routing.Redirect {
	s.mu.Lock()
	defer s.mu.Unlock()
	hops := s.redirects
	s.redirects = nil
	return hops
}

// repeats returns the retries since it was last called.
func (s *stage) repeats() []routing.Retry {
	s.mu.Lock()
	defer s.mu.Unlock()
	retries := s.retries
	s.retries = nil
	return retries
}

// became returns the masters that the client believed slot to have, one after the other,
// but for the first.
func (s *stage) became(slot uint16) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.masters[slot])
}

func (s *stage) eventually(what string, is func() bool) {
	s.t.Helper()
	require.Eventually(s.t, is, suiteTimeout, pollEvery, what)
}

// do runs a command on one node.
func (s *stage) do(addr string, args ...any) any {
	s.t.Helper()
	reply, err := s.Do(testContext(s.t), addr, args...)
	require.NoError(s.t, err)
	return reply
}

// ends returns the master of slot and two others.
func (s *stage) ends(slot uint16) (from, to, third string) {
	s.t.Helper()
	from, err := s.Owner(testContext(s.t), slot)
	require.NoError(s.t, err)
	others := slices.DeleteFunc(slices.Clone(s.Masters()), func(addr string) bool { return addr == from })
	return from, others[0], others[1]
}

// move moves slot to a master, and back in the end.
func (s *stage) move(slot uint16, to string) {
	s.t.Helper()
	from, _, _ := s.ends(slot)
	require.NoError(s.t, s.Migrate(testContext(s.t), slot, to))
	s.t.Cleanup(func() { _ = s.Migrate(context.Background(), slot, from) })
}

// open opens slot, moves n of its keys, and moves the slot back in the end.
func (s *stage) open(slot uint16, n int) (from, to string) {
	s.t.Helper()
	from, to, _ = s.ends(slot)
	ctx := testContext(s.t)
	require.NoError(s.t, s.BeginMigration(ctx, slot, to))
	s.t.Cleanup(func() {
		ctx := context.Background()
		if owner, err := s.Owner(ctx, slot); err == nil && owner == from {
			_ = s.FinishMigration(ctx, slot)
		}
		_ = s.Migrate(ctx, slot, from)
	})
	moved, err := s.MoveKeys(ctx, slot, n)
	require.NoError(s.t, err)
	require.Equal(s.t, n, moved)
	return from, to
}

// answer makes the nodes refuse the next requests that match, one after the other.
func (s *stage) answer(match clustertest.Selector, replies ...string) {
	for _, reply := range replies {
		s.faults.Fault(clustertest.Fault{Match: match, Kind: clustertest.Answer, Reply: "-" + reply + "\r\n"})
	}
}

// asked returns the requests that all nodes have had and whose text contains part, in order.
func (s *stage) asked(part string) (all []clustertest.Command) {
	s.t.Helper()
	for _, addr := range s.Addrs() {
		commands, err := s.faults.Commands(addr)
		require.NoError(s.t, err)
		for _, c := range commands {
			if strings.Contains(c.String(), part) {
				all = append(all, c)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b clustertest.Command) int { return a.At.Compare(b.At) })
	return all
}

// value returns what key holds on the node that serves it, "" if it is missing.
func (s *stage) value(key string) string {
	s.t.Helper()
	addr, err := s.Owner(testContext(s.t), hashtag.Slot(key))
	require.NoError(s.t, err)
	got, err := s.Do(testContext(s.t), addr, "get", key)
	if err == redis.Nil {
		return ""
	}
	require.NoError(s.t, err)
	return got.(string)
}

// keyIn returns a key of slot.
func keyIn(slot uint16, name string) string { return "{" + hashtag.ForSlot(slot) + "}" + name }
