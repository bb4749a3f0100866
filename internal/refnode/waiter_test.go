package refnode

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// blockedPeers are clients that have sent a command and wait, in order.
func blockedPeers(t *testing.T, s target, commands ...[]string) []*peer {
	var peers []*peer
	for _, command := range commands {
		p := s.dial(t)
		p.send(command...)
		synctest.Wait()
		peers = append(peers, p)
	}
	return peers
}

func popped(key, value string) string { return "*2\r\n" + bulk(key) + bulk(value) }

func TestWhoBlocksFirstIsServedFirst(t *testing.T) {
	inBubble(t, func(t *testing.T, s target, _ *Node) {
		var commands [][]string
		for range 10 {
			commands = append(commands, []string{"BLPOP", "k", "0"})
		}
		peers := blockedPeers(t, s, commands...)
		writer := s.dial(t)
		require.Equal(t, ":3\r\n", writer.do("RPUSH", "k", "0", "1", "2"))
		require.Equal(t, ":7\r\n", writer.do("RPUSH", "k", "3", "4", "5", "6", "7", "8", "9"))
		for i, p := range peers {
			require.Equal(t, popped("k", fmt.Sprint(i)), p.receive())
		}
		require.Equal(t, ":0\r\n", writer.do("EXISTS", "k"))
	})
}

func TestOneClientOfSeveralKeys(t *testing.T) {
	inBubble(t, func(t *testing.T, s target, _ *Node) {
		p := blockedPeers(t, s, []string{"BLPOP", "{k}1", "{k}2", "{k}1", "0"})[0]
		writer := s.dial(t)
		require.Equal(t, "+OK\r\n", writer.do("MULTI"))
		writer.do("RPUSH", "{k}2", "two")
		writer.do("RPUSH", "{k}1", "one")
		require.Equal(t, "*2\r\n:1\r\n:1\r\n", writer.do("EXEC"))
		require.Equal(t, popped("{k}2", "two"), p.receive(), "the key that was ready first")
		require.Equal(t, ":1\r\n", writer.do("LLEN", "{k}1"), "and it takes one element only")
	})
}

// What a transaction pushes and takes away again nobody sees.
func TestServedAfterTheWholeTransaction(t *testing.T) {
	inBubble(t, func(t *testing.T, s target, _ *Node) {
		p := blockedPeers(t, s, []string{"BLPOP", "k", "5"})[0]
		writer := s.dial(t)
		writer.do("MULTI")
		writer.do("RPUSH", "k", "v")
		writer.do("DEL", "k")
		require.Equal(t, "*2\r\n:1\r\n:1\r\n", writer.do("EXEC"))
		start := time.Now()
		require.Equal(t, "*-1\r\n", p.receive())
		require.Equal(t, 5*time.Second, time.Since(start))
	})
}

// One who is served may make another ready.
func TestServingGoesOn(t *testing.T) {
	inBubble(t, func(t *testing.T, s target, _ *Node) {
		peers := blockedPeers(t, s,
			[]string{"BLPOP", "{k}c", "0"},
			[]string{"BLMOVE", "{k}b", "{k}c", "LEFT", "LEFT", "0"},
			[]string{"BRPOPLPUSH", "{k}a", "{k}b", "0"},
			[]string{"BZPOPMIN", "{k}z", "0"},
			[]string{"BLMPOP", "0", "2", "{k}x", "{k}y", "LEFT", "COUNT", "2"})
		writer := s.dial(t)
		require.Equal(t, ":1\r\n", writer.do("LPUSH", "{k}a", "v"))
		require.Equal(t, popped("{k}c", "v"), peers[0].receive())
		require.Equal(t, bulk("v"), peers[1].receive())
		require.Equal(t, bulk("v"), peers[2].receive())
		require.Equal(t, ":1\r\n", writer.do("ZADD", "{k}z", "1.5", "m"))
		require.Equal(t, "*3\r\n"+bulk("{k}z")+bulk("m")+bulk("1.5"), peers[3].receive())
		require.Equal(t, ":3\r\n", writer.do("RPUSH", "{k}y", "1", "2", "3"))
		require.Equal(t, "*2\r\n"+bulk("{k}y")+"*2\r\n"+bulk("1")+bulk("2"), peers[4].receive())
	})
}

func TestBlockedClientsAreServedByWhateverMakesAKey(t *testing.T) {
	for _, commands := range [][][]string{
		{{"RENAME", "{k}source", "{k}"}},
		{{"COPY", "{k}source", "{k}"}},
		{{"EVAL", "return redis.call('rpush', KEYS[1], 'v')", "1", "{k}"}},
		{{"LMOVE", "{k}source", "{k}", "LEFT", "RIGHT"}},
	} {
		inBubble(t, func(t *testing.T, s target, _ *Node) {
			writer := s.dial(t)
			require.Equal(t, ":1\r\n", writer.do("RPUSH", "{k}source", "v"))
			p := blockedPeers(t, s, []string{"BRPOP", "{k}", "0"})[0]
			for _, command := range commands {
				require.NotEqual(t, "-", writer.do(command...)[:1], command)
			}
			require.Equal(t, popped("{k}", "v"), p.receive(), commands)
		})
	}
}

func TestStreamReadersWaitForWhatIsNew(t *testing.T) {
	inBubble(t, func(t *testing.T, s target, _ *Node) {
		writer := s.dial(t)
		writer.do("XADD", "k", "1-1", "f", "old")
		peers := blockedPeers(t, s,
			[]string{"XREAD", "BLOCK", "0", "STREAMS", "k", "$"},
			[]string{"XREAD", "COUNT", "1", "BLOCK", "1000", "STREAMS", "k", "2-2"})
		writer.do("XADD", "k", "2-1", "f", "new")
		require.Contains(t, peers[0].receive(), "new")
		start := time.Now()
		require.Equal(t, "*-1\r\n", peers[1].receive())
		require.Equal(t, time.Second, time.Since(start))
	})
}
