package refnode

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWatchNoticesChanges(t *testing.T) {
	for _, tc := range []struct {
		name    string
		change  []string
		noticed bool
	}{
		{"a write", []string{"SET", "k", "new"}, true},
		{"the same value", []string{"SET", "k", "v"}, true},
		{"a deletion", []string{"DEL", "k"}, true},
		{"a deadline", []string{"EXPIRE", "k", "100"}, true},
		{"FLUSHALL", []string{"FLUSHALL"}, true},
		{"a script", []string{"EVAL", "redis.call('append', KEYS[1], 'x')", "1", "k"}, true},
		{"a read", []string{"GET", "k"}, false},
		{"a write that does nothing", []string{"SETNX", "k", "x"}, false},
		{"a write of the wrong type", []string{"LPUSH", "k", "x"}, false},
		{"a bit that is set already", []string{"SETBIT", "k", "1", "1"}, false},
		{"another key", []string{"SET", "other", "x"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, _ := startTarget(t, Config{})
			p, other := s.dial(t), s.dial(t)
			p.do("SET", "k", "v")
			require.Equal(t, "+OK\r\n", p.do("WATCH", "k"))
			require.NotEmpty(t, other.do(tc.change...))
			p.do("MULTI")
			p.do("PING")
			want := "*1\r\n+PONG\r\n"
			if tc.noticed {
				want = "*-1\r\n"
			}
			require.Equal(t, want, p.do("EXEC"))
			p.do("MULTI")
			require.Equal(t, "*0\r\n", p.do("EXEC"), "EXEC ended the watch")
		})
	}
}

func TestWatchNoticesThatAKeyExpired(t *testing.T) {
	inBubble(t, func(t *testing.T, s target, _ *Node) {
		p := s.dial(t)
		p.do("SET", "k", "v", "PX", "1000")
		p.do("WATCH", "k")
		p.do("MULTI")
		p.do("GET", "k")
		time.Sleep(time.Second)
		require.Equal(t, "*-1\r\n", p.do("EXEC"))
	})
}

func TestNothingWatchesAfterwards(t *testing.T) {
	s, n := startTarget(t, Config{})
	for _, end := range []string{"UNWATCH", "DISCARD", "EXEC", "RESET"} {
		p := s.dial(t)
		p.do("WATCH", "a", "b", "a")
		if end == "DISCARD" || end == "EXEC" {
			p.do("MULTI")
		}
		p.do(end)
	}
	gone := s.dial(t)
	gone.do("WATCH", "c")
	require.NoError(t, gone.conn.Close())
	require.NoError(t, n.Close())
	require.Empty(t, n.keys.watchers)
}

// A replica never shows half a transaction.
func TestTransactionsReachReplicasWhole(t *testing.T) {
	inBubble(t, func(t *testing.T, _ target, _ *Node) {
		m, r, _, network := pair(t)
		master := target{network, m.Addr()}.dial(t)
		replica := target{network, r.Addr()}.dial(t)
		require.Equal(t, "+OK\r\n", replica.do("READONLY"))
		master.do("MULTI")
		for range 3 {
			master.do("INCR", "{k}")
			master.do("BLPOP", "{k}list", "0")
		}
		require.Equal(t, "*6\r\n:1\r\n*-1\r\n:2\r\n*-1\r\n:3\r\n*-1\r\n", master.do("EXEC"))
		require.Equal(t, bulk("3"), replica.do("GET", "{k}"))
	})
}
