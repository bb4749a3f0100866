package conformance

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/routing"
)

// testCommand runs commands of every kind that the router tells apart.
func testCommand(t *testing.T, c Cluster) {
	t.Run("typed commands decode as in go-redis", func(t *testing.T) {
		for _, protocol := range []int{2, 3} {
			client, _ := connect(t, c, func(o *slotmesh.Options) { o.Protocol = protocol })
			ctx := testContext(t)
			key := keysIn(t, uint16(4000+protocol), 4)
			require.NoError(t, client.Del(ctx, key...).Err())
			require.NoError(t, client.HSet(ctx, key[0], "f", "v", "g", "w").Err())
			require.Equal(t, map[string]string{"f": "v", "g": "w"}, client.HGetAll(ctx, key[0]).Val())
			require.NoError(t, client.ZAdd(ctx, key[1], redis.Z{Score: 1.5, Member: "m"}).Err())
			require.Equal(t, []redis.Z{{Score: 1.5, Member: "m"}}, client.ZRangeWithScores(ctx, key[1], 0, -1).Val())
			id := client.XAdd(ctx, &redis.XAddArgs{Stream: key[2], Values: []string{"a", "b"}}).Val()
			require.Equal(t, []redis.XMessage{{ID: id, Values: map[string]any{"a": "b"}}}, client.XRange(ctx, key[2], "-", "+").Val())
			require.Equal(t, redis.Nil, client.Get(ctx, key[3]).Err())
			require.True(t, redis.HasErrorPrefix(client.Get(ctx, key[0]).Err(), "WRONGTYPE"))
			_, isReply := client.Get(ctx, key[0]).Err().(redis.Error)
			require.True(t, isReply, "an error reply stays what it is")
			iter := client.HScan(ctx, key[0], 0, "", 0).Iterator()
			require.True(t, iter.Next(ctx))
			require.Equal(t, "PONG", client.Ping(ctx).Val())
		}
	})

	t.Run("commands with keys in unusual places find their node", func(t *testing.T) {
		client, rec := connect(t, c)
		ctx := testContext(t)
		for slot := uint16(0); slot < hashtag.Slots; slot += 1777 {
			key := keysIn(t, slot, 3)
			require.NoError(t, client.Del(ctx, key...).Err())
			require.EqualValues(t, 1, client.Eval(ctx, "return redis.call('INCR', KEYS[1])", key[:1], "x").Val())
			require.NoError(t, client.ZAdd(ctx, key[1], redis.Z{Score: 1, Member: "m"}).Err())
			require.NoError(t, client.ZUnionStore(ctx, key[2], &redis.ZStore{Keys: key[1:2]}).Err())
			require.NoError(t, client.XGroupCreateMkStream(ctx, key[0]+"s", "g", "$").Err())
			require.NoError(t, client.Del(ctx, key[0]+"s").Err())
			require.NoError(t, client.ObjectEncoding(ctx, key[2]).Err())
			require.NoError(t, client.MemoryUsage(ctx, key[2]).Err())
			require.EqualValues(t, 3, client.Exists(ctx, key...).Val())
			require.GreaterOrEqual(t, client.ClusterCountKeysInSlot(ctx, int(slot)).Val(), int64(3))
		}
		require.Empty(t, rec.take(), "no command went astray")
	})

	t.Run("a blocking command waits past the read timeout and holds nobody up", func(t *testing.T) {
		client, _ := connect(t, c, func(o *slotmesh.Options) { o.ReadTimeout = 100 * time.Millisecond })
		ctx := testContext(t)
		key := keysIn(t, 4010, 2)
		require.NoError(t, client.Del(ctx, key...).Err())
		var popped sync.WaitGroup
		results := make([][]string, 40)
		for i := range results {
			popped.Go(func() { results[i] = client.BLPop(ctx, 0, key[0]).Val() })
		}
		require.Eventually(t, func() bool { return blocked(t, c, 4010) == len(results) }, suiteTimeout, pollEvery)
		require.NoError(t, client.Set(ctx, key[1], "x", 0).Err())
		timedOut := client.Do(ctx, "BLPOP", key[1]+"none", "0.3")
		require.Equal(t, redis.Nil, timedOut.Err(), "the server's timeout, not the client's")
		for range results {
			require.NoError(t, client.RPush(ctx, key[0], "v").Err())
		}
		popped.Wait()
		for _, r := range results {
			require.Equal(t, []string{key[0], "v"}, r)
		}
	})

	t.Run("a dead connection makes a write unknown, and a read is read again", func(t *testing.T) {
		client, _ := connect(t, c, func(o *slotmesh.Options) { o.ReadTimeout = 200 * time.Millisecond; o.Retry.MaxRetries = 50 })
		ctx := testContext(t)
		key := keysIn(t, 4020, 1)[0]
		require.NoError(t, client.Set(ctx, key, "1", 0).Err())
		addr, err := c.Owner(ctx, 4020)
		require.NoError(t, err)
		require.NoError(t, c.Pause(addr))
		err = client.Incr(ctx, key).Err()
		require.NoError(t, c.Resume(addr))
		var failed *slotmesh.Error
		require.ErrorAs(t, err, &failed)
		require.Equal(t, routing.Unknown, failed.Outcome)
		require.Equal(t, addr, failed.Addr)
		require.Equal(t, 4020, failed.Slot)
		require.Equal(t, 1, failed.Attempts, "not sent again")
		require.False(t, slotmesh.SafeToRetry(err))
		require.NoError(t, client.Get(ctx, key).Err())
	})

	t.Run("a node that falls silent ends a blocking command at its time and the read timeout", func(t *testing.T) {
		client, _ := connect(t, c, func(o *slotmesh.Options) { o.ReadTimeout = 200 * time.Millisecond })
		ctx := testContext(t)
		key := keysIn(t, 4030, 1)[0]
		addr, err := c.Owner(ctx, 4030)
		require.NoError(t, err)
		require.Equal(t, redis.Nil, client.BLPop(ctx, time.Second, key).Err())
		require.NoError(t, c.Pause(addr))
		// go-redis itself would wait ten seconds longer than the command asks for.
		start := time.Now()
		err = client.BLPop(ctx, time.Second, key).Err()
		took := time.Since(start)
		require.NoError(t, c.Resume(addr))
		require.Error(t, err)
		require.NotEqual(t, redis.Nil, err)
		require.Less(t, took, 8*time.Second)
	})

	t.Run("hooks see what the caller sent", func(t *testing.T) {
		client, _ := connect(t, c)
		ctx := testContext(t)
		var log []string
		client.AddHook(hook{"outer", &log})
		client.AddHook(hook{"inner", &log})
		require.NoError(t, client.MSet(ctx, spread(t, 1)[0], 1, spread(t, 2)[1], 2).Err())
		_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
			p.Ping(ctx)
			p.Echo(ctx, "x")
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, []string{"outer mset", "inner mset", "outer ping echo", "inner ping echo"}, log)
	})
}

// blocked returns how many clients are blocked on the node that serves slot.
func blocked(t *testing.T, c Cluster, slot uint16) int {
	addr, err := c.Owner(testContext(t), slot)
	require.NoError(t, err)
	info, err := c.Do(testContext(t), addr, "info", "clients")
	require.NoError(t, err)
	return infoInt(info.(string), "blocked_clients")
}

type hook struct {
	name string
	log  *[]string
}

func (h hook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		*h.log = append(*h.log, h.name+" "+cmd.Name())
		return next(ctx, cmd)
	}
}

func (h hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		line := h.name
		for _, cmd := range cmds {
			line += " " + cmd.Name()
		}
		*h.log = append(*h.log, line)
		return next(ctx, cmds)
	}
}
