package clustertest_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/clustertest"
)

func TestCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.Start(t, clustertest.Config{InMemory: true})
		addr := c.Masters()[0]
		w, anonymous := dial(t, c, addr), dial(t, c, addr)
		start := time.Now()
		w.ok("CLIENT SETNAME me")
		time.Sleep(time.Second) // fake
		w.ok("SET " + keyOf(0, "k") + " " + strings.Repeat("v", 300))
		anonymous.is(moved(1, c.Masters()[1]), "GET "+keyOf(1, "k"))
		anonymous.do("NONSENSE")
		w.ok("MULTI")
		w.is("+QUEUED", "PING")
		w.do("EVAL return(redis.call('get',KEYS[1])) 1 " + keyOf(0, "k"))
		w.do("EXEC")
		require.NoError(t, c.Migrate(t.Context(), slotOf(0), c.Masters()[1]))

		all, err := c.Commands(addr)
		require.NoError(t, err)
		require.Equal(t, []clustertest.Command{
			{At: start, Args: []string{"CLIENT", "SETNAME", "me"}},
			{At: start.Add(time.Second), Client: "me", Args: []string{"SET", keyOf(0, "k"), strings.Repeat("v", 256)}},
			{At: start.Add(time.Second), Args: []string{"GET", keyOf(1, "k")}},
			{At: start.Add(time.Second), Args: []string{"NONSENSE"}},
			{At: start.Add(time.Second), Client: "me", Args: []string{"MULTI"}},
			{At: start.Add(time.Second), Client: "me", Args: []string{"PING"}},
			{At: start.Add(time.Second), Client: "me", Args: []string{"EVAL", "return(redis.call('get',KEYS[1]))", "1", keyOf(0, "k")}},
			{At: start.Add(time.Second), Client: "me", Args: []string{"EXEC"}},
		}, all)
		require.Equal(t, "GET "+keyOf(1, "k"), all[2].String())
		moved, err := c.Commands(c.Masters()[1])
		require.NoError(t, err)
		require.Len(t, moved, 1)
		require.Equal(t, []string{"RESTORE-ASKING", keyOf(0, "k"), "0"}, moved[0].Args[:3])
	})
}

// The log keeps the last 1000 commands, also of a node that is down.
func TestCommandsKept(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{InMemory: true})
	addr := c.Masters()[0]
	w := dial(t, c, addr)
	for i := range 1500 {
		w.do(fmt.Sprint("ECHO ", i))
	}
	require.NoError(t, c.Kill(addr))
	all, err := c.Commands(addr)
	require.NoError(t, err)
	require.Len(t, all, 1000)
	require.Equal(t, []string{"ECHO", "500"}, all[0].Args)
	require.Equal(t, []string{"ECHO", "1499"}, all[999].Args)
}

// What a fault does away with was received all the same.
func TestCommandsFaulted(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{InMemory: true})
	c.Fault(clustertest.Fault{Kind: clustertest.Reset})
	w := dial(t, c, c.Masters()[0])
	w.send("INCR", keyOf(0, "n"))
	w.broken()
	all, err := c.Commands(c.Masters()[0])
	require.NoError(t, err)
	require.Len(t, all, 1)
}

func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []clustertest.Event
		c := clustertest.Start(t, clustertest.Config{
			InMemory: true, Replicas: 1, OnEvent: func(e clustertest.Event) { told = append(told, e) },
		})
		ctx, a, b, replica := t.Context(), c.Masters()[0], c.Masters()[1], c.Addrs()[3]
		begin := len(c.Events())
		at := time.Now()
		for _, verb := range []func() error{
			func() error { return c.Pause(replica) },
			func() error { return c.Resume(replica) },
			func() error { return c.Cut(a, b) },
			func() error { return c.Heal(a, b) },
			func() error { return c.Cut(a, clustertest.Clients) },
			func() error { return c.Heal(a, clustertest.Clients) },
			func() error { return c.Latency(a, time.Second) },
			func() error { return c.Lag(a) },
			func() error { return c.CatchUp(a) },
			func() error { return c.Migrate(ctx, 0, b) },
			func() error { return c.Promote(ctx, replica) },
			func() error { return c.Kill(replica) },
			func() error { return c.Kill(replica) },
			func() error { return c.Restart(ctx, replica) },
		} {
			require.NoError(t, verb())
		}
		synctest.Wait()
		var texts []string
		for _, e := range c.Events()[begin:] {
			require.Equal(t, at, e.At)
			if !strings.Contains(e.Text, " follows ") { // comes when it comes
				texts = append(texts, e.Text)
			}
		}
		name := strings.NewReplacer("A", a, "B", b, "R", replica)
		require.Equal(t, strings.Split(name.Replace(strings.TrimSpace(`
R was paused
R goes on
the link between A and B was cut
the link between A and B was mended
the link between A and clients was cut
the link between A and clients was mended
A has a latency of 1s
A lags
A catches up
slot 0 is open from A to B
slot 0 is now served by B
R was promoted
R was killed
R was started again`)), "\n"), texts)
		require.Contains(t, fmt.Sprint(told), name.Replace("A follows R"))
		require.Equal(t, c.Events(), told)
		require.Equal(t, at.Format("15:04:05.000")+" "+texts[0], c.Events()[begin].String())
	})
}

// failedTest is a test that has failed.
type failedTest struct {
	testing.TB
	logged   string
	cleanups []func()
}

func (t *failedTest) Failed() bool                    { return true }
func (t *failedTest) Cleanup(f func())                { t.cleanups = append(t.cleanups, f) }
func (t *failedTest) Logf(format string, args ...any) { t.logged += fmt.Sprintf(format, args...) }

func TestAFailedTestLogsTheEvents(t *testing.T) {
	failed := &failedTest{TB: t}
	c := clustertest.Start(failed, clustertest.Config{Masters: 1, InMemory: true})
	require.NoError(t, c.Kill(c.Addrs()[0]))
	require.Empty(t, failed.logged)
	for _, f := range failed.cleanups {
		f()
	}
	require.Contains(t, failed.logged, c.Addrs()[0]+" was killed")
}
