package slotmesh_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/batch"
	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/internal/realcluster"
	"github.com/slotmesh/slotmesh/routing"
)

// lazy is a text that is made when it is printed.
type lazy func() string

func (l lazy) String() string { return l() }

// cluster is a real cluster and a client's view of it.
type cluster struct{ *realcluster.Cluster }

func (c cluster) connect(t *testing.T, change ...func(*slotmesh.Options)) *slotmesh.Client {
	t.Helper()
	o := slotmesh.Options{Addrs: c.Addrs()}
	for _, f := range change {
		f(&o)
	}
	client, err := slotmesh.New(testContext(t), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

// keys returns n keys of the test's own for each master of the client's map.
func keys(t *testing.T, client *slotmesh.Client, n int) (all []string) {
	for _, shard := range client.SlotMap().Shards() {
		for i := range n {
			all = append(all, fmt.Sprintf("{%s}%s:%d", hashtag.ForSlot(shard.Ranges[0].First), t.Name(), i))
		}
	}
	return all
}

// everywhere writes and reads on all masters, in every way.
func everywhere(t *testing.T, client *slotmesh.Client) {
	t.Helper()
	ctx := testContext(t)
	all := keys(t, client, 2)
	pairs := make([]any, 0, 2*len(all))
	for _, key := range all {
		pairs = append(pairs, key, 1)
	}
	require.NoError(t, client.MSet(ctx, pairs...).Err())
	for _, key := range all {
		require.EqualValues(t, 2, client.Incr(ctx, key).Val(), key)
	}
	values, err := batch.MGet(ctx, client, all)
	require.NoError(t, err)
	require.Len(t, values.Map(), len(all))
}

// once skips retries: what a test says costs no error must not need them.
func once(o *slotmesh.Options) { o.Retry.MaxRetries = -1 }

func TestRealCluster(t *testing.T) {
	c := cluster{realcluster.Start(t, realcluster.Config{ConfigLines: []string{"cluster-require-full-coverage no"}})}
	t.Run("a dead seed among good ones does no harm", c.testDeadSeed)
	t.Run("Close leaves no goroutine", c.testCloseLeavesNothing)
	t.Run("Close ends what runs", c.testCloseWhileCommandsRun)
	t.Run("auto-pipelines reach all slots", c.testAutoPipeline)
	t.Run("nodes are reached as Translate and Dialer say", c.testTranslate)
	t.Run("connections that were lost while idle cost no error", c.testLostWhileIdle)
	t.Run("a restart while idle costs no error", c.testRestartWhileIdle)
	t.Run("what go-redis cannot tell costs no read, and is told of writes", c.testLostUnseen)
	t.Run("nodes known by name are reached through the Dialer", c.testHostnames)
	t.Run("partial coverage is no failure", c.testPartialCoverage) // the last: it breaks the cluster
}

func (c cluster) testDeadSeed(t *testing.T) {
	for _, addrs := range [][]string{
		{closedPort(t), c.Addrs()[1]}, {c.Addrs()[2], closedPort(t)}, {deafPort(t), c.Addrs()[0], closedPort(t)},
	} {
		start := time.Now()
		everywhere(t, c.connect(t, once, func(o *slotmesh.Options) { o.Addrs = addrs }))
		require.Less(t, time.Since(start), 2*time.Second, "the silent one is not waited for")
	}
}

func (c cluster) testCloseLeavesNothing(t *testing.T) {
	before := goroutines()
	client := c.connect(t)
	everywhere(t, client)
	ctx := testContext(t)
	var callers sync.WaitGroup
	for i := range 32 {
		callers.Go(func() {
			for _, key := range keys(t, client, 1) {
				client.Set(ctx, key, i, 0)
				client.BLPop(ctx, time.Millisecond, key+"list")
			}
		})
	}
	callers.Wait()
	require.NoError(t, client.Refresh(ctx))
	require.NotEmpty(t, started(before, "slotmesh/slotmap."), "the test can see goroutines")
	require.NoError(t, client.Close())
	requireGone(t, before)
}

func (c cluster) testCloseWhileCommandsRun(t *testing.T) {
	before := goroutines()
	client := c.connect(t)
	ctx := testContext(t)
	all := keys(t, client, 3)
	closed := make(chan error, 16)
	busy := make(chan struct{}, cap(closed))
	for i := range cap(closed) {
		go func() {
			for n := 0; ; n++ {
				var err error
				switch (i + n) % 3 {
				case 0:
					err = client.Incr(ctx, all[n%len(all)]).Err()
				case 1:
					_, err = batch.MGet(ctx, client, all)
				default:
					err = client.BLPop(ctx, 0, fmt.Sprintf("%s:%s:%d:%d", all[0], "none", i, n)).Err()
				}
				if err != nil {
					closed <- err
					return
				}
				select {
				case busy <- struct{}{}:
				default:
				}
			}
		}()
	}
	for range cap(busy) {
		<-busy
	}
	require.NoError(t, client.Close())
	for range cap(closed) {
		require.ErrorIs(t, <-closed, slotmesh.ErrClosed)
	}
	requireGone(t, before)
}

func (c cluster) testAutoPipeline(t *testing.T) {
	for name, start := range map[string]func(*slotmesh.Client) (*redis.AutoPipeliner, error){
		"AutoPipeline":      (*slotmesh.Client).AutoPipeline,
		"AsyncAutoPipeline": (*slotmesh.Client).AsyncAutoPipeline,
	} {
		t.Run(name, func(t *testing.T) {
			o := slotmesh.Options{Addrs: c.Addrs()}
			once(&o)
			client, err := slotmesh.New(testContext(t), o)
			require.NoError(t, err)
			all := keys(t, client, 30)
			ctx := testContext(t)
			require.NoError(t, client.Del(ctx, all...).Err())
			ap, err := start(client)
			require.NoError(t, err)
			// The pipeliner knows no context: what hangs there must not hang the suite.
			done := make(chan error, 1)
			go func() { done <- incrAll(ctx, ap, all) }()
			select {
			case err := <-done:
				require.NoError(t, err)
			case <-time.After(suiteTimeout / 6):
				t.Fatal("the auto-pipeliner hangs")
			}
			for _, key := range all {
				require.Equal(t, "5", client.Get(ctx, key).Val(), key)
			}
			require.NoError(t, ap.Close())
			require.NoError(t, client.Close())
		})
	}
}

// incrAll adds 5 to each key, and reads all at once.
func incrAll(ctx context.Context, ap *redis.AutoPipeliner, all []string) error {
	errs := make([]error, len(all))
	var callers sync.WaitGroup
	for i, key := range all {
		callers.Go(func() {
			for range 5 {
				errs[i] = errors.Join(errs[i], ap.Incr(ctx, key).Err())
			}
		})
	}
	callers.Wait()
	got, err := ap.MGet(ctx, all...).Result()
	if err == nil && len(got) != len(all) {
		err = fmt.Errorf("%d values for %d keys", len(got), len(all))
	}
	return errors.Join(append(errs, err)...)
}

// names is a Dialer that knows nodes by made-up names only.
type names struct {
	real map[string]string // name -> address
	mu   sync.Mutex
	seen map[string]int
}

func (n *names) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	real, ok := n.real[addr]
	if !ok {
		return nil, fmt.Errorf("%s: no such host", addr)
	}
	n.mu.Lock()
	n.seen[addr]++
	n.mu.Unlock()
	return new(net.Dialer).DialContext(ctx, network, real)
}

func (c cluster) testTranslate(t *testing.T) {
	n := &names{real: make(map[string]string), seen: make(map[string]int)}
	outside := make(map[string]string)
	for i, addr := range c.Addrs() {
		outside[addr] = fmt.Sprintf("node%d.outside.test:1", i)
		n.real[outside[addr]] = addr
	}
	n.real["seed.outside.test:1"] = c.Addrs()[0]
	client := c.connect(t, once, func(o *slotmesh.Options) {
		o.Addrs = []string{"seed.outside.test:1"} // seeds are as they are reached
		o.Dialer = n.dial
		o.Translate = func(addr string) string {
			if to, ok := outside[addr]; ok {
				return to
			}
			return "not-a-node-" + addr
		}
	})
	everywhere(t, client)
	require.Len(t, n.seen, 4, "the seed, and each node under its name")

	// A redirection names an address of the inside too.
	ctx := testContext(t)
	key := keys(t, client, 1)[0]
	slot := hashtag.Slot(key)
	from, to := c.Masters()[0], c.Masters()[1]
	require.NoError(t, c.Migrate(ctx, slot, to))
	defer func() { require.NoError(t, c.Migrate(ctx, slot, from)) }()
	require.NoError(t, client.Set(ctx, key, "x", 0).Err())
	require.Equal(t, to, client.SlotMap().Master(slot), "the map has the cluster's own addresses")
	require.Positive(t, client.Stats().Moved)
}

// warm opens several connections to each node: the one that is shared, and some for
// commands that block.
func warm(t *testing.T, client *slotmesh.Client) {
	t.Helper()
	const each = 4
	ctx := testContext(t)
	all := keys(t, client, 1)
	var blocked sync.WaitGroup
	for _, key := range all {
		require.NoError(t, client.Set(ctx, key, "x", 0).Err())
		for range each {
			blocked.Go(func() { client.BLPop(ctx, suiteTimeout, key+"list") })
		}
	}
	require.Eventually(t, func() bool {
		return int(client.PoolStats().TotalConns) >= len(all)*(each+1)
	}, suiteTimeout, pollEvery)
	for _, key := range all {
		require.NoError(t, client.RPush(ctx, key+"list", "1", "2", "3", "4").Err())
	}
	blocked.Wait()
	require.GreaterOrEqual(t, int(client.PoolStats().IdleConns), len(all)*each)
}

// unharmed runs commands that must not be sent twice on all nodes, many at once.
func unharmed(t *testing.T, client *slotmesh.Client) {
	t.Helper()
	ctx := testContext(t)
	all := keys(t, client, 10)
	errs := make(chan error, 6*len(all))
	var callers sync.WaitGroup
	for _, key := range all {
		callers.Go(func() {
			errs <- client.Incr(ctx, key+"n").Err()
			errs <- client.RPush(ctx, key+"queue", "x").Err()
			errs <- client.BLPop(ctx, suiteTimeout, key+"queue").Err()
			_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
				p.Incr(ctx, key+"n")
				p.Incr(ctx, key+"n")
				return nil
			})
			errs <- err
			_, err = client.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Incr(ctx, key+"n").Err() })
			errs <- err
			errs <- client.MSet(ctx, key, "x", all[0], "y", all[len(all)-1], "z").Err()
		})
	}
	callers.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	for _, key := range all {
		require.Equal(t, "4", client.Get(ctx, key+"n").Val(), "each ran once")
	}
	require.Zero(t, client.Stats().Retries)
}

func (c cluster) testLostWhileIdle(t *testing.T) {
	client := c.connect(t, once)
	warm(t, client)
	for _, addr := range c.Addrs() {
		killed, err := c.Do(testContext(t), addr, "client", "kill", "type", "normal")
		require.NoError(t, err)
		require.Positive(t, killed)
	}
	unharmed(t, client)
}

func (c cluster) testRestartWhileIdle(t *testing.T) {
	client := c.connect(t, once)
	warm(t, client)
	ctx := testContext(t)
	for _, addr := range c.Addrs() {
		require.NoError(t, c.Restart(ctx, addr))
	}
	require.NoError(t, c.WaitReady(ctx))
	unharmed(t, client)
}

// A connection that is no syscall.Conn cannot be looked at before it is used: what is sent
// right after it was lost may be unknown, and is told to be.
func (c cluster) testLostUnseen(t *testing.T) {
	client := c.connect(t, func(o *slotmesh.Options) {
		o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			return struct{ net.Conn }{conn}, err
		}
	})
	ctx := testContext(t)
	for _, key := range keys(t, client, 1) {
		require.NoError(t, client.Set(ctx, key, "x", 0).Err())
	}
	kill := func() {
		for _, addr := range c.Addrs() {
			_, err := c.Do(ctx, addr, "client", "kill", "type", "normal")
			require.NoError(t, err)
		}
	}
	kill()
	for _, key := range keys(t, client, 1) {
		require.Equal(t, "x", client.Get(ctx, key).Val())
	}
	kill()
	for _, key := range keys(t, client, 1) {
		if err := client.Incr(ctx, key+"n").Err(); err != nil {
			var failed *slotmesh.Error
			require.ErrorAs(t, err, &failed)
			require.Equal(t, routing.Unknown, failed.Outcome)
			require.False(t, slotmesh.SafeToRetry(failed))
		}
		require.NoError(t, client.Incr(slotmesh.Idempotent(ctx), key+"n").Err())
	}
}

func (c cluster) testHostnames(t *testing.T) {
	ctx := testContext(t)
	n := &names{real: map[string]string{"seed.test:1": c.Addrs()[0]}, seen: make(map[string]int)}
	set := func(i int, addr, kind, name string) {
		_, err := c.Do(ctx, addr, "config", "set", "cluster-announce-hostname", name)
		if err != nil && strings.Contains(err.Error(), "Unknown option") {
			t.Skip("hostnames came with Redis 7: put a redis-server of version 7 or later on the PATH")
		}
		require.NoError(t, err)
		_, err = c.Do(ctx, addr, "config", "set", "cluster-preferred-endpoint-type", kind)
		require.NoError(t, err)
	}
	for i, addr := range c.Addrs() {
		set(i, addr, "hostname", fmt.Sprintf("node%d.cluster.test", i))
		defer set(i, addr, "ip", "")
		_, port, err := net.SplitHostPort(addr)
		require.NoError(t, err)
		n.real[fmt.Sprintf("node%d.cluster.test:%s", i, port)] = addr
	}
	require.Eventually(t, func() bool { return c.allNamed(ctx) }, suiteTimeout, 10*pollEvery, "nodes tell each other their names")
	client := c.connect(t, once, func(o *slotmesh.Options) {
		o.Addrs = []string{"seed.test:1"}
		o.Dialer = n.dial
	})
	for _, shard := range client.SlotMap().Shards() {
		require.Contains(t, shard.Master.Addr, ".cluster.test:")
	}
	everywhere(t, client)

	// A redirection names the node by its name too. The slot holds no key.
	const slot = 77
	from, to := c.Masters()[0], c.Masters()[1]
	c.assign(t, slot, to)
	defer c.assign(t, slot, from)
	moved := client.Stats().Moved
	require.Equal(t, redis.Nil, client.Get(ctx, hashtag.ForSlot(slot)).Err())
	require.Equal(t, moved+1, client.Stats().Moved)
	require.Equal(t, "node1.cluster.test", client.SlotMap().Master(slot)[:len("node1.cluster.test")])
}

// allNamed reports whether each node knows the names of all.
func (c cluster) allNamed(ctx context.Context) bool {
	for _, addr := range c.Addrs() {
		reply, err := c.Do(ctx, addr, "cluster", "slots")
		if err != nil || strings.Count(fmt.Sprint(reply), ".cluster.test") < len(c.Addrs()) {
			return false
		}
	}
	return true
}

// assign gives an empty slot to the master at to, on all nodes.
func (c cluster) assign(t *testing.T, slot int, to string) {
	ctx := context.Background()
	id, err := c.Do(ctx, to, "cluster", "myid")
	require.NoError(t, err)
	for _, addr := range append([]string{to}, c.Masters()...) {
		_, err := c.Do(ctx, addr, "cluster", "setslot", slot, "node", id)
		require.NoError(t, err)
	}
}

func (c cluster) testPartialCoverage(t *testing.T) {
	ctx := testContext(t)
	const slot = 16000
	old := c.connect(t, once)
	for range 3 { // again, in case that a late message brought it back
		for i := len(c.Addrs()) - 1; i >= 0; i-- {
			_, _ = c.Do(ctx, c.Addrs()[i], "cluster", "delslots", slot)
		}
	}
	require.Eventually(t, func() bool {
		return old.Refresh(ctx) == nil && len(old.SlotMap().Uncovered()) == 1
	}, suiteTimeout, pollEvery)
	client := c.connect(t, once)
	require.Len(t, client.SlotMap().Uncovered(), 1)
	require.EqualValues(t, slot, client.SlotMap().Uncovered()[0].First)
	everywhere(t, client)

	lost := hashtag.ForSlot(slot)
	err := client.Set(ctx, lost, "x", 0).Err()
	require.ErrorIs(t, err, slotmesh.ErrUncovered)
	require.ErrorContains(t, err, "16000")
	require.True(t, slotmesh.SafeToRetry(err))
	good := keys(t, client, 1)
	values, err := batch.MGet(ctx, client, append(good, lost))
	require.ErrorIs(t, err, slotmesh.ErrUncovered)
	require.Len(t, values.Map(), len(good)-missing(values))
	require.ErrorIs(t, values.Err(len(good)), slotmesh.ErrUncovered)
}

// missing counts the keys that are missing, not failed.
func missing(v *batch.Values) (n int) {
	for _, val := range v.All() {
		if !val.OK && val.Err == nil {
			n++
		}
	}
	return n
}

// A plain server is no cluster node, and an empty one serves no slot.
func TestRealServerThatIsNoSeed(t *testing.T) {
	plain := realcluster.Start(t, realcluster.Config{Standalone: true})
	addr := plain.Addrs()[0]
	err := refused(t, slotmesh.Options{Addrs: []string{addr}})
	require.ErrorContains(t, err, addr+": not a cluster node")

	empty := realcluster.Start(t, realcluster.Config{Standalone: true, ConfigLines: []string{"cluster-enabled yes"}})
	addr = empty.Addrs()[0]
	err = refused(t, slotmesh.Options{Addrs: []string{addr}})
	require.ErrorContains(t, err, addr+": knows no node that serves a slot")
}

// With the right password, however it is given, a protected cluster serves; without,
// New fails, and no password is told.
func TestRealClusterWithPassword(t *testing.T) {
	const right, wrong = "right-s3cr3t", "wrong-s3cr3t"
	c := cluster{realcluster.Start(t, realcluster.Config{Password: right})}
	host, port, err := net.SplitHostPort(c.Addrs()[0])
	require.NoError(t, err)
	url, err := slotmesh.ParseURL(fmt.Sprintf("redis://default:%s@%s:%s?addr=%s", right, host, port, c.Addrs()[1]))
	require.NoError(t, err)
	for name, change := range map[string]func(*slotmesh.Options){
		"Password":              func(o *slotmesh.Options) { o.Password = right },
		"Username and Password": func(o *slotmesh.Options) { o.Username, o.Password = "default", right },
		"CredentialsProvider": func(o *slotmesh.Options) {
			o.CredentialsProvider = func() (string, string) { return "default", right }
		},
		"Protocol 2": func(o *slotmesh.Options) { o.Password, o.Protocol = right, 2 },
		"ParseURL":   func(o *slotmesh.Options) { *o = url },
	} {
		t.Run(name, func(t *testing.T) { everywhere(t, c.connect(t, once, change)) })
	}
	for name, tc := range map[string]struct {
		o    slotmesh.Options
		want string
	}{
		"wrong password":             {slotmesh.Options{Password: wrong}, "WRONGPASS"},
		"wrong password, Protocol 2": {slotmesh.Options{Password: wrong, Protocol: 2}, "WRONGPASS"},
		"wrong user":                 {slotmesh.Options{Username: "nobody", Password: right}, "WRONGPASS"},
		"wrong CredentialsProvider":  {slotmesh.Options{CredentialsProvider: func() (string, string) { return "default", wrong }}, "WRONGPASS"},
		"no password":                {slotmesh.Options{}, "NOAUTH"},
		"no password, Protocol 2":    {slotmesh.Options{Protocol: 2}, "NOAUTH"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.o.Addrs = c.Addrs()
			err := refused(t, tc.o)
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "s3cr3t")
			for _, addr := range c.Addrs() {
				require.ErrorContains(t, err, addr)
			}
		})
	}
}
