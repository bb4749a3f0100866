package slotmesh_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/clustertest"
	"github.com/slotmesh/slotmesh/routing"
)

// Redirections are counted apart, and paused.
func TestPromise2(t *testing.T) {
	prove(t,
		statement{says: "more than five are an error that names the slot and each hop", play: circle},
		statement{says: "two are followed at once, then there are growing pauses", play: pausesGrow, on: embeddedOnly},
		statement{says: "they are counted apart from retries", play: countedApart, on: embeddedOnly},
	)
}

// assign makes each node believe that an empty slot is another's, until the end of the test.
func (s *stage) assign(slot uint16, owners map[string]string) {
	s.t.Helper()
	home, _, _ := s.ends(slot)
	ids := make(map[string]any)
	for _, addr := range s.Masters() {
		ids[addr] = s.do(addr, "cluster", "myid")
	}
	for at, owner := range owners {
		s.do(at, "cluster", "setslot", slot, "node", ids[owner])
	}
	s.t.Cleanup(func() {
		for _, addr := range append([]string{home}, s.Masters()...) {
			_, _ = s.Do(context.Background(), addr, "cluster", "setslot", slot, "node", ids[home])
		}
	})
}

func circle(s *stage) {
	const slot = 200
	a, b, _ := s.ends(slot)
	s.assign(slot, map[string]string{a: b, b: a})
	err := s.client.Incr(testContext(s.t), keyIn(slot, "n")).Err()
	require.ErrorIs(s.t, err, slotmesh.ErrTooManyRedirects)
	require.ErrorContains(s.t, err, "too many cluster redirections")
	require.ErrorContains(s.t, err, "slot 200")
	var failed *slotmesh.Error
	require.ErrorAs(s.t, err, &failed)
	require.Equal(s.t, 6, failed.Attempts)
	require.Equal(s.t, routing.NotExecuted, failed.Outcome)
	rest := err.Error()
	for i := range 6 {
		hop := []string{a, b}[i%2]
		_, after, found := strings.Cut(rest, hop+": MOVED")
		require.True(s.t, found, "hop %d, %s: %v", i+1, hop, err)
		rest = after
	}
	require.Len(s.t, s.hops(), 5)
	require.Empty(s.t, s.repeats(), "none of them is a retry")
}

func pausesGrow(s *stage) {
	const slot = 201
	a, b, _ := s.ends(slot)
	s.assign(slot, map[string]string{a: b, b: a})
	require.ErrorIs(s.t, s.client.Incr(testContext(s.t), keyIn(slot, "n")).Err(), slotmesh.ErrTooManyRedirects)
	asked := s.asked("incr ")
	require.Len(s.t, asked, 6)
	for i, most := range []time.Duration{0, 0, 8 * time.Millisecond, 16 * time.Millisecond, 32 * time.Millisecond} {
		pause := asked[i+1].At.Sub(asked[i].At)
		require.LessOrEqual(s.t, pause, most, "after %d redirections", i+1)
		require.GreaterOrEqual(s.t, pause, most/2, "after %d redirections", i+1)
	}
}

func countedApart(s *stage) {
	const slot = 202
	a, b, _ := s.ends(slot)
	client := s.connect(func(o *slotmesh.Options) { o.Retry.MaxRetries = 5 })
	there, back := fmt.Sprintf("MOVED %d %s", slot, b), fmt.Sprintf("MOVED %d %s", slot, a)
	const wait = "LOADING Redis is loading the dataset in memory"
	s.answer(clustertest.Selector{Command: "incr"}, wait, there, wait, back, wait, there, wait, back, wait, there)
	s.answer(clustertest.Selector{Command: "incr", Addr: b}, there) // the slot is a's
	err := client.Incr(testContext(s.t), keyIn(slot, "n")).Err()
	require.ErrorIs(s.t, err, slotmesh.ErrTooManyRedirects)
	require.Len(s.t, s.hops(), 5)
	require.Len(s.t, s.repeats(), 5)

	s.answer(clustertest.Selector{Command: "incr"}, wait, there, wait, back, wait, there, wait, back, wait)
	require.EqualValues(s.t, 1, client.Incr(testContext(s.t), keyIn(slot, "n")).Val(), "five retries and four or five redirections")
}
