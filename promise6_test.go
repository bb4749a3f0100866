package slotmesh_test

import (
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/batch"
	"github.com/slotmesh/slotmesh/clustertest"
)

// Of a pipeline or batch only what failed is sent again.
func TestPromise6(t *testing.T) {
	prove(t,
		statement{says: "a pipeline sends again only what was refused, in the order of the slot", play: onlyRefused, on: embeddedOnly},
		statement{says: "a pipeline keeps its order when a slot has moved", play: movedOrder},
		statement{says: "a pipeline that breaks keeps what was answered", play: brokenPipeline, on: embeddedOnly},
		statement{says: "a batch sends again only what was refused", play: onlyRefusedOfABatch, on: embeddedOnly},
		statement{says: "the last MSET of a key wins, and is the only one", play: lastWins},
	)
}

// pushes adds numbers to a list in one pipeline, among increments of other slots.
func (s *stage) pushes(list, other string, n int) (cmds []redis.Cmder, err error) {
	ctx := testContext(s.t)
	return s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range n {
			p.RPush(ctx, list, i)
			p.Incr(ctx, other)
		}
		return nil
	})
}

func onlyRefused(s *stage) {
	list, other := keyIn(600, "list"), keyIn(601, "n")
	s.answer(clustertest.Selector{Command: "rpush"}, tryAgain, tryAgain, tryAgain)
	cmds, err := s.pushes(list, other, 8)
	require.NoError(s.t, err)
	got := s.client.LRange(testContext(s.t), list, 0, -1).Val()
	require.Equal(s.t, []string{"3", "4", "5", "6", "7", "0", "1", "2"}, got, "what was refused, in order, behind what was not")
	for i := range 8 {
		require.EqualValues(s.t, (i+5)%8+1, cmds[2*i].(*redis.IntCmd).Val())
		require.EqualValues(s.t, i+1, cmds[2*i+1].(*redis.IntCmd).Val())
		want := 1
		if i < 3 {
			want = 2
		}
		require.Len(s.t, s.asked(fmt.Sprintf("rpush %s %d", list, i)), want)
	}
	require.Len(s.t, s.asked("incr "+other), 8)
}

func movedOrder(s *stage) {
	const slot, n = 602, 50
	list, other := keyIn(slot, "list"), keyIn(603, "n")
	_, to, _ := s.ends(slot)
	s.move(slot, to)
	cmds, err := s.pushes(list, other, n)
	require.NoError(s.t, err)
	got := s.client.LRange(testContext(s.t), list, 0, -1).Val()
	require.Len(s.t, got, n)
	for i := range n {
		require.Equal(s.t, fmt.Sprint(i), got[i])
		require.EqualValues(s.t, i+1, cmds[2*i].(*redis.IntCmd).Val())
		require.EqualValues(s.t, i+1, cmds[2*i+1].(*redis.IntCmd).Val(), "what was done is not sent again")
	}
	require.Len(s.t, s.hops(), n)
}

func brokenPipeline(s *stage) {
	ctx := testContext(s.t)
	list, other := keyIn(604, "list"), keyIn(9000, "n") // of two nodes
	s.faults.Fault(clustertest.Fault{Match: clustertest.Selector{Command: "rpush"}, Count: 2})
	s.faults.Fault(clustertest.Fault{Match: clustertest.Selector{Command: "rpush"}, Kind: clustertest.ResetReply})
	cmds, err := s.pushes(list, other, 4)
	requireUnknown(s.t, err)
	for i := range 4 {
		require.NoError(s.t, cmds[2*i+1].Err(), "the other node")
		if err := cmds[2*i].Err(); i < 2 {
			require.NoError(s.t, err)
			require.EqualValues(s.t, i+1, cmds[2*i].(*redis.IntCmd).Val())
		} else {
			requireUnknown(s.t, err)
		}
	}
	require.Equal(s.t, []string{"0", "1", "2"}, s.client.LRange(ctx, list, 0, -1).Val())
	require.Equal(s.t, "4", s.value(other))
}

func onlyRefusedOfABatch(s *stage) {
	ctx := testContext(s.t)
	var pairs []batch.Pair
	for i := range 30 {
		pairs = append(pairs, batch.Pair{Key: keyIn(uint16(i*500), fmt.Sprintf("k%02d", i)), Value: "v"})
	}
	for _, i := range []int{3, 17} {
		s.answer(clustertest.Selector{Command: "set", Key: pairs[i].Key}, "LOADING Redis is loading the dataset in memory")
	}
	done, err := batch.MSet(ctx, s.client, pairs)
	require.NoError(s.t, err)
	require.EqualValues(s.t, 30, done.Count())
	for i, p := range pairs {
		want := 1
		if i == 3 || i == 17 {
			want = 2
		}
		require.Len(s.t, s.asked("set "+p.Key), want)
	}
}

func lastWins(s *stage) {
	const slot = 605
	ctx := testContext(s.t)
	_, to, _ := s.ends(slot)
	s.move(slot, to) // so that they are sent again
	a, b, c := keyIn(slot, "a"), keyIn(slot, "b"), keyIn(9001, "c")
	const first, last = "overwritten", "remaining"
	pairs := []batch.Pair{{Key: a, Value: first}, {Key: c, Value: first}, {Key: a, Value: last}, {Key: b, Value: first}, {Key: c, Value: last}, {Key: b, Value: last}}
	done, err := batch.MSet(ctx, s.client, pairs)
	require.NoError(s.t, err)
	require.EqualValues(s.t, 3, done.Count())
	require.NoError(s.t, s.client.MSet(ctx, a, first, c, first, b, last, a, last, c, last).Err())
	require.Empty(s.t, s.written(first))
	for _, key := range []string{a, b, c} {
		require.Equal(s.t, last, s.value(key))
	}
}
