package conformance

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/routing"
)

func testRedirect(t *testing.T, c Cluster) {
	t.Run("MOVED costs one hop and corrects the map", func(t *testing.T) {
		const slot = 1001
		client, rec := connect(t, c, noRefresh)
		ctx := testContext(t)
		keys := keysIn(t, slot, 3)
		set(t, client, keys...)
		from, to := neighbours(t, c, slot)
		require.NoError(t, c.Migrate(ctx, slot, to))
		defer func() { require.NoError(t, c.Migrate(ctx, slot, from)) }()

		for _, key := range keys {
			require.Equal(t, key, client.Get(ctx, key).Val())
		}
		hops := rec.take()
		require.Len(t, hops, 1, "the first GET is redirected, the others know")
		require.Equal(t, routing.Redirect{Op: "get", Slot: slot, From: from, To: to, Hop: 1}, hops[0])
		require.Equal(t, to, client.SlotMap().Master(slot))
	})

	t.Run("MOVED in a pipeline sends only what was refused", func(t *testing.T) {
		const slot = 1002
		client, rec := connect(t, c, noRefresh)
		ctx := testContext(t)
		moved, stays := keysIn(t, slot, 1)[0], keysIn(t, 2002, 1)[0]
		require.NoError(t, client.Del(ctx, moved, stays).Err())
		from, to := neighbours(t, c, slot)
		require.NoError(t, c.Migrate(ctx, slot, to))
		defer func() { require.NoError(t, c.Migrate(ctx, slot, from)) }()

		var counts [6]*redis.IntCmd
		_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i := range counts {
				counts[i] = p.Incr(ctx, []string{moved, stays}[i%2])
			}
			return nil
		})
		require.NoError(t, err)
		for i, n := range counts {
			require.EqualValues(t, i/2+1, n.Val(), "each ran once, in order")
		}
		require.Len(t, rec.take(), 3)
	})

	t.Run("ASK is followed with ASKING and leaves the map alone", func(t *testing.T) {
		const slot = 1003
		client, rec := connect(t, c, noRefresh)
		ctx := testContext(t)
		keys := keysIn(t, slot, 4)
		set(t, client, keys...)
		from, to := open(t, c, slot)
		moved, err := c.MoveKeys(ctx, slot, 2)
		require.NoError(t, err)
		require.Equal(t, 2, moved)

		for _, key := range keys {
			require.Equal(t, key, client.Get(ctx, key).Val())
		}
		hops := rec.take()
		require.Len(t, hops, 2, "the two keys that have moved")
		for _, hop := range hops {
			require.Equal(t, routing.Redirect{Op: "get", Slot: slot, Ask: true, From: from, To: to, Hop: 1}, hop)
		}
		fresh := keysIn(t, slot, 5)[4]
		require.NoError(t, client.Set(ctx, fresh, "new", 0).Err())
		require.Equal(t, "new", client.Get(ctx, fresh).Val())
		require.Len(t, rec.take(), 2, "a new key is made where the slot goes")
		require.Equal(t, from, client.SlotMap().Master(slot))
	})

	t.Run("a native command waits for its keys to be together", func(t *testing.T) {
		const slot = 1004
		client, rec := connect(t, c)
		ctx := testContext(t)
		keys := keysIn(t, slot, 4)
		set(t, client, keys...)
		open(t, c, slot)
		_, err := c.MoveKeys(ctx, slot, 2)
		require.NoError(t, err)

		values := make(chan []any, 1)
		go func() { values <- client.MGet(ctx, keys...).Val() }()
		rec.waitRetry(t, 2)
		require.NoError(t, c.FinishMigration(ctx, slot))
		require.Equal(t, []any{keys[0], keys[1], keys[2], keys[3]}, <-values)
		require.Equal(t, routing.FaultTryAgain, rec.retries[0].Fault)
	})

	t.Run("a native command that waits obeys the deadline and has not run", func(t *testing.T) {
		const slot = 1005
		client, _ := connect(t, c)
		keys := keysIn(t, slot, 2)
		set(t, client, keys...)
		open(t, c, slot)
		_, err := c.MoveKeys(testContext(t), slot, 1)
		require.NoError(t, err)

		ctx, cancel := context.WithTimeout(testContext(t), 50*time.Millisecond)
		defer cancel()
		err = client.MSet(ctx, keys[0], "x", keys[1], "x").Err()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "TRYAGAIN")
		var failed *slotmesh.Error
		require.ErrorAs(t, err, &failed)
		require.Equal(t, routing.NotExecuted, failed.Outcome)
		require.True(t, slotmesh.SafeToRetry(err))
	})

	t.Run("a transaction follows MOVED and ASK as a whole", func(t *testing.T) {
		const slot = 1006
		client, rec := connect(t, c, noRefresh)
		ctx := testContext(t)
		keys := keysIn(t, slot, 2)
		count := func() (a, b *redis.IntCmd) {
			_, err := client.TxPipelined(ctx, func(p redis.Pipeliner) error {
				a, b = p.Incr(ctx, keys[0]), p.Incr(ctx, keys[1])
				return nil
			})
			require.NoError(t, err)
			return a, b
		}
		require.NoError(t, client.Del(ctx, keys...).Err())
		count()
		from, to := open(t, c, slot)
		_, err := c.MoveKeys(ctx, slot, -1)
		require.NoError(t, err)
		a, b := count()
		require.EqualValues(t, 2, a.Val())
		require.EqualValues(t, 2, b.Val())
		require.Equal(t, []routing.Redirect{{Op: "exec", Slot: slot, Ask: true, From: from, To: to, Hop: 1}}, rec.take())
		require.NoError(t, c.FinishMigration(ctx, slot))
		a, b = count()
		require.EqualValues(t, 3, a.Val())
		require.EqualValues(t, 3, b.Val())
		require.Equal(t, []routing.Redirect{{Op: "exec", Slot: slot, From: from, To: to, Hop: 1}}, rec.take())
	})

	t.Run("a script that answers like a node is not run again", func(t *testing.T) {
		client, rec := connect(t, c)
		ctx := testContext(t)
		for i, text := range []string{
			"TRYAGAIN I have written", "MOVED 1 127.0.0.1:1", "ASK x", "MOVED", "CLUSTERDOWN so it seems", "LOADING",
		} {
			key := keysIn(t, uint16(1100+i), 1)[0]
			require.NoError(t, client.Del(ctx, key).Err())
			err := client.Eval(ctx, `redis.call('INCR', KEYS[1]) return redis.error_reply(ARGV[1])`, []string{key}, text).Err()
			require.ErrorContains(t, err, text)
			require.False(t, slotmesh.SafeToRetry(err), text)
			require.EqualValues(t, "1", client.Get(ctx, key).Val(), text)
		}
		require.Empty(t, rec.take())
	})

	t.Run("an uncovered slot is an error that says so", func(t *testing.T) {
		const slot = 1007
		ctx := testContext(t)
		owner, err := c.Owner(ctx, slot)
		require.NoError(t, err)
		client, _ := connect(t, c, func(o *slotmesh.Options) { o.Retry.MaxRetries = 2 })
		for _, addr := range c.Addrs() {
			_, err := c.Do(ctx, addr, "cluster", "delslots", slot)
			require.NoError(t, err)
		}
		defer func() {
			for _, addr := range c.Masters() {
				id, err := c.Do(ctx, owner, "cluster", "myid")
				require.NoError(t, err)
				if addr == owner {
					_, err = c.Do(ctx, addr, "cluster", "addslots", slot)
				} else {
					_, err = c.Do(ctx, addr, "cluster", "setslot", slot, "node", id)
				}
				require.NoError(t, err)
			}
			require.Eventually(t, func() bool {
				return client.Set(ctx, "{"+hashtag.ForSlot(slot)+"}", "x", 0).Err() == nil
			}, suiteTimeout, 10*time.Millisecond)
		}()
		require.NoError(t, client.Refresh(ctx))
		require.Equal(t, "", client.SlotMap().Master(slot))
		err = client.Get(ctx, "{"+hashtag.ForSlot(slot)+"}").Err()
		require.ErrorIs(t, err, slotmesh.ErrUncovered)
		require.ErrorContains(t, err, "slot 1007")
		require.True(t, slotmesh.SafeToRetry(err))
	})
}

// noRefresh keeps the client from loading the map on its own while a test counts the
// redirections.
func noRefresh(o *slotmesh.Options) { o.RefreshInterval = -1 }
