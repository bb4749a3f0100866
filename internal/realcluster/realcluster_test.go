package realcluster

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func requireOwner(t *testing.T, c *Cluster, slot uint16, want string) {
	t.Helper()
	owner, err := c.Owner(testContext(t), slot)
	require.NoError(t, err)
	require.Equal(t, want, owner, "owner of slot %d", slot)
}

func TestClusterServesAndFailsOver(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	c := Start(t, Config{Replicas: 1, NodeTimeout: time.Second})
	masters := c.Masters()
	require.Len(t, masters, 3)
	require.Len(t, c.Addrs(), 6)
	require.Equal(t, masters, c.Addrs()[:3])

	for i, bounds := range [][2]uint16{{0, 5460}, {5461, 10922}, {10923, 16383}} {
		requireOwner(t, c, bounds[0], masters[i])
		requireOwner(t, c, bounds[1], masters[i])
	}

	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: masters[:1]})
	defer client.Close()
	for i := range 100 {
		require.NoError(t, client.Set(ctx, strconv.Itoa(i), i, 0).Err())
	}
	for i := range 100 {
		require.Equal(t, strconv.Itoa(i), client.Get(ctx, strconv.Itoa(i)).Val())
	}

	require.NoError(t, c.Kill(masters[0]))
	require.NoError(t, c.WaitReady(ctx))
	requireOwner(t, c, 0, c.Addrs()[3])

	require.NoError(t, c.Restart(ctx, masters[0]))
	require.NoError(t, c.WaitReady(ctx))
	role, err := c.Do(ctx, masters[0], "ROLE")
	require.NoError(t, err)
	require.Equal(t, "slave", role.([]any)[0], "the old master follows the new one")
	requireOwner(t, c, 0, c.Addrs()[3])
}

func TestPassword(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	const password = `a "secret" #1`
	c := Start(t, Config{Masters: 2, Replicas: 1, Password: password})

	anonymous := redis.NewClient(&redis.Options{Addr: c.Addrs()[0]})
	defer anonymous.Close()
	require.ErrorContains(t, anonymous.Ping(ctx).Err(), "NOAUTH")

	_, err := c.Do(ctx, c.Masters()[0], "SET", "bar", "1")
	require.NoError(t, err)
	require.NoError(t, c.Migrate(ctx, slotOfBar, c.Masters()[1]))
	value, err := c.Do(ctx, c.Masters()[1], "GET", "bar")
	require.NoError(t, err)
	require.Equal(t, "1", value)

	_, err = c.Do(ctx, "127.0.0.1:1", "AUTH", password)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret")
}

func TestStandalone(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	c := Start(t, Config{Standalone: true, Masters: 5, Replicas: 5})
	require.Len(t, c.Addrs(), 1)
	require.Equal(t, c.Addrs(), c.Masters())
	require.NoError(t, c.WaitReady(ctx))

	_, err := c.Do(ctx, c.Addrs()[0], "CLUSTER", "SLOTS")
	require.ErrorContains(t, err, "cluster support disabled")
	require.ErrorContains(t, c.Migrate(ctx, 0, c.Addrs()[0]), "cluster support disabled")
	_, err = c.Do(ctx, c.Addrs()[0], "DEBUG", "SLEEP", "0")
	require.NoError(t, err)
}

func TestKillAndRestart(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	c := Start(t, Config{Standalone: true, ConfigLines: []string{"appendonly yes", "appendfsync always"}})
	addr := c.Addrs()[0]
	_, err := c.Do(ctx, addr, "SET", "k", "v")
	require.NoError(t, err)

	require.NoError(t, c.Kill(addr))
	require.NoError(t, c.Kill(addr), "killing what is down is no error")
	_, err = net.Dial("tcp", addr)
	require.Error(t, err, "Kill returned before the process had ended")
	_, err = c.Do(ctx, addr, "PING")
	require.ErrorContains(t, err, addr)
	require.ErrorIs(t, c.Pause(addr), errNotRunning)
	require.ErrorIs(t, c.Resume(addr), errNotRunning)

	for range 2 { // from down, then while it runs
		require.NoError(t, c.Restart(ctx, addr))
		value, err := c.Do(ctx, addr, "GET", "k")
		require.NoError(t, err)
		require.Equal(t, "v", value, "same port, same directory")
	}
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	c := Start(t, Config{Standalone: true})
	addr := c.Addrs()[0]

	require.NoError(t, c.Pause(addr))
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	_, err := c.Do(short, addr, "PING")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, c.WaitReady(short), "no node is live")

	require.NoError(t, c.Resume(addr))
	reply, err := c.Do(ctx, addr, "PING")
	require.NoError(t, err)
	require.Equal(t, "PONG", reply)

	require.NoError(t, c.Pause(addr))
	require.NoError(t, c.Restart(ctx, addr), "a paused node can be killed")
	require.NoError(t, c.WaitReady(ctx))
}

func TestDoObeysItsContext(t *testing.T) {
	t.Parallel()
	c := Start(t, Config{Standalone: true})
	addr := c.Addrs()[0]

	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := c.Do(ctx, addr, "BLPOP", "empty", 0)
		failed <- err
	}()
	require.NoError(t, poll(testContext(t), func(ctx context.Context) (bool, error) {
		info, err := c.info(ctx, c.nodes[0], "clients")
		return err == nil && info["blocked_clients"] == "1", err
	}))
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled)

	_, err := c.Do(t.Context(), addr, "GET", "missing")
	require.Equal(t, redis.Nil, err, "what the server answers is not wrapped")
	_, err = c.Do(t.Context(), addr)
	require.ErrorContains(t, err, addr)
	_, err = c.Do(t.Context(), "127.0.0.1:1", "PING")
	require.ErrorContains(t, err, "no such node")
}

func TestCloseLeavesNothing(t *testing.T) {
	t.Parallel()
	Require(t)
	ctx := testContext(t)
	c, err := New(ctx, Config{Masters: 2})
	require.NoError(t, err)
	require.DirExists(t, c.dir)
	require.NoError(t, c.Pause(c.Addrs()[1]), "a paused node has to go too")

	require.NoError(t, c.Close())
	require.NoError(t, c.Close())
	require.NoDirExists(t, c.dir)
	for _, n := range c.nodes {
		require.NotNil(t, n.proc.cmd.ProcessState, "%s was not reaped", n.addr)
		_, err := net.Dial("tcp", n.addr)
		require.Error(t, err)
	}
	require.ErrorIs(t, c.Restart(ctx, c.Addrs()[0]), errClosed)
	require.ErrorIs(t, c.WaitReady(ctx), errClosed)
	_, err = c.Do(ctx, c.Addrs()[0], "PING")
	require.ErrorIs(t, err, errClosed)
}

// Not parallel: it looks at what New leaves in the directory for temporary files.
func TestNewFailsCleanly(t *testing.T) {
	Require(t)
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	requireEmpty := func() {
		left, err := os.ReadDir(temp)
		require.NoError(t, err)
		require.Empty(t, left)
	}

	_, err := New(t.Context(), Config{Masters: -1})
	require.ErrorContains(t, err, "negative Masters (-1)")
	requireEmpty()

	_, err = New(t.Context(), Config{Masters: 2, ConfigLines: []string{"no-such-directive yes"}})
	require.ErrorContains(t, err, "no-such-directive", "the error shows the log")
	requireEmpty()

	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err = New(ctx, Config{Masters: 1}) // a master serves after two seconds
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "cluster_state:fail")
	requireEmpty()
}

func TestPortTaken(t *testing.T) {
	for name, offset := range map[string]int{"client": 0, "bus": busOffset} {
		t.Run(name+" port", func(t *testing.T) {
			t.Parallel()
			Require(t)
			c, err := prepare(t.Context(), Config{Masters: 1})
			require.NoError(t, err)
			defer c.Close()
			n := c.nodes[0]
			require.NoError(t, c.settle(n))
			stranger, err := net.Listen("tcp", loopback(n.port+offset)) // accepts, never answers
			require.NoError(t, err)
			defer stranger.Close()

			require.ErrorIs(t, c.run(testContext(t), n), errPortTaken)
			require.NoError(t, c.launch(testContext(t), n), "another port is tried")
		})
	}
}

func TestRequire(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Find()
	require.ErrorContains(t, err, "apt-get install redis-server")
	require.ErrorContains(t, err, "brew install redis")
	_, err = New(t.Context(), Config{})
	require.ErrorContains(t, err, "apt-get install redis-server")

	t.Setenv("SLOTMESH_REDIS", "")
	tb := &verdict{TB: t}
	Require(tb)
	require.ErrorContains(t, tb.skipped, "redis-server")
	require.NoError(t, tb.failed)

	t.Setenv("SLOTMESH_REDIS", "require")
	tb = &verdict{TB: t}
	Require(tb)
	require.ErrorContains(t, tb.failed, "redis-server")
	require.NoError(t, tb.skipped)
}

// verdict records how a test would have ended.
type verdict struct {
	testing.TB
	skipped, failed error
}

func (v *verdict) Skip(args ...any)  { v.skipped = args[0].(error) }
func (v *verdict) Fatal(args ...any) { v.failed = args[0].(error) }

func TestPollTellsWhyItWaited(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	reason := errors.New("not yet")
	attempts := 0
	err := poll(ctx, func(context.Context) (bool, error) {
		if attempts++; attempts == 1 {
			return false, reason
		}
		cancel()
		return false, context.DeadlineExceeded
	})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, reason, "not the attempt that was cut off")
}

func TestShares(t *testing.T) {
	for n := 1; n <= 20; n++ {
		next := 0
		for i := range n {
			first, last := share(i, n)
			require.Equal(t, next, first)
			require.InDelta(t, slots/n, last-first+1, 1)
			next = last + 1
		}
		require.Equal(t, slots, next)
	}
}
