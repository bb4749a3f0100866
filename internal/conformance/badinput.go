package conformance

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/routing"
)

// testBadInput checks that what cannot be done says so and sends nothing.
func testBadInput(t *testing.T, c Cluster) {
	client, _ := connect(t, c)
	ctx := testContext(t)
	a, b := keysIn(t, 5001, 1)[0], keysIn(t, 5002, 1)[0]

	cases := []struct {
		name string
		run  func() error
		is   error
		text []string // in the error
	}{
		{"keys in two slots", func() error { return client.Rename(ctx, a, b).Err() }, slotmesh.ErrCrossSlot,
			[]string{"rename", strconv.Quote(a), "5001", strconv.Quote(b), "5002"}},
		{"MSETNX over two slots", func() error { return client.MSetNX(ctx, a, 1, b, 2).Err() }, slotmesh.ErrCrossSlot, []string{"msetnx"}},
		{"EVAL over two slots", func() error { return client.Eval(ctx, "return 1", []string{a, b}).Err() }, slotmesh.ErrCrossSlot, nil},
		{"a transaction over two slots", func() error {
			_, err := client.TxPipelined(ctx, func(p redis.Pipeliner) error { p.Get(ctx, a); p.Get(ctx, b); return nil })
			return err
		}, slotmesh.ErrCrossSlot, []string{"5001", "5002"}},
		{"odd MSET arguments", func() error { return client.MSet(ctx, a, 1, b).Err() }, nil, []string{"mset"}},
		{"MGET without keys", func() error { return client.MGet(ctx).Err() }, nil, []string{"mget"}},
		{"EVAL with more keys than arguments", func() error { return client.Do(ctx, "eval", "return 1", 3, a).Err() }, nil, []string{"eval"}},
		{"a command of the whole cluster", func() error { return client.FlushAll(ctx).Err() }, slotmesh.ErrUnsupported, []string{"flushall"}},
		{"KEYS", func() error { return client.Keys(ctx, "*").Err() }, slotmesh.ErrUnsupported, []string{"keys"}},
		{"Watch", func() error { return client.Watch(ctx, func(*redis.Tx) error { return nil }, a) }, slotmesh.ErrUnsupported, nil},
		{"Subscribe", func() error { _, err := client.Subscribe(ctx, "x").Receive(ctx); return err }, slotmesh.ErrUnsupported, []string{"pub/sub"}},
		{"SSubscribe", func() error { _, err := client.SSubscribe(ctx, "x").Receive(ctx); return err }, slotmesh.ErrUnsupported, nil},
		{"a cancelled context", func() error {
			ended, cancel := context.WithCancel(ctx)
			cancel()
			return client.Incr(ended, a).Err()
		}, context.Canceled, []string{"not executed"}},
		{"a nil context", func() error {
			//lint:ignore SA1012 a nil context is what is tested
			return client.Incr(nil, a).Err()
		}, nil, []string{"nil context"}},
		{"no command at all", func() error { return client.Do(ctx).Err() }, nil, []string{"command"}},
		{"a key that cannot be sent", func() error { return client.Do(ctx, "get", struct{}{}).Err() }, nil, []string{"struct {}"}},
	}
	for _, name := range []string{
		"select 0", "auth x", "hello 3", "reset", "quit", "client reply off", "client tracking on",
		"client no-evict on", "readonly", "readwrite", "asking", "subscribe x", "psubscribe x", "ssubscribe x",
		"multi", "exec", "discard", "watch x", "unwatch", "monitor",
	} {
		args := make([]any, 0, 4)
		for _, word := range strings.Fields(name) {
			args = append(args, word)
		}
		say := strings.Fields(name)[0]
		cases = append(cases, []struct {
			name string
			run  func() error
			is   error
			text []string
		}{
			{name + " through Do", func() error { return client.Do(ctx, args...).Err() }, slotmesh.ErrUnsupported, []string{say}},
			{name + " through Process", func() error { return client.Process(ctx, redis.NewCmd(ctx, args...)) }, slotmesh.ErrUnsupported, []string{say}},
			{name + " in a pipeline", func() error {
				_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error { p.Do(ctx, args...); return nil })
				return err
			}, slotmesh.ErrUnsupported, []string{say}},
		}...)
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			before := client.Stats().Commands
			err := tc.run()
			require.Error(t, err)
			t.Log(err)
			if tc.is != nil {
				require.ErrorIs(t, err, tc.is)
			}
			for _, text := range tc.text {
				require.ErrorContains(t, err, text)
			}
			require.Equal(t, before, client.Stats().Commands, "nothing was sent")
		})
	}

	t.Run("a bad command in a pipeline leaves the others alone", func(t *testing.T) {
		var good, bad *redis.StatusCmd
		_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
			good = p.Set(ctx, a, "x", 0)
			bad = p.Rename(ctx, a, b)
			return nil
		})
		require.ErrorIs(t, err, slotmesh.ErrCrossSlot)
		require.NoError(t, good.Err())
		require.ErrorIs(t, bad.Err(), slotmesh.ErrCrossSlot)
	})

	t.Run("an unknown command gets the server's answer", func(t *testing.T) {
		err := client.Do(ctx, "nosuchcommand", a).Err()
		require.ErrorContains(t, err, "unknown command")
	})

	t.Run("a closed client", func(t *testing.T) {
		closed, _ := connect(t, c)
		require.NoError(t, closed.Close())
		err := closed.Get(ctx, a).Err()
		require.ErrorIs(t, err, redis.ErrClosed)
		var failed *slotmesh.Error
		require.ErrorAs(t, err, &failed)
		require.Equal(t, routing.NotExecuted, failed.Outcome)
		require.ErrorIs(t, closed.Refresh(ctx), redis.ErrClosed)
	})

	t.Run("Close ends what waits, Shutdown lets it finish", func(t *testing.T) {
		for _, end := range []string{"close", "shutdown"} {
			client, _ := connect(t, c)
			key := keysIn(t, 5010, 1)[0] + end
			popped := make(chan error, 1)
			go func() { popped <- client.BLPop(ctx, 0, key).Err() }()
			require.Eventually(t, func() bool { return blocked(t, c, 5010) == 1 }, suiteTimeout, pollEvery)
			if end == "close" {
				require.NoError(t, client.Close())
				require.ErrorIs(t, <-popped, slotmesh.ErrClosed)
				continue
			}
			down := make(chan error, 1)
			go func() { down <- client.Shutdown(ctx).Err() }()
			require.Eventually(t, func() bool {
				return client.Get(ctx, key).Err() != redis.Nil
			}, suiteTimeout, pollEvery)
			addr, err := c.Owner(ctx, 5010)
			require.NoError(t, err)
			_, err = c.Do(ctx, addr, "rpush", key, "v")
			require.NoError(t, err)
			require.NoError(t, <-popped)
			require.NoError(t, <-down)
		}
	})
}
