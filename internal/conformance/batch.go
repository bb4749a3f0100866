package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/batch"
	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/routing"
)

var strategies = []batch.Strategy{batch.Serial, batch.Pipelined, batch.Parallel}

func testBatch(t *testing.T, c Cluster) {
	for _, s := range strategies {
		t.Run("MSet, MGet and Del tell each key, "+s.String(), func(t *testing.T) {
			client, _ := connect(t, c)
			ctx := testContext(t)
			keys := spread(t, 300)
			pairs := make([]batch.Pair, 200)
			for i := range pairs {
				pairs[i] = batch.Pair{Key: keys[i], Value: fmt.Sprint("value ", i)}
			}
			done, err := batch.MSet(ctx, client, pairs, batch.WithStrategy(s))
			require.NoError(t, err)
			require.EqualValues(t, 200, done.Count())
			values, err := batch.MGet(ctx, client, keys, batch.WithStrategy(s))
			require.NoError(t, err)
			require.Equal(t, 300, values.Len())
			i := 0
			for key, v := range values.All() {
				want := batch.Value{}
				if i < len(pairs) {
					want = batch.Value{Data: pairs[i].Value, OK: true}
				}
				require.Equal(t, keys[i], key)
				require.Equal(t, want, v)
				require.NoError(t, values.Err(i))
				require.Equal(t, routing.Done, values.Outcome(i))
				i++
			}
			require.Len(t, values.Map(), 200)
			gone, err := batch.Del(ctx, client, keys, batch.WithStrategy(s))
			require.NoError(t, err)
			require.EqualValues(t, 200, gone.Count())
		})
	}

	t.Run("the plan tells what is sent", func(t *testing.T) {
		client, _ := connect(t, c)
		ctx := testContext(t)
		keys := spread(t, 100)
		plan := batch.NewPlan(client.SlotMap(), keys)
		for _, s := range strategies {
			before := client.Stats()
			_, err := batch.MGet(ctx, client, keys, batch.WithStrategy(s))
			require.NoError(t, err)
			after := client.Stats()
			require.EqualValues(t, plan.Requests(s), after.Commands-before.Commands, s)
			if s != batch.Parallel {
				require.EqualValues(t, plan.Waits(s), after.Exchanges-before.Exchanges, s)
			} else {
				require.EqualValues(t, len(plan.Groups()), after.Exchanges-before.Exchanges)
			}
		}
	})

	t.Run("keys of one slot are one native command", func(t *testing.T) {
		client, _ := connect(t, c)
		ctx := testContext(t)
		keys := keysIn(t, 3001, 50)
		set(t, client, keys...)
		for _, s := range strategies {
			before := client.Stats().Commands
			values, err := batch.MGet(ctx, client, keys, batch.WithStrategy(s))
			require.NoError(t, err)
			require.EqualValues(t, 1, client.Stats().Commands-before)
			require.Len(t, values.Map(), 50)
		}
	})

	t.Run("duplicates, missing keys and wrong types mean what Redis means", func(t *testing.T) {
		client, _ := connect(t, c)
		ctx := testContext(t)
		keys := spread(t, 5)
		together := keysIn(t, 3002, 2)
		set(t, client, keys[0], together[0])
		require.NoError(t, client.RPush(ctx, keys[1], "a list").Err())
		require.NoError(t, client.RPush(ctx, together[1], "a list").Err())
		asked := []string{keys[0], keys[1], keys[2], keys[0], together[0], together[1]}
		for _, s := range strategies {
			v, err := batch.MGet(ctx, client, asked, batch.WithStrategy(s))
			require.NoError(t, err, s)
			require.Equal(t, map[string]string{keys[0]: keys[0], together[0]: together[0]}, v.Map())
			_, ok := v.At(1)
			require.False(t, ok)
			again, ok := v.At(3)
			require.True(t, ok)
			require.Equal(t, keys[0], again)
		}
		require.Equal(t, []any{keys[0], nil, nil, keys[0], together[0], nil}, client.MGet(ctx, asked...).Val())
		for _, s := range strategies {
			pairs := []batch.Pair{{Key: keys[2], Value: "first"}, {Key: keys[3], Value: "x"}, {Key: keys[2], Value: "last"}}
			r, err := batch.MSet(ctx, client, pairs, batch.WithStrategy(s))
			require.NoError(t, err)
			require.EqualValues(t, 2, r.Count())
			require.Equal(t, "last", client.Get(ctx, keys[2]).Val())
			d, err := batch.Del(ctx, client, []string{keys[2], keys[3], keys[2]}, batch.WithStrategy(s))
			require.NoError(t, err)
			require.EqualValues(t, 2, d.Count())
		}
	})

	t.Run("client.MGet, MSet and Del reach across slots", func(t *testing.T) {
		client, _ := connect(t, c)
		ctx := testContext(t)
		keys := spread(t, 4)
		require.Equal(t, "OK", client.MSet(ctx, keys[0], 1, keys[1], 2.5, keys[2], []byte("three")).Val())
		require.Equal(t, []any{"1", "2.5", "three", nil}, client.MGet(ctx, keys...).Val())
		require.Equal(t, []any{"1", nil}, client.Do(ctx, "MGET", keys[0], []byte(keys[3])).Val())
		require.Equal(t, "OK", client.Do(ctx, "mset", keys[0], "a", keys[1], "b").Val())
		require.EqualValues(t, 3, client.Del(ctx, keys...).Val())
	})

	t.Run("a pipeline may hold them, in order", func(t *testing.T) {
		client, _ := connect(t, c)
		ctx := testContext(t)
		keys := spread(t, 3)
		var before, after *redis.SliceCmd
		var incr *redis.IntCmd
		var gone *redis.Cmd
		cmds, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
			p.MSet(ctx, keys[0], "1", keys[1], "2", keys[2], "3")
			before = p.MGet(ctx, keys...)
			incr = p.Incr(ctx, keys[1])
			after = p.MGet(ctx, keys...)
			gone = p.Do(ctx, "del", keys[0], keys[1], keys[2])
			return nil
		})
		require.NoError(t, err)
		require.Len(t, cmds, 5)
		require.Equal(t, []any{"1", "2", "3"}, before.Val())
		require.EqualValues(t, 3, incr.Val())
		require.Equal(t, []any{"1", "3", "3"}, after.Val())
		require.EqualValues(t, 3, gone.Val())
	})

	t.Run("in a transaction they must share a slot", func(t *testing.T) {
		client, _ := connect(t, c)
		ctx := testContext(t)
		keys := spread(t, 3)
		_, err := client.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.MGet(ctx, keys...)
			return nil
		})
		require.ErrorIs(t, err, slotmesh.ErrCrossSlot)
	})

	t.Run("a half-migrated slot costs a batch no error and no wait", func(t *testing.T) {
		const slot = 3003
		client, rec := connect(t, c)
		ctx := testContext(t)
		keys := append(keysIn(t, slot, 6), spread(t, 10)...)
		set(t, client, keys...)
		open(t, c, slot)
		_, err := c.MoveKeys(ctx, slot, 3)
		require.NoError(t, err)
		asked := append(keys, keysIn(t, slot, 7)[6])
		for _, s := range strategies {
			values, err := batch.MGet(ctx, client, asked, batch.WithStrategy(s))
			require.NoError(t, err, s)
			require.Len(t, values.Map(), len(keys))
		}
		require.Equal(t, len(asked), len(client.MGet(ctx, asked...).Val()))
		pairs := make([]batch.Pair, len(keys))
		for i, key := range keys {
			pairs[i] = batch.Pair{Key: key, Value: "new"}
		}
		_, err = batch.MSet(ctx, client, pairs)
		require.NoError(t, err)
		for _, v := range client.MGet(ctx, keys...).Val() {
			require.Equal(t, "new", v)
		}
		gone, err := batch.Del(ctx, client, asked)
		require.NoError(t, err)
		require.EqualValues(t, len(keys), gone.Count())
		require.Empty(t, rec.retries)
		require.Positive(t, client.Stats().Splits)
	})

	t.Run("failed keys are told apart, and the rest is there", func(t *testing.T) {
		const slot = 3004
		client, _ := connect(t, c)
		good, bad := spread(t, 20), keysIn(t, slot, 2)
		set(t, client, append(good, bad...)...)
		addr, err := c.Owner(testContext(t), slot)
		require.NoError(t, err)
		require.NoError(t, c.Pause(addr))
		defer func() { require.NoError(t, c.Resume(addr)) }()
		ctx, cancel := context.WithTimeout(testContext(t), suiteTimeout/100)
		defer cancel()
		asked := append(bad, good...)
		values, err := batch.MGet(ctx, client, asked)
		var partial *batch.PartialError
		require.ErrorAs(t, err, &partial)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, len(asked), partial.Total)
		require.False(t, slotmesh.SafeToRetry(err))
		failed := 0
		for i, key := range asked {
			_, present := values.At(i)
			hung := client.SlotMap().Master(hashtag.Slot(key)) == addr
			require.NotEqual(t, hung, present, key)
			require.Equal(t, hung, values.Err(i) != nil)
			if hung {
				require.NotEqual(t, routing.Done, values.Outcome(i), "unknown, or not executed if it had no connection yet")
				failed++
			}
		}
		require.Len(t, partial.Failed, failed)
		require.Less(t, failed, len(asked))

		got, err := client.MGet(ctx, asked...).Result()
		require.ErrorAs(t, err, &partial)
		require.Len(t, got, len(asked))
	})

	t.Run("odd keys and large values", func(t *testing.T) {
		client, _ := connect(t, c)
		ctx := testContext(t)
		large := strings.Repeat("0123456789", 1<<20)
		pairs := []batch.Pair{
			{Key: t.Name() + "\x00\r\n\xff", Value: "\x00\r\n\xff"},
			{Key: t.Name() + "{}", Value: ""},
			{Key: t.Name() + "large", Value: large},
		}
		_, err := batch.MSet(ctx, client, pairs)
		require.NoError(t, err)
		keys := []string{pairs[0].Key, pairs[1].Key, pairs[2].Key, ""}
		values, err := batch.MGet(ctx, client, keys)
		require.NoError(t, err)
		for i, p := range pairs {
			got, ok := values.At(i)
			require.True(t, ok)
			require.True(t, got == p.Value, "value %d", i)
		}
		_, err = batch.Del(ctx, client, keys)
		require.NoError(t, err)
	})

	t.Run("bad arguments send nothing", func(t *testing.T) {
		client, _ := connect(t, c)
		ctx := testContext(t)
		before := client.Stats().Commands
		_, err := batch.MGet(ctx, client, nil)
		require.ErrorIs(t, err, batch.ErrNoKeys)
		_, err = batch.MSet(ctx, client, nil)
		require.ErrorIs(t, err, batch.ErrNoKeys)
		_, err = batch.Del(ctx, client, []string{})
		require.ErrorIs(t, err, batch.ErrNoKeys)
		_, err = batch.MGet(ctx, nil, []string{"a"})
		require.ErrorContains(t, err, "executor")
		_, err = batch.MGet(ctx, client, []string{"a"}, batch.WithStrategy(99))
		require.ErrorContains(t, err, "strategy")
		//lint:ignore SA1012 a nil context is what is tested
		_, err = batch.MGet(nil, client, []string{"a"})
		require.ErrorContains(t, err, "nil context")
		require.Equal(t, before, client.Stats().Commands)

		ended, cancel := context.WithCancel(ctx)
		cancel()
		values, err := batch.MGet(ended, client, spread(t, 3))
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, routing.NotExecuted, values.Outcome(2))
		require.True(t, slotmesh.SafeToRetry(err))
		var partial *batch.PartialError
		require.True(t, errors.As(err, &partial))
		require.Len(t, partial.Failed, 3)
	})
}
