package refnode

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHyperLogLogReplies(t *testing.T) {
	s, _ := startTarget(t, Config{})
	s.replay(t, "hyperloglog.txt")
}

func TestRedisHyperLogLogReplies(t *testing.T) {
	startRedis(t).replay(t, "hyperloglog.txt")
}

// A node and a redis-server give the same replies and come to the same bytes, which is
// what a client sees that takes the string away with GET or DUMP.
func TestHyperLogLogsAreThoseOfRedis(t *testing.T) {
	s, _ := startTarget(t, Config{})
	redis, node := startRedis(t).dial(t), s.dial(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		args := hyperLogLogCommand(r)
		require.Equal(t, redis.do(args...), node.do(args...), "%.200q", args)
		require.Equal(t, redis.do("GET", args[1]), node.do("GET", args[1]), "after %.200q", args)
	}
}

func hyperLogLogCommand(r *rand.Rand) []string {
	key := func() string { return fmt.Sprintf("{h}%d", r.IntN(5)) }
	switch r.IntN(10) {
	case 0:
		return []string{"DEL", key()}
	case 1:
		return []string{"PFMERGE", key(), key(), key()}
	case 2:
		return []string{"PFCOUNT", key(), key(), key()}
	case 3, 4:
		return []string{"PFCOUNT", key()}
	default:
		args := []string{"PFADD", key()}
		for range r.IntN(300) {
			args = append(args, fmt.Sprint(r.IntN(5000)))
		}
		return args
	}
}

// A HyperLogLog goes from a node to a redis-server and back.
func TestHyperLogLogMovesToRedisAndBack(t *testing.T) {
	s, _ := startTarget(t, Config{})
	redis, node := startRedis(t).dial(t), s.dial(t)
	node.do("PFADD", "k", "a", "b", "c")
	dump := func(p *peer) string { return string(Bulks([]byte(p.do("DUMP", "k")))[0]) }
	require.Equal(t, "+OK\r\n", redis.do("RESTORE", "k", "0", dump(node)))
	require.Equal(t, ":1\r\n", redis.do("PFADD", "k", "d"))
	require.Equal(t, ":4\r\n", redis.do("PFCOUNT", "k"))
	require.Equal(t, "+OK\r\n", node.do("RESTORE", "k", "0", dump(redis), "REPLACE"))
	require.Equal(t, ":4\r\n", node.do("PFCOUNT", "k"))
	require.Equal(t, ":0\r\n", node.do("PFADD", "k", "d"))
}

// A replica has the bytes of its master, deadline and cached count included, and what
// changes nothing is not sent.
func TestHyperLogLogIsReplicated(t *testing.T) {
	m, r, _, network := pair(t)
	master, replica := target{network, m.Addr()}.dial(t), target{network, r.Addr()}.dial(t)
	require.Equal(t, "+OK\r\n", replica.do("READONLY"))
	for _, c := range []struct {
		command []string
		sent    bool
	}{
		{[]string{"PFADD", "{h}a", "x", "y"}, true},
		{[]string{"EXPIREAT", "{h}a", "4102444800"}, true},
		{[]string{"PFADD", "{h}a", "z"}, true},
		{[]string{"PFADD", "{h}a", "z"}, false},
		{[]string{"PFCOUNT", "{h}a"}, true},
		{[]string{"PFCOUNT", "{h}a"}, false},
		{[]string{"PFCOUNT", "{h}a", "{h}b"}, false},
		{[]string{"PFMERGE", "{h}a", "{h}b"}, true},
	} {
		before := m.offset
		master.do(c.command...)
		require.Equal(t, c.sent, m.offset > before, "%q", c.command)
		require.Equal(t, master.do("GET", "{h}a"), replica.do("GET", "{h}a"), "after %q", c.command)
		require.Equal(t, master.do("EXPIRETIME", "{h}a"), replica.do("EXPIRETIME", "{h}a"), "after %q", c.command)
	}
}

func TestHyperLogLogInScriptIsUnsupported(t *testing.T) {
	s, _ := startTarget(t, Config{})
	p := s.dial(t)
	for _, name := range []string{"PFADD", "PFCOUNT", "PFMERGE"} {
		reply := p.do("EVAL", "return redis.call('"+name+"', KEYS[1])", "1", "k")
		require.Contains(t, reply, "ERR "+name+" is not supported in scripts by the reference node")
	}
	require.Equal(t, ":0\r\n", p.do("EXISTS", "k"))
}
