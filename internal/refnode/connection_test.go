package refnode

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestResetEndsTransactionAndWatch(t *testing.T) {
	s, _ := startTarget(t, Config{})
	p, other := s.dial(t), s.dial(t)
	require.Equal(t, "+OK\r\n", p.do("WATCH", "k"))
	require.Equal(t, "+OK\r\n", p.do("MULTI"))
	require.Equal(t, "+QUEUED\r\n", p.do("SET", "k", "mine"))
	require.Equal(t, "+RESET\r\n", p.do("RESET"))
	require.Equal(t, "+OK\r\n", other.do("SET", "k", "theirs"))
	require.Equal(t, "+OK\r\n", p.do("MULTI"))
	require.Equal(t, "+QUEUED\r\n", p.do("GET", "k"))
	require.Equal(t, "*1\r\n$6\r\ntheirs\r\n", p.do("EXEC"), "what was watched before does not matter")
}

func TestResetOnReplicaEndsReadOnly(t *testing.T) {
	_, s := startPair(t)
	p := s.dial(t)
	require.Contains(t, p.do("GET", "k"), "-MOVED ")
	require.Equal(t, "+OK\r\n", p.do("READONLY"))
	require.Equal(t, "$-1\r\n", p.do("GET", "k"))
	require.Equal(t, "+RESET\r\n", p.do("RESET"))
	require.Contains(t, p.do("GET", "k"), "-MOVED ")
}

func TestReadWriteTakesReadOnlyBack(t *testing.T) {
	_, s := startPair(t)
	p := s.dial(t)
	require.Equal(t, "+OK\r\n", p.do("READONLY"))
	require.Equal(t, "$-1\r\n", p.do("GET", "k"))
	require.Equal(t, "+OK\r\n", p.do("READWRITE"))
	require.Contains(t, p.do("GET", "k"), "-MOVED ")
}

func TestHelloTellsRole(t *testing.T) {
	master, replica := startPair(t)
	require.Contains(t, master.dial(t).do("HELLO", "3"), "$4\r\nrole\r\n$6\r\nmaster\r\n")
	require.Contains(t, replica.dial(t).do("HELLO", "3"), "$4\r\nrole\r\n$7\r\nreplica\r\n")
}

// The id that HELLO tells is that of CLIENT ID, and each connection has a greater one than
// those before.
func testClientID(t *testing.T, s target) {
	first := s.dial(t)
	one := first.do("CLIENT", "ID")
	two := s.dial(t).do("CLIENT", "ID")
	require.Less(t, number(t, one), number(t, two))
	require.Contains(t, first.do("HELLO"), "$2\r\nid\r\n"+one)
}
