package refnode

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// later receives the next reply and how long it took.
func (p *peer) later() <-chan arrival {
	start, arrived := time.Now(), make(chan arrival, 1)
	go func() { arrived <- arrival{p.receive(), time.Since(start)} }()
	return arrived
}

type arrival struct {
	reply string
	after time.Duration
}

// inBubble runs a test in a bubble whose time passes only when everybody waits.
func inBubble(t *testing.T, test func(t *testing.T, s target, n *Node)) {
	synctest.Test(t, func(t *testing.T) {
		s, n := startTarget(t, Config{})
		test(t, s, n)
	})
}

func TestPauseHoldsEverything(t *testing.T) {
	inBubble(t, func(t *testing.T, s target, _ *Node) {
		a, b := s.dial(t), s.dial(t)
		require.Equal(t, "+OK\r\n", a.do("CLIENT", "PAUSE", "1500"))
		a.send("CLIENT", "UNPAUSE")
		b.send("PING")
		held := b.later()
		require.Equal(t, arrival{"+OK\r\n", 1500 * time.Millisecond}, <-a.later(), "not even UNPAUSE gets through")
		require.Equal(t, arrival{"+PONG\r\n", 1500 * time.Millisecond}, <-held)
		require.Equal(t, "+PONG\r\n", b.do("PING"), "and it is over")
	})
}

func TestPauseOfWrites(t *testing.T) {
	inBubble(t, func(t *testing.T, s target, _ *Node) {
		a, queued := s.dial(t), s.dial(t)
		require.Equal(t, "+OK\r\n", queued.do("MULTI"))
		require.Equal(t, "+QUEUED\r\n", queued.do("SET", "k", "v"))
		require.Equal(t, "+OK\r\n", a.do("CLIENT", "PAUSE", "60000", "WRITE"))

		start := time.Now()
		require.Equal(t, "$-1\r\n", a.do("GET", "k"))
		require.Equal(t, "+OK\r\n", a.do("MULTI"))
		require.Equal(t, "+QUEUED\r\n", a.do("GET", "k"))
		require.Equal(t, "*1\r\n$-1\r\n", a.do("EXEC"), "a transaction that only reads")
		require.Zero(t, time.Since(start))

		queued.send("EXEC")
		held := []<-chan arrival{queued.later()}
		for _, command := range [][]string{{"SET", "x", "1"}, {"EVAL", "return 1", "0"}, {"PFCOUNT", "x1"}, {"FLUSHALL"}} {
			p := s.dial(t)
			p.send(command...)
			held = append(held, p.later())
		}
		time.Sleep(time.Second)
		require.Equal(t, "$-1\r\n", a.do("GET", "k"), "nobody has written")
		require.Equal(t, "+OK\r\n", a.do("CLIENT", "UNPAUSE"))
		for _, arrived := range held {
			got := <-arrived
			require.NotContains(t, got.reply, "-", "it ran")
			require.Equal(t, time.Second, got.after)
		}
	})
}

// A second pause makes the first one longer and stricter, never the other way round.
func TestPausesAddUp(t *testing.T) {
	for _, test := range []struct {
		name          string
		first, second []string
		held          string
		want          time.Duration
	}{
		{"longer", []string{"1000", "WRITE"}, []string{"3000", "WRITE"}, "SET", 3 * time.Second},
		{"shorter", []string{"3000", "WRITE"}, []string{"1000", "WRITE"}, "SET", 3 * time.Second},
		{"stricter", []string{"2000", "WRITE"}, []string{"1000", "ALL"}, "GET", 2 * time.Second},
		{"nothing", []string{"2000", "WRITE"}, []string{"0", "WRITE"}, "SET", 2 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s target, _ *Node) {
				a := s.dial(t)
				require.Equal(t, "+OK\r\n", a.do(append([]string{"CLIENT", "PAUSE"}, test.first...)...))
				require.Equal(t, "+OK\r\n", a.do(append([]string{"CLIENT", "PAUSE"}, test.second...)...))
				args := []string{test.held, "k", "v"}
				if test.held == "GET" {
					args = args[:2]
				}
				a.send(args...)
				require.Equal(t, test.want, (<-a.later()).after)
			})
		})
	}
}

func TestPauseDoesNotOutliveNode(t *testing.T) {
	inBubble(t, func(t *testing.T, s target, n *Node) {
		a := s.dial(t)
		require.Equal(t, "+OK\r\n", a.do("CLIENT", "PAUSE", "9223372036854775807"))
		a.send("PING")
		synctest.Wait()
		start := time.Now()
		require.NoError(t, n.Close())
		require.Zero(t, time.Since(start))
		a.closed()
	})
}

// The reply that SKIP takes is that of the next command, held back or not.
func TestPauseKeepsSkippedReply(t *testing.T) {
	inBubble(t, func(t *testing.T, s target, _ *Node) {
		a := s.dial(t)
		require.Equal(t, "+OK\r\n", a.do("CLIENT", "PAUSE", "1000", "WRITE"))
		a.send("CLIENT", "REPLY", "SKIP")
		a.send("SET", "k", "v")
		require.Equal(t, "$1\r\nv\r\n", a.do("GET", "k"))
	})
}

func TestSkippedReplyOfBlockedClient(t *testing.T) {
	inBubble(t, func(t *testing.T, s target, _ *Node) {
		a := s.dial(t)
		a.send("CLIENT", "REPLY", "SKIP")
		a.send("BLPOP", "k", "1")
		require.Equal(t, "+PONG\r\n", a.do("PING"))
	})
}

func TestDebugSleepHoldsNode(t *testing.T) {
	inBubble(t, func(t *testing.T, s target, _ *Node) {
		a, b := s.dial(t), s.dial(t)
		a.send("DEBUG", "SLEEP", "2.5")
		synctest.Wait()
		b.send("PING")
		held := b.later()
		require.Equal(t, arrival{"+OK\r\n", 2500 * time.Millisecond}, <-a.later())
		require.Equal(t, arrival{"+PONG\r\n", 2500 * time.Millisecond}, <-held)
	})
}

func TestDebugSleepDoesNotOutliveNode(t *testing.T) {
	inBubble(t, func(t *testing.T, s target, n *Node) {
		a := s.dial(t)
		a.send("DEBUG", "SLEEP", "1e300")
		synctest.Wait()
		start := time.Now()
		require.NoError(t, n.Close())
		require.Zero(t, time.Since(start))
	})
}
