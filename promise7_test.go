package slotmesh_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/batch"
	"github.com/slotmesh/slotmesh/routing"
)

// Every key of a batch has its own outcome.
func TestPromise7(t *testing.T) {
	prove(t,
		statement{says: "a key of which nobody knows is Unknown, the others are done", play: unknownKeys},
		statement{says: "a missing key is not a failed one, also beside a node that was killed", play: killedNode}, // the last: it breaks the cluster
	)
}

func unknownKeys(s *stage) {
	ctx := testContext(s.t)
	var pairs []batch.Pair
	for i := range 9 {
		pairs = append(pairs, batch.Pair{Key: keyOn(i%3, fmt.Sprint("unknown-", i%3, "-", i)), Value: "v"})
	}
	s.cut("unknown-1")
	done, err := batch.MSet(ctx, s.client, pairs)
	var partial *batch.PartialError
	require.ErrorAs(s.t, err, &partial)
	require.Len(s.t, partial.Failed, 3)
	require.EqualValues(s.t, 6, done.Count())
	require.False(s.t, slotmesh.SafeToRetry(err))
	for i, p := range pairs {
		require.Equal(s.t, "v", s.value(p.Key), "each has run")
		require.Len(s.t, s.written(p.Key), 1, "once")
		if i%3 == 1 {
			requireUnknown(s.t, done.Err(i))
			require.Equal(s.t, routing.Unknown, done.Outcome(i))
			continue
		}
		require.NoError(s.t, done.Err(i))
		require.Equal(s.t, routing.Done, done.Outcome(i))
	}
}

func killedNode(s *stage) {
	ctx := testContext(s.t)
	var keys []string
	for i := range 30 {
		keys = append(keys, keyOn(i%3, fmt.Sprint("killed-", i)))
	}
	present := func(i int) bool { return i%5 != 0 }
	for i, key := range keys {
		if present(i) {
			require.NoError(s.t, s.client.Set(ctx, key, key, 0).Err())
		}
	}
	values, err := batch.MGet(ctx, s.client, keys)
	require.True(s.t, err == nil, "all is well")
	require.Len(s.t, values.Map(), 24)

	client := s.connect(func(o *slotmesh.Options) { o.Retry.MaxRetries = 2 })
	require.NoError(s.t, s.Kill(s.Masters()[1]))
	for _, strategy := range []batch.Strategy{batch.Serial, batch.Pipelined, batch.Parallel} {
		values, err := batch.MGet(ctx, client, keys, batch.WithStrategy(strategy))
		requireFailed(s.t, err, keys)
		for i, key := range keys {
			got, ok := values.At(i)
			if i%3 == 1 {
				require.False(s.t, ok)
				require.Error(s.t, values.Err(i), "%s, present or not, is not missing", key)
				require.Equal(s.t, routing.NotExecuted, values.Outcome(i))
				continue
			}
			require.NoError(s.t, values.Err(i))
			require.Equal(s.t, routing.Done, values.Outcome(i))
			require.Equal(s.t, present(i), ok)
			if ok {
				require.Equal(s.t, key, got)
			}
		}
	}
	got, err := client.MGet(ctx, keys...).Result()
	requireFailed(s.t, err, keys)
	require.Equal(s.t, []any{nil, nil, keys[2]}, got[:3])

	gone, err := batch.Del(ctx, client, keys)
	requireFailed(s.t, err, keys)
	require.EqualValues(s.t, 16, gone.Count())
}

// requireFailed checks that err names the keys of the second node, and no others.
func requireFailed(t *testing.T, err error, keys []string) {
	t.Helper()
	var partial *batch.PartialError
	require.ErrorAs(t, err, &partial)
	require.Equal(t, len(keys), partial.Total)
	require.Len(t, partial.Failed, len(keys)/3)
	for n, failed := range partial.Failed {
		i := 3*n + 1
		require.Equal(t, i, failed.Index)
		require.Equal(t, keys[i], failed.Key)
		require.Equal(t, routing.NotExecuted, failed.Outcome)
		require.Error(t, failed.Err)
	}
}
