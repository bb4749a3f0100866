package refnode

import (
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// writeCounter counts what a node writes to a connection.
type writeCounter struct {
	net.Conn
	writes *atomic.Int64
}

func (c writeCounter) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

func TestRepliesToABatchLeaveTogether(t *testing.T) {
	var writes atomic.Int64
	s, _ := startTarget(t, Config{Wrap: func(conn net.Conn) net.Conn { return writeCounter{conn, &writes} }})
	p := s.dial(t)
	_, err := p.conn.Write([]byte(strings.Repeat("PING\r\n*1\r\n$4\r\nPING\r\n", 100)))
	require.NoError(t, err)
	for range 200 {
		require.Equal(t, "+PONG\r\n", p.receive())
	}
	require.EqualValues(t, 1, writes.Load())
}

// A client may send everything before it reads anything.
func TestANodeReadsOnWhileNobodyReadsItsReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := startTarget(t, Config{})
		p := s.dial(t)
		value := strings.Repeat("x", 100_000)
		require.Equal(t, "+OK\r\n", p.do("SET", "k", value))
		const gets = 200 // 20 MB of replies, on a connection that holds 256 KiB
		for range gets {
			p.send("GET", "k")
		}
		replies := make([]byte, gets*len(bulk(value)))
		_, err := io.ReadFull(p.conn, replies)
		require.NoError(t, err)
		require.True(t, string(replies) == strings.Repeat(bulk(value), gets))
	})
}

func TestRequestsCutAnywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := startTarget(t, Config{})
		p := s.dial(t)
		request := "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\na\r\nbc\r\nGET k\r\n"
		for i := range request {
			_, err := p.conn.Write([]byte(request[i : i+1]))
			require.NoError(t, err)
			synctest.Wait()
		}
		require.Equal(t, "+OK\r\n", p.receive())
		require.Equal(t, "$5\r\na\r\nbc\r\n", p.receive())
	})
}

func TestWhatIsNoRequestIsAnsweredAndEnds(t *testing.T) {
	s, _ := startTarget(t, Config{})
	for sent, answer := range map[string]string{
		"*1\r\n+PING\r\n":         "-ERR Protocol error: expected '$', got '+'\r\n",
		"*x\r\n":                  "-ERR Protocol error: invalid multibulk length\r\n",
		"PING\r\nSET \"a\r\n":     "+PONG\r\n",
		"*1\r\n$999999999999\r\n": "-ERR Protocol error: invalid bulk length\r\n",
	} {
		p := s.dial(t)
		_, err := p.conn.Write([]byte(sent))
		require.NoError(t, err)
		require.Equal(t, answer, p.receive())
		if strings.HasPrefix(sent, "PING") {
			require.Equal(t, "-ERR Protocol error: unbalanced quotes in request\r\n", p.receive())
		}
		p.closed()
	}
}

func TestLatencyIsNotAddedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := startTarget(t, Config{})
		p := s.dial(t)
		require.Equal(t, "+PONG\r\n", p.do("PING"))
		n.SetLatency(time.Second)
		start := time.Now()
		p.send("PING")
		time.Sleep(300 * time.Millisecond)
		p.send("PING")
		require.Equal(t, "+PONG\r\n", p.receive())
		require.Equal(t, time.Second, time.Since(start))
		require.Equal(t, "+PONG\r\n", p.receive())
		require.Equal(t, 1300*time.Millisecond, time.Since(start))
	})
}

// Close ends clients in whatever state they are, in no time.
func TestCloseEndsEveryClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		s, n := startTarget(t, Config{Intercept: func(r Request) Action {
			switch string(r.Args[0]) {
			case "HELD":
				return Action{Until: hold}
			case "DELAYED":
				return Action{Delay: time.Hour}
			case "SILENT":
				return Action{Silent: true}
			}
			return Action{}
		}})
		start := time.Now()
		var peers []*peer
		for _, command := range []string{"BLPOP k 0", "HELD", "DELAYED", "SILENT", "PING", "*3\r\n$3\r\nSET"} {
			p := s.dial(t)
			_, err := p.conn.Write([]byte(command + "\r\n"))
			require.NoError(t, err)
			peers = append(peers, p)
		}
		synctest.Wait()
		_, err := n.Pause()
		require.NoError(t, err)
		require.NoError(t, n.Close())
		for _, p := range peers {
			for p.receive() != "" {
			}
		}
		require.Zero(t, time.Since(start))
		_, err = s.network.Dial(t.Context(), s.addr)
		require.Error(t, err)
	})
}

func TestActions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var next Action
		s, _ := startTarget(t, Config{Intercept: func(r Request) Action {
			if string(r.Args[0]) == "INCR" {
				return next
			}
			return Action{}
		}})
		count := s.dial(t)
		for _, tc := range []struct {
			name   string
			action Action
			reply  string // empty: the connection ends
			value  string
			after  time.Duration
		}{
			{"nothing", Action{}, ":1\r\n", "1", 0},
			{"a delay", Action{Delay: time.Minute}, ":2\r\n", "2", time.Minute},
			{"another reply", Action{Skip: true, Reply: []byte("-LOADING\r\n")}, "-LOADING\r\n", "2", 0},
			{"executed, another reply", Action{Reply: []byte("+ODD\r\n")}, "+ODD\r\n", "3", 0},
			{"reset before", Action{Skip: true, Reset: true}, "", "3", 0},
			{"reset after", Action{Reset: true}, "", "4", 0},
		} {
			next = tc.action
			start, p := time.Now(), s.dial(t)
			p.send("PING")
			p.send("INCR", "k")
			require.Equal(t, "+PONG\r\n", p.receive(), tc.name)
			require.Equal(t, tc.reply, p.receive(), tc.name)
			require.Equal(t, tc.after, time.Since(start), tc.name)
			require.Equal(t, bulk(tc.value), count.do("GET", "k"), tc.name)
		}

		next = Action{Silent: true}
		p := s.dial(t)
		p.send("INCR", "k")
		p.send("PING")
		synctest.Wait()
		require.Equal(t, bulk("5"), count.do("GET", "k"))
		require.NoError(t, p.conn.SetReadDeadline(time.Now().Add(time.Hour)))
		_, err := p.conn.Read(make([]byte, 1))
		require.ErrorContains(t, err, "timeout", "nothing more comes on that connection")
	})
}

// While a client waits it is noticed when it goes away.
func TestAClientThatLeavesIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := startTarget(t, Config{})
		gone, stays, writer := s.dial(t), s.dial(t), s.dial(t)
		gone.send("BLPOP", "k", "0")
		synctest.Wait()
		stays.send("BLPOP", "k", "0")
		synctest.Wait()
		require.NoError(t, gone.conn.Close())
		synctest.Wait()
		require.Equal(t, ":1\r\n", writer.do("RPUSH", "k", "v"))
		require.Equal(t, "*2\r\n"+bulk("k")+bulk("v"), stays.receive())
	})
}
