package clustertest_test

import (
	"context"
	"io"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/clustertest"
)

// incr is a Selector for what the tests below disturb.
var incr = clustertest.Selector{Command: "incr"}

func TestFaultKinds(t *testing.T) {
	const executed, not = "$1 1", "$-1"
	for name, test := range map[string]struct {
		fault clustertest.Fault
		sees  func(t *testing.T, w *wire)
		value string // of the key, afterwards
	}{
		"Pass":   {clustertest.Fault{Kind: clustertest.Pass}, receives(":1"), executed},
		"Answer": {clustertest.Fault{Kind: clustertest.Answer}, receives("+OK"), not},
		"Answer with a Reply": {clustertest.Fault{Kind: clustertest.Answer, Reply: "-LOADING Redis is loading\r\n"},
			receives("-LOADING Redis is loading"), not},
		"Drop":       {clustertest.Fault{Kind: clustertest.Drop}, hearsNothing, not},
		"DropReply":  {clustertest.Fault{Kind: clustertest.DropReply}, hearsNothing, executed},
		"Reset":      {clustertest.Fault{Kind: clustertest.Reset}, ends(syscall.ECONNRESET), not},
		"ResetReply": {clustertest.Fault{Kind: clustertest.ResetReply}, ends(syscall.ECONNRESET), executed},
		"Garbage":    {clustertest.Fault{Kind: clustertest.Garbage}, receives("\x00\xffgarbage"), executed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := clustertest.Start(t, clustertest.Config{InMemory: true})
				test.fault.Match, test.fault.Delay = incr, time.Minute
				fault := c.Fault(test.fault)
				disturbed, other := dial(t, c, c.Masters()[0]), dial(t, c, c.Masters()[0])
				start := time.Now()
				disturbed.send("INCR", keyOf(0, "n"))
				require.NoError(t, fault.Wait(t.Context(), 1))
				other.is("$-1", "GET "+keyOf(0, "n")) // the Delay comes before anything else
				test.sees(t, disturbed)
				require.GreaterOrEqual(t, time.Since(start), time.Minute)
				other.is(test.value, "GET "+keyOf(0, "n"))
				require.Equal(t, 1, fault.Hits())
			})
		})
	}
}

func receives(want string) func(*testing.T, *wire) {
	return func(t *testing.T, w *wire) {
		t.Helper()
		require.Equal(t, want, w.receive())
		w.is("+PONG", "PING")
	}
}

func ends(want error) func(*testing.T, *wire) {
	return func(t *testing.T, w *wire) {
		t.Helper()
		_, err := w.in.ReadByte()
		require.ErrorIs(t, err, want)
	}
}

// hearsNothing checks that neither the request nor any that follows is answered.
func hearsNothing(t *testing.T, w *wire) {
	t.Helper()
	w.send("PING")
	require.False(t, w.hears(time.Hour))
}

// A reset is one over TCP too.
func TestFaultResetOverTCP(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{})
	c.Fault(clustertest.Fault{Match: incr, Kind: clustertest.Reset})
	w := dial(t, c, c.Masters()[0])
	w.send("INCR", keyOf(0, "n"))
	ends(syscall.ECONNRESET)(t, w)
}

// What comes before the request in a pipeline is answered, and what comes behind it not,
// where the connection does not go on.
func TestFaultInPipeline(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{InMemory: true})
	for _, kind := range []clustertest.FaultKind{clustertest.Reset, clustertest.ResetReply} {
		c.Fault(clustertest.Fault{Match: incr, Kind: kind})
		w := dial(t, c, c.Masters()[0])
		_, err := io.WriteString(w.conn, request("PING")+request("INCR", keyOf(0, "n"))+request("SET", keyOf(0, "k"), "v"))
		require.NoError(t, err)
		for range 2 {
			if _, err = w.read(); err != nil {
				break
			}
		}
		require.ErrorIs(t, err, syscall.ECONNRESET)
		dial(t, c, c.Masters()[0]).is("$-1", "GET "+keyOf(0, "k"))
	}
}

// What a fault does to the reply of a request that has waited it does to that reply alone.
func TestFaultAfterWait(t *testing.T) {
	for name, test := range map[string]struct {
		kind clustertest.FaultKind
		sees func(t *testing.T, w *wire)
	}{
		"DropReply":  {clustertest.DropReply, hearsNothing},
		"ResetReply": {clustertest.ResetReply, ends(syscall.ECONNRESET)},
		"Garbage":    {clustertest.Garbage, receives("\x00\xffgarbage")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := clustertest.Start(t, clustertest.Config{InMemory: true})
				c.Fault(clustertest.Fault{Match: clustertest.Selector{Command: "blpop"}, Kind: test.kind})
				w := dial(t, c, c.Masters()[0])
				_, err := io.WriteString(w.conn, request("PING")+request("BLPOP", keyOf(0, "list"), "0"))
				require.NoError(t, err)
				require.Equal(t, "+PONG", w.receive())
				synctest.Wait()
				other := dial(t, c, c.Masters()[0])
				other.is(":1", "RPUSH "+keyOf(0, "list")+" v")
				test.sees(t, w)
				other.is(":0", "EXISTS "+keyOf(0, "list"))
			})
		})
	}
}

func TestFaultSelector(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{InMemory: true})
	w, other := dial(t, c, c.Masters()[0]), dial(t, c, c.Masters()[1])
	w.ok("CLIENT SETNAME me")
	for name, test := range map[string]struct {
		match    clustertest.Selector
		hit, not string
	}{
		"a command":      {clustertest.Selector{Command: "GeT"}, "get {bAl}k", "TYPE {bAl}k"},
		"a subcommand":   {clustertest.Selector{Command: "cluster slots"}, "CLUSTER SLOTS", "CLUSTER INFO"},
		"a container":    {clustertest.Selector{Command: "cluster"}, "CLUSTER SLOTS", "PING"},
		"a key":          {clustertest.Selector{Key: "{bAl}k"}, "TYPE {bAl}k", "TYPE {bAl}K"},
		"both":           {clustertest.Selector{Command: "get", Key: "{bAl}k"}, "GET {bAl}k", "TYPE {bAl}k"},
		"a subargument":  {clustertest.Selector{Command: "client setname", Key: "me"}, "CLIENT SETNAME me", "CLIENT GETNAME"},
		"a longer name":  {clustertest.Selector{Command: "cluster slots"}, "CLUSTER SLOTS", "CLUSTER"},
		"a client":       {clustertest.Selector{Client: "me"}, "PING", ""},
		"another client": {clustertest.Selector{Client: "you"}, "", "PING"},
		"a node":         {clustertest.Selector{Addr: c.Masters()[0]}, "PING", ""},
		"another node":   {clustertest.Selector{Addr: c.Masters()[1]}, "", "PING"},
		"everything":     {clustertest.Selector{}, "PING", ""},
	} {
		t.Run(name, func(t *testing.T) {
			fault := c.Fault(clustertest.Fault{Match: test.match, Count: -1, Kind: clustertest.Answer, Reply: "+hit\r\n"})
			defer fault.Remove()
			if test.hit != "" {
				w.is("+hit", test.hit)
			}
			if test.not != "" {
				require.NotEqual(t, "+hit", w.do(test.not))
			}
			if test.match.Client != "" {
				require.NotEqual(t, "+hit", other.do("PING"), "it has no name")
			}
		})
	}
}

func TestFaultCount(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{InMemory: true})
	w, other := dial(t, c, c.Masters()[0]), dial(t, c, c.Masters()[1])
	answer := func(count int, reply string) *clustertest.Faulting {
		return c.Fault(clustertest.Fault{Count: count, Kind: clustertest.Answer, Reply: reply + "\r\n"})
	}
	once, twice, always := answer(0, "+once"), answer(2, "+twice"), answer(-1, "+always")
	w.is("+once", "PING")
	other.is("+twice", "PING")
	w.is("+twice", "PING")
	for range 3 {
		w.is("+always", "PING")
	}
	require.Equal(t, []int{1, 2, 3}, []int{once.Hits(), twice.Hits(), always.Hits()})
	always.Remove()
	always.Remove()
	w.is("+PONG", "PING")
	require.Equal(t, 3, always.Hits())
}

func TestFaultWait(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{InMemory: true})
	fault := c.Fault(clustertest.Fault{Count: 3})
	require.NoError(t, fault.Wait(t.Context(), 0))
	done, cancel := context.WithCancel(t.Context())
	cancel()
	err := fault.Wait(done, 1)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "wait for 1 requests, there were 0")

	waited := make(chan error)
	go func() { waited <- fault.Wait(t.Context(), 2) }()
	w := dial(t, c, c.Masters()[0])
	w.is("+PONG", "PING")
	w.is("+PONG", "PING")
	require.NoError(t, <-waited)
}

// A fault stays with its node across a restart.
func TestFaultAcrossRestart(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{InMemory: true})
	c.Fault(clustertest.Fault{Kind: clustertest.Answer, Reply: "+hit\r\n"})
	require.NoError(t, c.Restart(t.Context(), c.Masters()[0]))
	dial(t, c, c.Masters()[0]).is("+hit", "PING")
}

// A client takes what a node answers for true, and gets over a broken connection where
// that is safe.
func TestFaultUnderClients(t *testing.T) {
	eachClient(t, func(t *testing.T, connect connect) {
		bubble(t, func(t *testing.T) {
			c := clustertest.Start(t, clustertest.Config{InMemory: true})
			client := connect(t, c)
			require.NoError(t, client.Set(t.Context(), keyOf(0, "n"), 1, 0).Err())
			get := clustertest.Selector{Command: "get", Key: keyOf(0, "n")}
			for _, kind := range []clustertest.FaultKind{clustertest.Reset, clustertest.ResetReply} {
				fault := c.Fault(clustertest.Fault{Match: get, Kind: kind})
				require.Equal(t, "1", client.Get(t.Context(), keyOf(0, "n")).Val())
				require.Equal(t, 1, fault.Hits())
			}
			c.Fault(clustertest.Fault{Match: get, Kind: clustertest.Answer, Reply: "$5\r\nother\r\n"})
			require.Equal(t, "other", client.Get(t.Context(), keyOf(0, "n")).Val())
			c.Fault(clustertest.Fault{Match: get, Kind: clustertest.Answer, Reply: "-WRONGTYPE no\r\n"})
			require.EqualError(t, client.Get(t.Context(), keyOf(0, "n")).Err(), "WRONGTYPE no")
		})
	})
}

func TestHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.Start(t, clustertest.Config{InMemory: true})
		hold := c.Hold(incr)
		held, other := dial(t, c, c.Masters()[0]), dial(t, c, c.Masters()[0])
		held.send("INCR", keyOf(0, "n"))
		held.send("GET", keyOf(0, "n")) // behind it
		other.send("INCR", keyOf(0, "n"))
		require.NoError(t, hold.Wait(t.Context(), 2))
		require.Equal(t, 2, hold.Hits())
		require.False(t, held.hears(time.Hour))
		dial(t, c, c.Masters()[0]).is("$-1", "GET "+keyOf(0, "n"))

		hold.Release()
		hold.Release()
		require.ElementsMatch(t, []string{":1", ":2"}, []string{held.receive(), other.receive()})
		require.Contains(t, []string{"$1 1", "$1 2"}, held.receive())
		other.is(":3", "INCR "+keyOf(0, "n"))
		require.Equal(t, 2, hold.Hits())
	})
}

// Remove holds no more, but does not let go.
func TestHoldRemove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.Start(t, clustertest.Config{InMemory: true})
		hold := c.Hold(incr)
		w := dial(t, c, c.Masters()[0])
		w.send("INCR", keyOf(0, "n"))
		require.NoError(t, hold.Wait(t.Context(), 1))
		hold.Remove()
		dial(t, c, c.Masters()[0]).is(":1", "INCR "+keyOf(0, "n"))
		require.False(t, w.hears(time.Hour))
		hold.Release()
		require.Equal(t, ":2", w.receive())
	})
}

// A client that is gone holds nothing up, and what it sent is not executed.
func TestHoldClientGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.Start(t, clustertest.Config{InMemory: true})
		hold := c.Hold(incr)
		w := dial(t, c, c.Masters()[0])
		w.send("INCR", keyOf(0, "n"))
		require.NoError(t, hold.Wait(t.Context(), 1))
		require.NoError(t, w.conn.Close())
		synctest.Wait()
		hold.Release()
		synctest.Wait()
		dial(t, c, c.Masters()[0]).is("$-1", "GET "+keyOf(0, "n"))
	})
}
