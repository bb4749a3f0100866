package clustertest_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/clustertest"
)

// What a program does with go-redis's ClusterClient it can do here.
func TestGoRedis(t *testing.T) {
	for _, protocol := range []int{2, 3} {
		t.Run(fmt.Sprint("RESP", protocol), func(t *testing.T) {
			c := clustertest.Start(t, clustertest.Config{Replicas: 1})
			g := goRedisTest{c, goRedis(t, c, func(o *redis.ClusterOptions) { o.Protocol = protocol })}
			t.Run("strings", g.strings)
			t.Run("hashes", g.hashes)
			t.Run("lists", g.lists)
			t.Run("sets", g.sets)
			t.Run("sorted sets", g.sortedSets)
			t.Run("pipelines", g.pipelines)
			t.Run("transactions", g.transactions)
			t.Run("WATCH", g.watch)
			t.Run("scripts", g.scripts)
			t.Run("SCAN", g.scan)
			t.Run("blocking", g.blocking)
			t.Run("replicas", g.replicas)
		})
	}
}

type goRedisTest struct {
	c      *clustertest.Cluster
	client *redis.ClusterClient
}

func (g goRedisTest) strings(t *testing.T) {
	ctx := t.Context()
	for i := range 30 { // all masters
		key := fmt.Sprint("string:", i)
		require.NoError(t, g.client.Set(ctx, key, i, time.Hour).Err())
		require.Equal(t, int64(i+10), g.client.IncrBy(ctx, key, 10).Val())
		require.Equal(t, fmt.Sprint(i+10), g.client.GetEx(ctx, key, 2*time.Hour).Val())
		require.Equal(t, 2*time.Hour, g.client.TTL(ctx, key).Val())
		require.False(t, g.client.SetNX(ctx, key, "other", 0).Val())
		require.Equal(t, int64(1), g.client.Del(ctx, key).Val())
		require.Equal(t, redis.Nil, g.client.Get(ctx, key).Err())
	}
	require.NoError(t, g.client.MSet(ctx, "{m}1", 1, "{m}2", 2).Err())
	require.Equal(t, []any{"1", nil, "2"}, g.client.MGet(ctx, "{m}1", "{m}0", "{m}2").Val())
	require.ErrorContains(t, g.client.LPush(ctx, "{m}1", "x").Err(), "WRONGTYPE")
}

func (g goRedisTest) hashes(t *testing.T) {
	ctx := t.Context()
	require.Equal(t, int64(2), g.client.HSet(ctx, "hash", "a", 1, "b", "two").Val())
	require.Equal(t, map[string]string{"a": "1", "b": "two"}, g.client.HGetAll(ctx, "hash").Val())
	require.InDelta(t, 1.5, g.client.HIncrByFloat(ctx, "hash", "a", 0.5).Val(), 0)
	require.Equal(t, []any{"1.5", nil}, g.client.HMGet(ctx, "hash", "a", "none").Val())
	var into struct {
		A float64 `redis:"a"`
		B string  `redis:"b"`
	}
	require.NoError(t, g.client.HGetAll(ctx, "hash").Scan(&into))
	require.Equal(t, "two", into.B)
}

func (g goRedisTest) lists(t *testing.T) {
	ctx := t.Context()
	require.Equal(t, int64(3), g.client.RPush(ctx, "list", "a", "b", "c").Val())
	require.Equal(t, "c", g.client.RPop(ctx, "list").Val())
	require.Equal(t, []string{"a", "b"}, g.client.LRange(ctx, "list", 0, -1).Val())
	require.Equal(t, int64(1), g.client.LPos(ctx, "list", "b", redis.LPosArgs{}).Val())
	require.Equal(t, "a", g.client.LMove(ctx, "list", "{list}2", "LEFT", "RIGHT").Val())
}

func (g goRedisTest) sets(t *testing.T) {
	ctx := t.Context()
	require.Equal(t, int64(3), g.client.SAdd(ctx, "set", "a", "b", "c").Val())
	require.Equal(t, int64(0), g.client.SAdd(ctx, "set", "a").Val())
	require.ElementsMatch(t, []string{"a", "b", "c"}, g.client.SMembers(ctx, "set").Val())
	require.Equal(t, []bool{true, false}, g.client.SMIsMember(ctx, "set", "a", "x").Val())
	popped := g.client.SPop(ctx, "set").Val()
	require.False(t, g.client.SIsMember(ctx, "set", popped).Val())
}

func (g goRedisTest) sortedSets(t *testing.T) {
	ctx := t.Context()
	members := []redis.Z{{Score: 1.5, Member: "a"}, {Score: 2, Member: "b"}}
	require.Equal(t, int64(2), g.client.ZAdd(ctx, "zset", members...).Val())
	require.Equal(t, members, g.client.ZRangeWithScores(ctx, "zset", 0, -1).Val())
	require.InDelta(t, 3.5, g.client.ZIncrBy(ctx, "zset", 2, "a").Val(), 0)
	byScore := redis.ZRangeArgs{Key: "zset", ByScore: true, Start: "(2", Stop: "+inf"}
	require.Equal(t, []string{"a"}, g.client.ZRangeArgs(ctx, byScore).Val())
	require.Equal(t, []redis.Z{{Score: 2, Member: "b"}}, g.client.ZPopMin(ctx, "zset").Val())
}

func (g goRedisTest) pipelines(t *testing.T) {
	ctx := t.Context()
	cmds, err := g.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range 300 {
			p.Set(ctx, fmt.Sprint("pipe:", i), i, 0)
		}
		for i := range 300 {
			p.Get(ctx, fmt.Sprint("pipe:", i))
		}
		return nil
	})
	require.NoError(t, err)
	for i, cmd := range cmds[300:] {
		require.Equal(t, fmt.Sprint(i), cmd.(*redis.StringCmd).Val())
	}
}

func (g goRedisTest) transactions(t *testing.T) {
	ctx := t.Context()
	cmds, err := g.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Incr(ctx, "{tx}n")
		p.RPush(ctx, "{tx}list", "a")
		p.Incr(ctx, "{tx}list") // fails, and nothing else
		p.Incr(ctx, "{tx}n")
		return nil
	})
	require.ErrorContains(t, err, "WRONGTYPE")
	require.Equal(t, int64(2), cmds[3].(*redis.IntCmd).Val())
}

// Optimistic locking as go-redis's documentation has it: no increment is lost.
func (g goRedisTest) watch(t *testing.T) {
	const clients, each = 4, 10
	ctx := t.Context()
	increment := func(tx *redis.Tx) error {
		n, err := tx.Get(ctx, "watched").Int()
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Set(ctx, "watched", n+1, 0).Err() })
		return err
	}
	var group sync.WaitGroup
	errs := make(chan error, clients*each)
	for range clients {
		group.Go(func() {
			for range each {
				var err error = redis.TxFailedErr
				for errors.Is(err, redis.TxFailedErr) {
					err = g.client.Watch(ctx, increment, "watched")
				}
				errs <- err
			}
		})
	}
	group.Wait()
	for range clients * each {
		require.NoError(t, <-errs)
	}
	require.Equal(t, fmt.Sprint(clients*each), g.client.Get(ctx, "watched").Val())
}

func (g goRedisTest) scripts(t *testing.T) {
	ctx := t.Context()
	script := redis.NewScript(`return {redis.call("INCRBY", KEYS[1], ARGV[1]), redis.call("GET", KEYS[1])}`)
	for i := range 9 { // all masters, by EVALSHA and, the first time, EVAL
		key := fmt.Sprint("script:", i%3)
		got, err := script.Run(ctx, g.client, []string{key}, 5).Slice()
		require.NoError(t, err)
		n := int64(i/3+1) * 5
		require.Equal(t, []any{n, fmt.Sprint(n)}, got)
	}
	err := g.client.Eval(ctx, `return redis.error_reply("MY own")`, []string{"script:0"}).Err()
	require.ErrorContains(t, err, "MY own")
}

func (g goRedisTest) scan(t *testing.T) {
	ctx := t.Context()
	want := map[string]bool{}
	for i := range 500 {
		want[fmt.Sprint("scan:", i)] = true
		require.NoError(t, g.client.Set(ctx, fmt.Sprint("scan:", i), i, 0).Err())
	}
	var mu sync.Mutex
	found := map[string]bool{}
	err := g.client.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		keys := node.Scan(ctx, 0, "scan:*", 50).Iterator()
		for keys.Next(ctx) {
			mu.Lock()
			found[keys.Val()] = true
			mu.Unlock()
		}
		return keys.Err()
	})
	require.NoError(t, err)
	require.Equal(t, want, found)
}

func (g goRedisTest) blocking(t *testing.T) {
	ctx := t.Context()
	hold := g.c.Hold(clustertest.Selector{Command: "rpush", Key: "queue"})
	pushed := make(chan error)
	go func() { pushed <- g.client.RPush(ctx, "queue", "job").Err() }()
	require.NoError(t, hold.Wait(ctx, 1))
	require.Equal(t, redis.Nil, g.client.Do(ctx, "BLPOP", "queue", "0.001").Err())
	hold.Release()
	got, err := g.client.BLPop(ctx, time.Minute, "queue").Result()
	require.NoError(t, err)
	require.Equal(t, []string{"queue", "job"}, got)
	require.NoError(t, <-pushed)
}

// Reads that may go to any node of the shard see the write that was acknowledged.
func (g goRedisTest) replicas(t *testing.T) {
	ctx := t.Context()
	reader := goRedis(t, g.c, func(o *redis.ClusterOptions) { o.ReadOnly, o.RouteRandomly = true, true })
	for i := range 100 {
		require.NoError(t, g.client.Set(ctx, keyOf(0, "read"), i, 0).Err())
		require.Equal(t, fmt.Sprint(i), reader.Get(ctx, keyOf(0, "read")).Val())
	}
	for _, addr := range []string{g.c.Masters()[0], g.c.Addrs()[3]} {
		commands, err := g.c.Commands(addr)
		require.NoError(t, err)
		require.Contains(t, fmt.Sprint(commands), "get "+keyOf(0, "read"), "%s served none", addr)
	}
}
