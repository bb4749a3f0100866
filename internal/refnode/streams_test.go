package refnode

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What is new goes to one reader of a group. The others go on waiting, and nobody else
// has to.
func TestReadersOfOneGroup(t *testing.T) {
	inBubble(t, func(t *testing.T, s target, _ *Node) {
		writer := s.dial(t)
		require.Equal(t, "+OK\r\n", writer.do("XGROUP", "CREATE", "k", "g", "$", "MKSTREAM"))
		read := func(consumer string) []string {
			return []string{"XREADGROUP", "GROUP", "g", consumer, "BLOCK", "0", "STREAMS", "k", ">"}
		}
		peers := blockedPeers(t, s, read("a"), read("b"))
		require.Equal(t, bulk("1-1"), writer.do("XADD", "k", "1-1", "f", "first"))
		require.Contains(t, peers[0].receive(), "first")
		require.Equal(t, bulk("2-1"), writer.do("XADD", "k", "2-1", "f", "second"))
		require.Contains(t, peers[1].receive(), "second")
	})
}

func TestReaderOfEmptyStream(t *testing.T) {
	inBubble(t, func(t *testing.T, s target, _ *Node) {
		writer := s.dial(t)
		require.Equal(t, "+OK\r\n", writer.do("XGROUP", "CREATE", "k", "g", "$", "MKSTREAM"))
		p := blockedPeers(t, s, []string{"XREAD", "BLOCK", "0", "STREAMS", "k", "$"})[0]
		writer.do("XADD", "k", "1-1", "f", "v")
		require.Contains(t, p.receive(), "1-1")
	})
}

// A client that waits keeps nobody else waiting, however it says that it wants to.
func TestReaderDoesNotHoldTheNode(t *testing.T) {
	for _, read := range [][]string{
		{"XREAD", "BLOCK", "0", "BLOCK", "60000", "STREAMS", "k", "0"},
		{"XREADGROUP", "GROUP", "streams", "c", "BLOCK", "60000", "STREAMS", "k", ">"},
		{"EVAL", "return redis.call('xread', 'block', '60000', 'streams', KEYS[1], '$')", "1", "k"},
		{"EVAL", "return redis.call('xreadgroup', 'group', 'streams', 'c', 'block', '60000', 'streams', KEYS[1], '>')", "1", "k"},
	} {
		inBubble(t, func(t *testing.T, s target, _ *Node) {
			other := s.dial(t)
			other.do("XGROUP", "CREATE", "k", "streams", "$", "MKSTREAM")
			start := time.Now()
			s.dial(t).send(read...)
			require.Equal(t, "+PONG\r\n", other.do("PING"))
			require.Equal(t, time.Duration(0), time.Since(start), read)
		})
	}
}

func TestGroupCalledAsAnOption(t *testing.T) {
	inBubble(t, func(t *testing.T, s target, _ *Node) {
		p := s.dial(t)
		require.Equal(t, "+OK\r\n", p.do("XGROUP", "CREATE", "k", "block", "$", "MKSTREAM"))
		require.Equal(t, "*-1\r\n", p.do("XREADGROUP", "GROUP", "block", "c", "STREAMS", "k", ">"))
	})
}
