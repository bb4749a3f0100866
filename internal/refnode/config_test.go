package refnode

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/view"
)

// config returns the reply to CONFIG GET in RESP2, as a map.
func (p *peer) config(patterns ...string) map[string]string {
	p.t.Helper()
	lines := strings.Split(p.do(append([]string{"CONFIG", "GET"}, patterns...)...), "\r\n")
	require.Regexp(p.t, `^\*`, lines[0])
	found := map[string]string{}
	for i := 1; i+3 < len(lines); i += 4 {
		require.NotContains(p.t, found, lines[i+1], "each parameter once")
		found[lines[i+1]] = lines[i+3]
	}
	return found
}

func testConfigGetSeveral(t *testing.T, s target) {
	p := s.dial(t)
	p.do("CONFIG", "SET", "cluster-node-timeout", "15000")
	require.Equal(t, map[string]string{"cluster-node-timeout": "15000", "SAVE": "", "appendonly": "no"},
		p.config("cluster-node*", "SAVE", "append?nly", "save", "nosuch", "nosuch*"))
}

// What the node has and may have by itself is what the server has, but for what depends
// on where they run.
func testConfigDefaults(t *testing.T, redis target) {
	node, _ := startTarget(t, Config{})
	got, want := node.dial(t).config("*"), redis.dial(t).config("*")
	for _, local := range []string{"port", "bind", "repl-ping-replica-period", "repl-ping-slave-period"} {
		require.Contains(t, want, local)
		delete(got, local)
	}
	for name, value := range got {
		require.Contains(t, want, name)
		require.Equal(t, want[name], value, name)
	}
}

func TestConfigHidesPassword(t *testing.T) {
	s, _ := startTarget(t, Config{Password: "sekret"})
	p := s.dial(t)
	require.Equal(t, "+OK\r\n", p.do("AUTH", "sekret"))
	require.Empty(t, p.config("requirepass", "masterauth"))
	require.NotContains(t, p.do("CONFIG", "GET", "*"), "sekret")
}

func TestConfigSetReachesView(t *testing.T) {
	s, n := startTarget(t, Config{})
	require.Equal(t, "+OK\r\n", s.dial(t).do("CONFIG", "SET",
		"cluster-require-full-coverage", "no",
		"cluster-allow-reads-when-down", "yes",
		"cluster-allow-pubsubshard-when-down", "no",
		"cluster-allow-replica-migration", "no",
		"cluster-preferred-endpoint-type", "unknown-endpoint",
		"cluster-announce-hostname", "h.example"))
	require.NoError(t, n.View(func(v *view.View) {
		require.Equal(t, view.Settings{AllowReadsWhenDown: true, Endpoint: view.Unknown}, v.Settings())
		require.Equal(t, "h.example", v.Myself().Hostname)
	}))
}

// Neither of two settings is changed if one of them may not be.
func TestConfigSetIsAllOrNothing(t *testing.T) {
	s, n := startTarget(t, Config{})
	p := s.dial(t)
	for _, bad := range [][]string{
		{"maxmemory", "lots"}, {"maxmemory", "100mb"}, {"nosuch", "x"}, {"cluster-enabled", "yes"}, {"CLUSTER-ALLOW-READS-WHEN-DOWN", "no"},
	} {
		require.Regexp(t, "^-ERR ", p.do("CONFIG", "SET", "cluster-allow-reads-when-down", "yes", bad[0], bad[1]))
		require.NoError(t, n.View(func(v *view.View) { require.Equal(t, view.DefaultSettings(), v.Settings()) }))
	}
}

// What the server could do and the node cannot is refused, not ignored.
func TestConfigSetOfWhatIsFixed(t *testing.T) {
	s, _ := startTarget(t, Config{})
	p := s.dial(t)
	for name, value := range map[string]string{
		"maxmemory": "100mb", "appendonly": "yes", "save": "900 1", "timeout": "5", "port": "1", "notify-keyspace-events": "KEA",
	} {
		before := p.config(name)
		reply := p.do("CONFIG", "SET", name, value)
		require.Equal(t, "-ERR CONFIG SET failed (possibly related to argument '"+name+"') - "+
			"the reference node supports only '"+before[name]+"'\r\n", reply)
		require.Equal(t, before, p.config(name))
		require.Equal(t, "+OK\r\n", p.do("CONFIG", "SET", name, before[name]))
	}
}

// A change that lets the cluster go down is told to the clients that wait for keys.
func TestConfigSetTakesEffectAtOnce(t *testing.T) {
	s, n := startTarget(t, Config{})
	p := s.dial(t)
	require.Equal(t, "+OK\r\n", p.do("CONFIG", "SET", "cluster-require-full-coverage", "no"))
	require.NoError(t, n.Change(func(v *view.View) { require.NoError(t, v.DelSlots(0)) }))
	require.Equal(t, "$-1\r\n", p.do("GET", "foo"))
	require.Equal(t, "+OK\r\n", p.do("CONFIG", "SET", "cluster-require-full-coverage", "yes"))
	require.Equal(t, "-CLUSTERDOWN The cluster is down\r\n", p.do("GET", "foo"))
	require.Equal(t, "+OK\r\n", p.do("CONFIG", "SET", "cluster-allow-reads-when-down", "yes"))
	require.Equal(t, "$-1\r\n", p.do("GET", "foo"))
	require.Equal(t, "-CLUSTERDOWN The cluster is down and only accepts read commands\r\n", p.do("SET", "foo", "1"))
}

func TestConfigRewrite(t *testing.T) {
	s, _ := startTarget(t, Config{})
	require.Equal(t, "+OK\r\n", s.dial(t).do("CONFIG", "REWRITE"))
}
