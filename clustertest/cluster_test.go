package clustertest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/clustertest"
	"github.com/slotmesh/slotmesh/hashtag"
)

func TestZeroConfig(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{})
	require.Len(t, c.Addrs(), 3)
	require.Equal(t, c.Addrs(), c.Masters())
	for i, addr := range c.Masters() {
		require.True(t, strings.HasPrefix(addr, "127.0.0.1:"), addr)
		w := dial(t, c, addr)
		require.Contains(t, w.do("CLUSTER INFO"), "cluster_state:ok")
		w.ok("SET " + keyOf(i, "k") + " v")
		w.is(moved((i+1)%3, c.Masters()[(i+1)%3]), "GET "+keyOf((i+1)%3, "k"))
	}
}

// The addresses come in the order of the slots, and the replicas in that of the masters.
func TestAddrs(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{Masters: 2, Replicas: 2, InMemory: true})
	addrs := c.Addrs()
	require.Len(t, addrs, 6)
	require.Equal(t, addrs[:2], c.Masters())
	slots, err := goRedisClient(t, c).ClusterSlots(t.Context()).Result()
	require.NoError(t, err)
	require.Len(t, slots, 2)
	for i, r := range slots {
		require.Equal(t, []int{0, 8192}[i], r.Start)
		require.Equal(t, []int{8191, 16383}[i], r.End)
		var nodes []string
		for _, node := range r.Nodes {
			nodes = append(nodes, node.Addr)
		}
		require.Equal(t, addrs[i], nodes[0])
		require.ElementsMatch(t, []string{addrs[i], addrs[2+i], addrs[4+i]}, nodes)
	}
	addrs[0] = "changed"
	require.NotEqual(t, addrs[0], c.Addrs()[0], "the caller owns the slice")
}

func TestConfig(t *testing.T) {
	for text, cfg := range map[string]clustertest.Config{
		"-1 masters":              {Masters: -1},
		"16385 masters":           {Masters: hashtag.Slots + 1},
		"-1 replicas":             {Replicas: -1},
		"the last port is 65535":  {Port: 65534},
		"3 nodes from port -1 on": {Port: -1},
	} {
		_, err := clustertest.New(cfg)
		require.ErrorContains(t, err, text)
	}
	c := clustertest.Start(t, clustertest.Config{InMemory: true, Masters: 1, Replicas: 1, Port: 7000})
	require.Equal(t, []string{"127.0.0.1:7000", "127.0.0.1:7001"}, c.Addrs())
	dial(t, c, "127.0.0.1:7000").ok("SET k v")
}

// A port that is taken is an error, and what had started by then is gone.
func TestPortTaken(t *testing.T) {
	taken := clustertest.Start(t, clustertest.Config{Masters: 1})
	var port int
	_, err := fmt.Sscanf(taken.Addrs()[0], "127.0.0.1:%d", &port)
	require.NoError(t, err)
	_, err = clustertest.New(clustertest.Config{Masters: 2, Port: port - 1})
	require.ErrorContains(t, err, "address already in use")
	_, err = taken.Dial(t.Context(), fmt.Sprintf("127.0.0.1:%d", port-1))
	require.Error(t, err)
}

func TestPassword(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{InMemory: true, Replicas: 1, Password: "secret"})
	for _, addr := range c.Addrs() {
		w := dial(t, c, addr)
		w.is("-NOAUTH Authentication required.", "GET "+keyOf(0, "k"))
		require.Contains(t, w.do("AUTH wrong"), "-WRONGPASS")
		w.ok("AUTH secret")
		pong, err := c.Do(t.Context(), addr, "PING")
		require.NoError(t, err)
		require.Equal(t, "PONG", pong)
	}
	client := goRedis(t, c, func(o *redis.ClusterOptions) { o.Password = "secret" })
	require.NoError(t, client.Set(t.Context(), "k", "v", 0).Err())
}

func TestDo(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{Replicas: 1})
	ctx, addr := t.Context(), c.Masters()[0]
	do := func(args ...any) any {
		t.Helper()
		reply, err := c.Do(ctx, addr, args...)
		require.NoError(t, err)
		return reply
	}
	require.Equal(t, "OK", do("SET", keyOf(0, "k"), 1))
	require.Equal(t, int64(2), do("INCR", keyOf(0, "k")))
	require.Equal(t, []any{"2", nil}, do("MGET", keyOf(0, "k"), keyOf(0, "none")))
	require.Equal(t, "secret\r\n\x00", do("ECHO", "secret\r\n\x00"))

	_, err := c.Do(ctx, addr, "GET", keyOf(0, "none"))
	require.Equal(t, redis.Nil, err)
	_, err = c.Do(ctx, addr, "GET", keyOf(1, "k"))
	require.EqualError(t, err, strings.TrimPrefix(moved(1, c.Masters()[1]), "-"), "it is not followed")
	var refusal redis.Error
	require.ErrorAs(t, err, &refusal)

	done, cancel := context.WithCancel(ctx)
	cancel()
	_, err = c.Do(done, addr, "PING")
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "PING at "+addr)
	require.False(t, errors.As(err, &refusal), "that is no answer")
}

// Do ends with its context, whatever the node does.
func TestDoEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.Start(t, clustertest.Config{InMemory: true})
		addr := c.Masters()[0]
		require.NoError(t, c.Pause(addr))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		requireTakes(t, time.Minute, func() {
			_, err := c.Do(ctx, addr, "PING")
			require.ErrorIs(t, err, context.Canceled)
		})
		requireTakes(t, time.Second, func() {
			_, err := c.Do(within(t, time.Second), addr, "PING")
			require.ErrorIs(t, err, context.DeadlineExceeded)
		})
	})
}

func TestDialer(t *testing.T) {
	for name, inMemory := range map[string]bool{"tcp": false, "memory": true} {
		t.Run(name, func(t *testing.T) {
			c := clustertest.Start(t, clustertest.Config{InMemory: inMemory})
			conn, err := c.Dialer(t.Context(), "tcp", c.Masters()[0])
			require.NoError(t, err)
			require.Equal(t, c.Masters()[0], conn.RemoteAddr().String())
			require.NoError(t, conn.Close())
			done, cancel := context.WithCancel(t.Context())
			cancel()
			_, err = c.Dial(done, c.Masters()[0])
			require.Error(t, err)
		})
	}
}

func TestOwner(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{InMemory: true})
	for i, addr := range c.Masters() {
		for _, slot := range []uint16{slotOf(i), (slotOf((i+1)%3) + hashtag.Slots - 1) % hashtag.Slots} {
			owner, err := c.Owner(t.Context(), slot)
			require.NoError(t, err)
			require.Equal(t, addr, owner, slot)
		}
	}
	_, err := c.Owner(t.Context(), hashtag.Slots)
	require.ErrorContains(t, err, "slot 16384")
	require.NoError(t, c.Kill(c.Masters()[0]))
	_, err = c.Owner(t.Context(), 0)
	require.ErrorContains(t, err, "slot 0: no node")
	dial(t, c, c.Masters()[1]).ok("CLUSTER DELSLOTS 5461")
	_, err = c.Owner(t.Context(), 5461)
	require.ErrorContains(t, err, "slot 5461: no node")
}

// What the nodes hear from others than the Cluster reaches all of them too: a slot that
// is taken over by hand.
func TestSetSlotByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.Start(t, clustertest.Config{InMemory: true, Replicas: 1})
		from, to, third := dial(t, c, c.Masters()[0]), dial(t, c, c.Masters()[1]), dial(t, c, c.Masters()[2])
		ids := []string{strings.Fields(from.do("CLUSTER MYID"))[1], strings.Fields(to.do("CLUSTER MYID"))[1]}
		to.ok("CLUSTER SETSLOT 0 IMPORTING " + ids[0])
		from.ok("CLUSTER SETSLOT 0 MIGRATING " + ids[1])
		to.ok("CLUSTER SETSLOT 0 NODE " + ids[1])
		synctest.Wait()
		third.is(moved(0, c.Masters()[1]), "GET "+keyOf(0, "k"))
		owner, err := c.Owner(t.Context(), 0)
		require.NoError(t, err)
		require.Equal(t, c.Masters()[1], owner)
	})
}

func TestClose(t *testing.T) {
	c, err := clustertest.New(clustertest.Config{Replicas: 1})
	require.NoError(t, err)
	w := dial(t, c, c.Masters()[0])
	require.NoError(t, c.Close())
	require.NoError(t, c.Close())
	w.broken()
	for _, addr := range c.Addrs() {
		_, err := c.Dial(t.Context(), addr)
		require.Error(t, err)
		_, err = c.Do(t.Context(), addr, "PING")
		require.Error(t, err)
		require.Error(t, c.Pause(addr))
	}
	require.Error(t, c.Migrate(t.Context(), 0, c.Masters()[1]))
	require.Error(t, c.Promote(t.Context(), c.Addrs()[3]))
	require.NotEmpty(t, c.Events())
}
