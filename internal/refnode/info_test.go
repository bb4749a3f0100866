package refnode

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// infoLines returns the names of the fields, section by section.
func infoLines(reply string) (sections []string, fields map[string][]string) {
	fields = map[string][]string{}
	for line := range strings.SplitSeq(reply, "\r\n") {
		if title, ok := strings.CutPrefix(line, "# "); ok {
			sections = append(sections, title)
		} else if name, _, ok := strings.Cut(line, ":"); ok && len(sections) > 0 {
			last := sections[len(sections)-1]
			fields[last] = append(fields[last], name)
		}
	}
	return sections, fields
}

// requireWithin requires that all of part are in whole, in the same order.
func requireWithin(t *testing.T, whole, part []string, about string) {
	t.Helper()
	rest := whole
	for _, name := range part {
		for len(rest) > 0 && rest[0] != name {
			rest = rest[1:]
		}
		require.NotEmpty(t, rest, "%s: %s is not in its place in %v", about, name, whole)
		rest = rest[1:]
	}
}

// What INFO shows is what the server shows, in its order, without what nobody here knows.
func testInfoIsPartOf(t *testing.T, server target) {
	s, _ := startTarget(t, Config{})
	redis, node := server.dial(t), s.dial(t)
	for _, p := range []*peer{redis, node} {
		p.do("SET", "k", "v")
		p.do("LPUSH", "k", "v")
	}
	for _, names := range [][]string{nil, {"default"}, {"all"}, {"Everything"}, {"server", "stats", "nosuch"}, {"keyspace", "CLIENTS"}} {
		args := append([]string{"INFO"}, names...)
		wantSections, wantFields := infoLines(redis.do(args...))
		gotSections, gotFields := infoLines(node.do(args...))
		requireWithin(t, wantSections, gotSections, "sections")
		for _, title := range gotSections {
			if title != "Commandstats" {
				requireWithin(t, wantFields[title], gotFields[title], title)
			}
		}
	}
}

func TestInfoForTools(t *testing.T) {
	s, n := startTarget(t, Config{})
	p := s.dial(t)
	_, port := splitAddr(s.addr)
	info := p.do("INFO")
	for _, line := range []string{
		"redis_version:7.0.15", "redis_mode:cluster", "run_id:" + n.runID, "tcp_port:" + port, fmt.Sprint("process_id:", os.Getpid()),
		"connected_clients:1", "loading:0", "aof_enabled:0", "role:master", "connected_slaves:0", "cluster_enabled:1",
		"total_connections_received:1",
	} {
		require.Contains(t, info, "\r\n"+line+"\r\n")
	}
	require.NotContains(t, info, "db0:", "which is how redis-cli knows that a node is empty")
	require.NotContains(t, info, "# Commandstats")
}

func TestInfoKeyspace(t *testing.T) {
	inBubble(t, func(t *testing.T, s target, _ *Node) {
		p := s.dial(t)
		p.do("SET", "a", "1")
		p.do("SET", "b", "1", "PX", "3000")
		p.do("SET", "c", "1", "PX", "5000")
		require.Contains(t, p.do("INFO", "keyspace"), "db0:keys=3,expires=2,avg_ttl=4000\r\n")
		time.Sleep(4 * time.Second)
		require.Contains(t, p.do("INFO", "keyspace"), "db0:keys=2,expires=1,avg_ttl=1000\r\n")
		require.Contains(t, p.do("INFO", "stats"), "expired_keys:1\r\n")
	})
}

func TestInfoClients(t *testing.T) {
	inBubble(t, func(t *testing.T, s target, _ *Node) {
		p, blocked := s.dial(t), s.dial(t)
		blocked.send("BLPOP", "k", "0")
		synctest.Wait()
		info := p.do("INFO", "clients")
		require.Contains(t, info, "connected_clients:2\r\n")
		require.Contains(t, info, "blocked_clients:1\r\n")
	})
}

func TestInfoUptime(t *testing.T) {
	inBubble(t, func(t *testing.T, s target, n *Node) {
		time.Sleep(25 * time.Hour)
		p := s.dial(t)
		info := p.do("INFO", "server")
		require.Contains(t, info, "uptime_in_seconds:90000\r\nuptime_in_days:1\r\n")
		require.Equal(t, fmt.Sprintf(":%d\r\n", time.Now().Add(-25*time.Hour).Unix()), p.do("LASTSAVE"))
		require.Equal(t, "*2\r\n"+bulk(fmt.Sprint(time.Now().Unix()))+"$1\r\n0\r\n", p.do("TIME"))
	})
}
