package slotmesh_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/clustertest"
	"github.com/slotmesh/slotmesh/internal/realcluster"
)

// nodes is a cluster whose nodes can be disturbed, real or not.
type nodes interface {
	Addrs() []string
	Do(ctx context.Context, addr string, args ...any) (any, error)
	Restart(ctx context.Context, addr string) error
	WaitReady(ctx context.Context) error
}

// embedded is a cluster in this process: its nodes are ready at once.
type embedded struct{ *clustertest.Cluster }

func (embedded) WaitReady(context.Context) error { return nil }

// idlers is a client of a cluster that is idle while something happens to its connections.
type idlers struct {
	nodes
	t      *testing.T
	client *slotmesh.Client
	tls    *tlsProxies // nil if there are none
	sums   map[string]int
}

// What happens to the connections of an idle client costs no command anything: none fails,
// and none runs twice, whichever kind of connection it takes.
func TestLostWhileIdle(t *testing.T) {
	real := realcluster.Start(t, realcluster.Config{})
	for name, c := range map[string]nodes{
		"real": real, "embedded": embedded{clustertest.Start(t, clustertest.Config{})},
	} {
		for kind, with := range map[string]bool{"": false, " with TLS": true} {
			t.Run(name+kind, func(t *testing.T) {
				i := newIdlers(t, c, with)
				for range 3 {
					i.run("killed", i.kill)
				}
				i.run("restarted", i.restart)
				if name == "real" {
					i.run("timed out", i.timeout)
				}
			})
		}
	}
}

func newIdlers(t *testing.T, c nodes, withTLS bool) *idlers {
	i := &idlers{nodes: c, t: t, sums: make(map[string]int)}
	o := slotmesh.Options{Addrs: slices.Clone(c.Addrs())}
	once(&o)
	if withTLS {
		i.tls = startTLSProxies(t, c.Addrs())
		i.tls.use(&o)
	}
	client, err := slotmesh.New(testContext(t), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	i.client = client
	return i
}

// run lets something happen, and then sends commands of all kinds at once.
func (i *idlers) run(what string, happen func(ctx context.Context)) {
	i.t.Helper()
	warm(i.t, i.client)
	happen(testContext(i.t))
	var callers sync.WaitGroup
	for n, key := range keys(i.t, i.client, 17) {
		key += "n"
		callers.Go(func() {
			if err := i.burst(testContext(i.t), key, n); err != nil {
				i.t.Errorf("%s: %v", what, err)
			}
		})
		i.sums[key] += bursts
	}
	callers.Wait()
	for key, sum := range i.sums {
		got, err := i.client.Get(testContext(i.t), key).Int()
		require.NoError(i.t, err)
		require.Equal(i.t, sum, got, "%s: each INCR of %s ran once", what, key)
	}
	require.Zero(i.t, i.client.Stats().Retries)
}

// bursts is how often burst increments its key.
const bursts = 20

// burst increments key and takes what it has pushed itself from a list, in all ways; which
// is the first depends on n.
func (i *idlers) burst(ctx context.Context, key string, n int) (err error) {
	list := key + "list"
	pair := func(p redis.Pipeliner) error {
		p.Incr(ctx, key)
		p.Incr(ctx, key)
		return nil
	}
	ways := []func() error{
		func() error { return i.client.Incr(ctx, key).Err() },
		func() error { _, err := i.client.Pipelined(ctx, pair); return err },
		func() error { _, err := i.client.TxPipelined(ctx, pair); return err },
		func() error {
			// As slow as a client may be that has pushed and pops: the list has it.
			return errors.Join(i.client.RPush(ctx, list, key).Err(), i.client.BLPop(ctx, suiteTimeout, list).Err())
		},
	}
	for k := range bursts / 5 * len(ways) {
		err = errors.Join(err, ways[(n+k)%len(ways)]())
	}
	return err
}

// kill has the nodes end all connections of clients.
func (i *idlers) kill(ctx context.Context) {
	for _, addr := range i.Addrs() {
		killed, err := i.Do(ctx, addr, "client", "kill", "type", "normal")
		require.NoError(i.t, err)
		require.Positive(i.t, killed)
	}
	i.awaitProxies()
}

// restart starts all nodes again, without data.
func (i *idlers) restart(ctx context.Context) {
	for _, addr := range i.Addrs() {
		require.NoError(i.t, i.Restart(ctx, addr))
	}
	require.NoError(i.t, i.WaitReady(ctx))
	clear(i.sums)
	i.awaitProxies()
}

// timeout has the nodes end the connections that are idle for a second.
func (i *idlers) timeout(ctx context.Context) {
	for _, addr := range i.Addrs() {
		_, err := i.Do(ctx, addr, "config", "set", "timeout", 1)
		require.NoError(i.t, err)
	}
	for _, addr := range i.Addrs() {
		require.Eventually(i.t, func() bool {
			list, err := i.Do(ctx, addr, "client", "list", "type", "normal")
			return err == nil && strings.Count(fmt.Sprint(list), "\n") == 1 // the one that asks
		}, suiteTimeout, pollEvery)
		_, err := i.Do(ctx, addr, "config", "set", "timeout", 0)
		require.NoError(i.t, err)
	}
	i.awaitProxies()
}

// awaitProxies waits until the proxies have passed on the end of all connections.
func (i *idlers) awaitProxies() {
	if i.tls != nil {
		require.Eventually(i.t, i.tls.none, suiteTimeout, pollEvery)
	}
}

// Where there is no socket to look at, the end of a connection is noticed by reading.
func TestLostWhileIdleInMemory(t *testing.T) {
	inBubble(t, func(s *scene) {
		for round := range 3 {
			s.warm()
			for _, addr := range s.Masters() {
				time.Sleep(time.Second) // fake
				_, err := s.Do(s.t.Context(), addr, "client", "kill", "type", "normal")
				require.NoError(s.t, err)
			}
			synctest.Wait()
			start := time.Now()
			for i := range s.Masters() {
				require.EqualValues(s.t, round+1, s.client.Incr(s.t.Context(), keyOn(i, "n")).Val())
			}
			push(1)(s)
			require.NoError(s.t, errors.Join(pop(s.t.Context(), s)...))
			require.Zero(s.t, time.Since(start))
		}
		require.Zero(s.t, s.client.Stats().Retries)
	}, once)
}
