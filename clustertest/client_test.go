package clustertest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/clustertest"
)

// A connect returns a client of a cluster that lives as long as the test.
type connect func(t testing.TB, c *clustertest.Cluster) redis.UniversalClient

// slotmeshClient is a connect for our own client. It loads the slots only when something
// calls for it, so that a day of virtual time is short.
func slotmeshClient(t testing.TB, c *clustertest.Cluster) redis.UniversalClient {
	t.Helper()
	client, err := slotmesh.New(t.Context(), slotmesh.Options{Addrs: c.Addrs(), Dialer: c.Dialer, RefreshInterval: -1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

// goRedisClient is a connect for go-redis's ClusterClient.
func goRedisClient(t testing.TB, c *clustertest.Cluster) redis.UniversalClient {
	t.Helper()
	return goRedis(t, c, func(*redis.ClusterOptions) {})
}

// goRedis returns a client that gives up dialing at the first refusal: its retries would
// outlive its Close.
func goRedis(t testing.TB, c *clustertest.Cluster, change func(*redis.ClusterOptions)) *redis.ClusterClient {
	t.Helper()
	opts := &redis.ClusterOptions{Addrs: c.Addrs(), Dialer: c.Dialer, ContextTimeoutEnabled: true, DialerRetries: 1}
	change(opts)
	client := redis.NewClusterClient(opts)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

// eachClient runs a test with each kind of client.
func eachClient(t *testing.T, test func(t *testing.T, connect connect)) {
	t.Helper()
	t.Run("slotmesh", func(t *testing.T) { test(t, slotmeshClient) })
	t.Run("go-redis", func(t *testing.T) { test(t, goRedisClient) })
}

// bubble is synctest.Test for eachClient. What go-redis leaves running at its Close, a
// delay before it would load the slots anew, has the time to end.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { time.Sleep(time.Minute) }) // fake
		test(t)
	})
}
