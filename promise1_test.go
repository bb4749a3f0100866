package slotmesh_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/clustertest"
	"github.com/slotmesh/slotmesh/routing"
)

// Redirections: MOVED and ASK.
func TestPromise1(t *testing.T) {
	prove(t,
		statement{says: "MOVED patches the slot at once, is followed at once, and asks for a refresh", play: movedIsLearned},
		statement{says: "ASKING and the command are one write, and the map is not touched", play: askIsOneWrite},
		statement{says: "an empty host is that of the node that answered", play: emptyHosts},
		statement{says: "? is nobody, and the map is asked", play: unknownHost},
		statement{says: "MOVED to the same address resolves the name anew", play: movedToItself},
		statement{says: "MOVED to the same address lets the old connection finish", play: oldConnectionFinishes, on: embeddedOnly},
		statement{says: "MOVED to the same address dials no more often than it must", play: sameAddressIsLimited, on: embeddedOnly},
	)
}

const mapAsked = "\r\nslots\r\n" // as it is written

func movedIsLearned(s *stage) {
	const slot = 100
	ctx := testContext(s.t)
	key := keyIn(slot, "k")
	require.NoError(s.t, s.client.Set(ctx, key, "v", 0).Err())
	from, to, _ := s.ends(slot)
	s.move(slot, to)
	before := s.client.Stats()
	held := s.keep(mapAsked)
	start := time.Now()
	require.Equal(s.t, "v", s.client.Get(ctx, key).Val())
	if s.faults != nil {
		require.Zero(s.t, time.Since(start), "followed at once")
	}
	require.Equal(s.t, []routing.Redirect{{Op: "get", Slot: slot, From: from, To: to, Hop: 1}}, s.hops())
	held.await(s.t)
	require.Equal(s.t, before.Refreshes, s.client.Stats().Refreshes, "the refresh that was asked for still runs")
	require.Equal(s.t, to, s.client.SlotMap().Master(slot), "and the map is right already")
	require.Equal(s.t, from, s.client.SlotMap().Master(slot+1), "of that slot only")
	require.Equal(s.t, "v", s.client.Get(ctx, key).Val())
	require.Empty(s.t, s.hops(), "no hop any more")
	s.letGo(held)
	s.eventually("the refresh ends", func() bool { return s.client.Stats().Refreshes > before.Refreshes })
	require.Equal(s.t, []string{to}, s.became(slot))
	require.Empty(s.t, s.repeats())
}

func askIsOneWrite(s *stage) {
	const slot = 101
	ctx := testContext(s.t)
	keys := []string{keyIn(slot, "a"), keyIn(slot, "b")}
	require.NoError(s.t, s.client.MSet(ctx, keys[0], "a", keys[1], "b").Err())
	from, to := s.open(slot, 2)
	before := s.client.Stats()
	for _, key := range keys {
		require.NoError(s.t, s.client.Append(ctx, key, "x").Err())
	}
	var a, b *redis.IntCmd
	_, err := s.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		a, b = p.Append(ctx, keys[0], "y"), p.Append(ctx, keys[1], "y")
		return nil
	})
	require.NoError(s.t, err)
	require.EqualValues(s.t, []int64{3, 3}, []int64{a.Val(), b.Val()})
	hops := s.hops()
	require.Len(s.t, hops, 3)
	for _, hop := range hops {
		require.True(s.t, hop.Ask)
		require.Equal(s.t, []string{from, to}, []string{hop.From, hop.To})
	}
	writes := s.written("\r\nasking\r\n")
	require.Len(s.t, writes, 3)
	for i, inWrite := range [][]string{{"append", keys[0]}, {"append", keys[1]}, {"multi", keys[0], keys[1], "exec"}} {
		for _, word := range inWrite {
			require.Contains(s.t, writes[i], strings.ToLower(word))
		}
	}
	require.Equal(s.t, before.Refreshes, s.client.Stats().Refreshes)
	require.Equal(s.t, from, s.client.SlotMap().Master(slot))
	require.Empty(s.t, s.became(slot))
}

// prefer makes nodes announce endpoints of a kind, until the end of the test.
func (s *stage) prefer(kind string, addrs ...string) {
	s.t.Helper()
	for _, addr := range addrs {
		_, err := s.Do(testContext(s.t), addr, "config", "set", "cluster-preferred-endpoint-type", kind)
		if err != nil && strings.Contains(err.Error(), "Unknown option") {
			s.t.Skip("endpoint types came with Redis 7: put a redis-server of version 7 or later on the PATH")
		}
		require.NoError(s.t, err)
		s.t.Cleanup(func() {
			_, _ = s.Do(context.Background(), addr, "config", "set", "cluster-preferred-endpoint-type", "ip")
		})
	}
}

func emptyHosts(s *stage) {
	const slot = 102
	ctx := testContext(s.t)
	s.prefer("unknown-endpoint", s.Masters()...)
	client := s.connect() // from a CLUSTER SLOTS without hosts
	for i, addr := range s.Masters() {
		require.Equal(s.t, addr, client.SlotMap().Master(uint16(i*6000)))
	}
	key := keyIn(slot, "n")
	require.EqualValues(s.t, 1, client.Incr(ctx, key).Val())
	from, to := s.open(slot, 1)
	require.EqualValues(s.t, 2, client.Incr(ctx, key).Val())
	require.NoError(s.t, s.FinishMigration(ctx, slot))
	require.EqualValues(s.t, 3, client.Incr(ctx, key).Val())
	require.Equal(s.t, []routing.Redirect{
		{Op: "incr", Slot: slot, Ask: true, From: from, To: to, Hop: 1}, {Op: "incr", Slot: slot, From: from, To: to, Hop: 1},
	}, s.hops())
}

func unknownHost(s *stage) {
	const slot = 103
	ctx := testContext(s.t)
	key := keyIn(slot, "n")
	require.EqualValues(s.t, 1, s.client.Incr(ctx, key).Val())
	from, to, _ := s.ends(slot)
	s.move(slot, to)
	s.prefer("hostname", from) // it has none
	require.EqualValues(s.t, 2, s.client.Incr(ctx, key).Val())
	require.Empty(s.t, s.hops(), "nothing to follow")
	require.NotEmpty(s.t, s.repeats())
	require.Equal(s.t, []string{to}, s.became(slot), "a refresh told it")
}

func movedToItself(s *stage) {
	const slot = 104
	ctx := testContext(s.t)
	from, to, _ := s.ends(slot)
	client := s.connect(func(o *slotmesh.Options) { o.Addrs = []string{to} })
	dialed := s.dialed(from)
	s.astray(from, to) // the first time
	require.EqualValues(s.t, 1, client.Incr(ctx, keyIn(slot, "n")).Val())
	require.Equal(s.t, []routing.Redirect{{Op: "incr", Slot: slot, From: from, To: from, Hop: 1}}, s.hops())
	require.Equal(s.t, dialed+2, s.dialed(from))
	require.EqualValues(s.t, 2, client.Incr(ctx, keyIn(slot, "n")).Val())
	require.Empty(s.t, s.hops())
	require.Empty(s.t, s.repeats())
}

func oldConnectionFinishes(s *stage) {
	const slot = 105
	ctx := testContext(s.t)
	from, _, _ := s.ends(slot)
	moved, slow := keyIn(slot, "moved"), keyIn(slot, "slow")
	require.NoError(s.t, s.client.Set(ctx, moved, "v", 0).Err())
	s.faults.Fault(clustertest.Fault{
		Match: clustertest.Selector{Command: "get"}, Kind: clustertest.Answer, Delay: 10 * time.Millisecond,
		Reply: fmt.Sprintf("-MOVED %d %s\r\n", slot, from),
	})
	s.faults.Fault(clustertest.Fault{Match: clustertest.Selector{Command: "incr"}, Delay: time.Second})
	dialed, start := s.dialed(from), time.Now()
	got := make(chan string, 1)
	go func() { got <- s.client.Get(ctx, moved).Val() }()
	time.Sleep(5 * time.Millisecond) // fake
	incremented := make(chan error, 1)
	go func() { incremented <- s.client.Incr(ctx, slow).Err() }()
	require.Equal(s.t, "v", <-got)
	require.Equal(s.t, 10*time.Millisecond, time.Since(start), "on a new connection")
	require.Equal(s.t, dialed+1, s.dialed(from))
	require.NoError(s.t, <-incremented, "what the old one carried has its reply")
	require.Equal(s.t, "1", s.value(slow))
	require.Zero(s.t, s.client.Stats().Retries)
}

func sameAddressIsLimited(s *stage) {
	const slot = 106
	from, _, _ := s.ends(slot)
	s.faults.Fault(clustertest.Fault{
		Match: clustertest.Selector{Command: "incr"}, Count: -1, Kind: clustertest.Answer,
		Reply: fmt.Sprintf("-MOVED %d %s\r\n", slot, from),
	})
	dialed := s.dialed(from)
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() {
			if err := s.client.Incr(s.t.Context(), keyIn(slot, "n")).Err(); !errors.Is(err, slotmesh.ErrTooManyRedirects) {
				s.t.Errorf("a circle of one: %v", err)
			}
		})
	}
	callers.Wait()
	require.LessOrEqual(s.t, s.dialed(from)-dialed, 5, "300 MOVED, few dials")
}
