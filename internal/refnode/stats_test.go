package refnode

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/command"
)

// commandStats returns what INFO says about commands, without the time that they took.
func (p *peer) commandStats() map[string]string {
	p.t.Helper()
	stats := map[string]string{}
	for line := range strings.SplitSeq(p.do("INFO", "commandstats"), "\r\n") {
		if name, value, ok := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":"); ok {
			calls, rest, _ := strings.Cut(value, ",usec=")
			_, rest, _ = strings.Cut(rest, ",rejected")
			stats[name] = calls + ",rejected" + rest
		}
	}
	return stats
}

func testCommandStats(t *testing.T, s target) {
	p := s.dial(t)
	p.do("DEL", "k")
	require.Equal(t, "+OK\r\n", p.do("CONFIG", "RESETSTAT"))
	p.do("SET", "k", "v")
	p.do("GET", "k")
	p.do("GET", "k", "too", "many")
	p.do("LPUSH", "k", "v")
	p.do("NOSUCH")
	p.do("MGET", "a", "b")
	p.do("MULTI")
	p.do("GET", "k")
	p.do("GET", "k")
	p.do("EXEC")
	require.Equal(t, map[string]string{
		"config|resetstat": "calls=1,rejected_calls=0,failed_calls=0",
		"set":              "calls=1,rejected_calls=0,failed_calls=0",
		"get":              "calls=3,rejected_calls=1,failed_calls=0",
		"lpush":            "calls=1,rejected_calls=0,failed_calls=1",
		"mget":             "calls=0,rejected_calls=1,failed_calls=0",
		"multi":            "calls=1,rejected_calls=0,failed_calls=0",
		"exec":             "calls=1,rejected_calls=0,failed_calls=0",
	}, p.commandStats())
	info := p.do("INFO", "all")
	require.Contains(t, info, "errorstat_CROSSSLOT:count=1\r\n")
	require.Contains(t, info, "errorstat_ERR:count=2\r\n")
	require.Contains(t, info, "errorstat_WRONGTYPE:count=1\r\n")
	require.Contains(t, info, "total_error_replies:4\r\n")
	require.Contains(t, info, "total_commands_processed:9\r\n", "those that ran, INFO itself not yet")
	require.Equal(t, "+OK\r\n", p.do("CONFIG", "RESETSTAT"))
	require.Len(t, p.commandStats(), 1)
}

func TestCountingAllocatesNothing(t *testing.T) {
	spec, err := command.Find([][]byte{[]byte("get"), []byte("k")})
	require.NoError(t, err)
	var st stats
	served, refused := []byte("$1\r\nv\r\n"), []byte("-MOVED 1 127.0.0.1:7000\r\n")
	require.Zero(t, testing.AllocsPerRun(100, func() {
		st.ran(spec, served)
		st.refused(spec, refused)
	}))
}

func BenchmarkStats(b *testing.B) {
	spec, err := command.Find([][]byte{[]byte("get"), []byte("k")})
	require.NoError(b, err)
	var st stats
	reply := []byte("$1\r\nv\r\n")
	b.ReportAllocs()
	for b.Loop() {
		st.ran(spec, reply)
	}
}
