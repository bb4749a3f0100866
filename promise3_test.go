package slotmesh_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/clustertest"
)

// The map never goes backwards.
func TestPromise3(t *testing.T) {
	prove(t,
		statement{says: "a refresh that began before a MOVED cannot undo it", play: refreshBeforeMoved},
		statement{says: "a late MOVED cannot undo a newer truth", play: lateMoved},
		statement{says: "a wrong entry costs one hop", play: oneHopEach},
		statement{says: "of several nodes' answers the majority wins", play: majority, on: embeddedOnly},
		statement{says: "config epochs settle a lone dissent against a younger patch", play: epochsSettle, on: embeddedOnly},
	)
}

func refreshBeforeMoved(s *stage) {
	const slot = 300
	ctx := testContext(s.t)
	key := keyIn(slot, "n")
	require.EqualValues(s.t, 1, s.client.Incr(ctx, key).Val())
	_, to, _ := s.ends(slot)
	held := s.keep(mapAsked)
	refreshed := make(chan error, 1)
	go func() { refreshed <- s.client.Refresh(ctx) }()
	held.await(s.t) // the map as it was
	s.move(slot, to)
	require.EqualValues(s.t, 2, s.client.Incr(ctx, key).Val())
	require.Equal(s.t, []string{to}, s.became(slot))
	s.letGo(held)
	require.NoError(s.t, <-refreshed)
	require.NoError(s.t, s.client.Refresh(ctx))
	require.Equal(s.t, []string{to}, s.became(slot), "never back")
}

func lateMoved(s *stage) {
	const slot = 301
	ctx := testContext(s.t)
	key := keyIn(slot, "n")
	require.EqualValues(s.t, 1, s.client.Incr(ctx, key).Val())
	from, second, third := s.ends(slot)
	s.move(slot, second)
	held := s.keep("late")
	incremented := make(chan error, 1)
	go func() { incremented <- s.client.Incr(ctx, keyIn(slot, "late")).Err() }()
	held.await(s.t) // MOVED to the second
	s.move(slot, third)
	s.eventually("the map tells", func() bool {
		return s.client.Refresh(ctx) == nil && s.client.SlotMap().Master(slot) == third
	})
	known := s.became(slot)
	s.letGo(held)
	require.NoError(s.t, <-incremented)
	require.Equal(s.t, known, s.became(slot), "from %s, never to %s again", from, second)
	require.Equal(s.t, third, s.client.SlotMap().Master(slot))
	require.Equal(s.t, "1", s.value(keyIn(slot, "late")))
}

func oneHopEach(s *stage) {
	const slot = 302
	ctx := testContext(s.t)
	key := keyIn(slot, "n")
	from, second, third := s.ends(slot)
	require.EqualValues(s.t, 1, s.client.Incr(ctx, key).Val())
	clients := []*slotmesh.Client{s.client, s.connect(), s.connect()}
	for i, to := range []string{second, third, from, second, from} {
		s.move(slot, to)
		client := clients[i%len(clients)] // some have missed several moves
		require.EqualValues(s.t, i+2, client.Incr(ctx, key).Val())
		require.LessOrEqual(s.t, len(s.hops()), 1, "move %d", i+1)
	}
}

func majority(s *stage) {
	const slot = 303
	ctx := testContext(s.t)
	_, to, behind := s.ends(slot)
	require.NoError(s.t, s.faults.Lag(behind))
	s.move(slot, to)
	for range 30 {
		require.NoError(s.t, s.client.Refresh(ctx))
		for _, addr := range s.became(slot) {
			require.Equal(s.t, to, addr)
		}
		client := s.connect()
		require.Equal(s.t, to, client.SlotMap().Master(slot), "two of three seeds say so")
	}
	s.eventually("it is learned", func() bool {
		return s.client.Refresh(ctx) == nil && s.client.SlotMap().Master(slot) == to
	})
	for range 30 {
		require.NoError(s.t, s.client.Refresh(ctx))
	}
	require.Equal(s.t, []string{to}, s.became(slot), "the one that is behind is not believed")
}

func epochsSettle(s *stage) {
	const slot = 304
	ctx := testContext(s.t)
	key := keyIn(slot, "n")
	require.EqualValues(s.t, 1, s.client.Incr(ctx, key).Val())
	from, to, behind := s.ends(slot)
	require.NoError(s.t, s.faults.Lag(behind))
	s.move(slot, to)
	for _, addr := range []string{from, to} { // they tell no map, but who they are
		s.faults.Fault(clustertest.Fault{
			Match: clustertest.Selector{Addr: addr, Command: "cluster slots"}, Count: -1,
			Kind: clustertest.Answer, Reply: "-LOADING Redis is loading the dataset in memory\r\n",
		})
	}
	require.EqualValues(s.t, 2, s.client.Incr(ctx, key).Val())
	for range 10 {
		require.NoError(s.t, s.client.Refresh(ctx))
	}
	require.NotEmpty(s.t, s.asked("cluster nodes"))
	require.Equal(s.t, []string{to}, s.became(slot))
}
