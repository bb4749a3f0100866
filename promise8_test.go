package slotmesh_test

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/batch"
	"github.com/slotmesh/slotmesh/routing"
)

// Across slots.
func TestPromise8(t *testing.T) {
	prove(t,
		statement{says: "what needs one slot is refused before anything is sent", play: crossSlot},
		statement{says: "MSET over slots is not atomic, and says so", play: halfDone},
		statement{says: "duplicate keys keep their meaning", play: duplicates},
	)
}

func crossSlot(s *stage) {
	ctx := testContext(s.t)
	a, b := keyIn(800, "cross-a"), keyIn(9800, "cross-b")
	commands := map[string][]any{}
	for _, words := range []string{
		"msetnx A 1 B 2", "rename A B", "renamenx A B", "copy A B", "sinter A B", "sinterstore A A B", "sunionstore A B",
		"sdiffstore A A B", "sdiff A B", "sintercard 2 A B", "smove A B m", "lmove A B left right", "rpoplpush A B",
		"blmove A B left right 1", "brpoplpush A B 1", "blpop A B 1", "bzpopmin A B 1", "lmpop 2 A B left", "blmpop 1 2 A B left",
		"zunionstore A 1 B", "zinterstore A 2 A B", "zunion 2 A B", "zdiff 2 A B", "zrangestore A B 0 -1", "zmpop 2 A B min",
		"bitop and A B", "pfmerge A B", "pfcount A B", "geosearchstore A B frommember m byradius 1 m", "sort A store B",
		"xread streams A B 0 0", "xreadgroup group g c streams A B > >", "lcs A B", "eval x 2 A B", "evalsha x 2 A B", "eval_ro x 2 A B",
		"fcall f 2 A B",
	} {
		var args []any
		for _, word := range strings.Fields(words) {
			args = append(args, strings.NewReplacer("A", a, "B", b).Replace(word))
		}
		commands[words] = args
	}
	before := s.client.Stats()
	check := func(what string, err error) {
		require.ErrorIs(s.t, err, slotmesh.ErrCrossSlot, what)
		for _, part := range []string{a, b, "800", "9800"} {
			require.ErrorContains(s.t, err, part, what)
		}
		require.False(s.t, slotmesh.SafeToRetry(err))
		var failed *slotmesh.Error
		require.ErrorAs(s.t, err, &failed)
		require.Equal(s.t, routing.NotExecuted, failed.Outcome)
	}
	for words, args := range commands {
		check(words, s.client.Do(ctx, args...).Err())
		var cmd *redis.Cmd
		_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error { cmd = p.Do(ctx, args...); return nil })
		check(words+" in a pipeline", err)
		check(words+" in a pipeline", cmd.Err())
	}
	_, err := s.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, a, 1, 0)
		p.Set(ctx, b, 1, 0)
		return nil
	})
	check("a transaction", err)
	_, err = s.client.TxPipelined(ctx, func(p redis.Pipeliner) error { p.MSet(ctx, a, 1, b, 1); return nil })
	check("MSET in a transaction", err)
	require.Equal(s.t, before.Commands, s.client.Stats().Commands)
	require.Empty(s.t, s.written("cross-"))
}

func halfDone(s *stage) {
	ctx := testContext(s.t)
	client := s.connect(func(o *slotmesh.Options) { o.Retry.MaxRetries = 1 })
	s.refuse(s.Masters()[1], 1000)
	defer s.refuse(s.Masters()[1], 0)
	keys := []string{keyOn(0, "half"), keyOn(1, "half"), keyOn(2, "half")}
	err := client.MSet(ctx, keys[0], "v", keys[1], "v", keys[2], "v").Err()
	var partial *batch.PartialError
	require.ErrorAs(s.t, err, &partial)
	require.Len(s.t, partial.Failed, 1)
	require.Equal(s.t, keys[1], partial.Failed[0].Key)
	require.ErrorContains(s.t, err, "1 of 3 keys failed")
	require.False(s.t, slotmesh.SafeToRetry(err), "the others are set")
	require.Equal(s.t, []string{"v", "", "v"}, []string{s.value(keys[0]), s.value(keys[1]), s.value(keys[2])})
}

func duplicates(s *stage) {
	ctx := testContext(s.t)
	a, b, none, far := keyIn(801, "a"), keyIn(801, "b"), keyIn(801, "none"), keyIn(9801, "far")
	set := func() { require.NoError(s.t, s.client.MSet(ctx, a, "a", b, "b", far, "far").Err()) }
	set()
	require.EqualValues(s.t, 4, s.client.Exists(ctx, a, b, a, none, a).Val())
	require.EqualValues(s.t, 3, s.client.Touch(ctx, a, b, a, none).Val())
	require.Equal(s.t, []any{"a", "far", "a", nil, "far"}, s.client.MGet(ctx, a, far, a, none, far).Val())
	require.EqualValues(s.t, 2, s.client.Unlink(ctx, a, b, a).Val())
	set()
	require.EqualValues(s.t, 2, s.client.Del(ctx, a, b, a).Val())
	set()
	require.EqualValues(s.t, 3, s.client.Del(ctx, a, far, b, a, far, none).Val())
}
