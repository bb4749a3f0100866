package refnode

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestKeysExpire(t *testing.T) {
	inBubble(t, func(t *testing.T, s target, n *Node) {
		p := s.dial(t)
		p.do("SET", "a", "v", "PX", "1500")
		p.do("SET", "b", "v", "EX", "3")
		p.do("SET", "c", "v")
		p.do("HSET", "h", "f", "v")
		require.Equal(t, ":1\r\n", p.do("EXPIRE", "h", "2"))
		require.Equal(t, ":2\r\n", p.do("TTL", "a"), "rounded")
		time.Sleep(499 * time.Millisecond)
		require.Equal(t, ":1001\r\n", p.do("PTTL", "a"))
		time.Sleep(time.Second)
		require.Equal(t, ":1\r\n", p.do("PTTL", "a"))
		require.Equal(t, "$1\r\nv\r\n", p.do("GET", "a"))
		time.Sleep(time.Millisecond)
		require.Equal(t, "$-1\r\n", p.do("GET", "a"))
		require.Equal(t, ":3\r\n", p.do("DBSIZE"))
		require.Equal(t, ":1\r\n", p.do("PERSIST", "h"))
		time.Sleep(50 * time.Minute)
		require.Equal(t, ":2\r\n", p.do("DBSIZE"))
		require.Equal(t, ":-1\r\n", p.do("TTL", "h"))
		require.Equal(t, ":-2\r\n", p.do("TTL", "b"))
		require.Empty(t, n.keys.deadlines.byKey)
	})
}

func TestADeadlineStaysWithTheKey(t *testing.T) {
	inBubble(t, func(t *testing.T, s target, _ *Node) {
		p := s.dial(t)
		p.do("SET", "{k}", "v", "EX", "100")
		time.Sleep(40 * time.Second)
		p.do("APPEND", "{k}", "w")
		require.Equal(t, ":60\r\n", p.do("TTL", "{k}"), "a change leaves it")
		p.do("RENAME", "{k}", "{k}2")
		require.Equal(t, ":60\r\n", p.do("TTL", "{k}2"), "it moves along")
		p.do("COPY", "{k}2", "{k}3")
		require.Equal(t, ":60\r\n", p.do("TTL", "{k}3"))
		p.do("SET", "{k}3", "v", "KEEPTTL")
		require.Equal(t, ":60\r\n", p.do("TTL", "{k}3"))
		p.do("SET", "{k}3", "v")
		require.Equal(t, ":-1\r\n", p.do("TTL", "{k}3"), "a new value has none")
		require.Equal(t, ":60\r\n", p.do("EVAL", "return redis.call('ttl', KEYS[1])", "1", "{k}2"))
		p.do("EVAL", "return redis.call('expire', KEYS[1], 10)", "1", "{k}2")
		time.Sleep(9 * time.Second)
		require.Equal(t, ":1\r\n", p.do("TTL", "{k}2"))
		time.Sleep(time.Second)
		require.Equal(t, ":-2\r\n", p.do("TTL", "{k}2"))
	})
}

// A key that is there all along is seen, whatever happens to the others meanwhile.
func TestScanSeesWhatStays(t *testing.T) {
	s, _ := startTarget(t, Config{})
	p := s.dial(t)
	for i := range 500 {
		p.do("SET", fmt.Sprintf("stays:%d", i), "v")
		p.do("SET", fmt.Sprintf("goes:%d", i), "v")
	}
	seen := map[string]bool{}
	cursor, calls := "0", 0
	for {
		reply := p.do("SCAN", cursor, "COUNT", "20", "MATCH", "stays:*")
		found := Bulks([]byte(reply))
		cursor = string(found[0])
		for _, key := range found[1:] {
			seen[string(key)] = true
		}
		p.do("DEL", fmt.Sprintf("goes:%d", calls))
		p.do("SET", fmt.Sprintf("comes:%d", calls), "v")
		if calls++; cursor == "0" {
			break
		}
	}
	require.Len(t, seen, 500)
	require.Greater(t, calls, 20)
	require.True(t, strings.HasPrefix(p.do("SCAN", "x"), "-ERR invalid cursor"))
}
