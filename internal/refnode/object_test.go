package refnode

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestObjectEncoding(t *testing.T) {
	members := func(n int, prefix string) (all []string) {
		for i := range n {
			all = append(all, prefix+strings.Repeat("1", i%10)+string(rune('0'+i%10)))
		}
		return all
	}
	long := strings.Repeat("x", 65)
	test := func(t *testing.T, s target) {
		p := s.dial(t)
		for i, tc := range []struct {
			encoding string
			write    []string
		}{
			{"int", []string{"SET", "{k}", "-12345"}},
			{"embstr", []string{"SET", "{k}", "012345"}},
			{"embstr", []string{"SET", "{k}", strings.Repeat("x", 44)}},
			{"raw", []string{"SET", "{k}", strings.Repeat("x", 45)}},
			{"quicklist", []string{"RPUSH", "{k}", "a"}},
			{"intset", []string{"SADD", "{k}", "1", "-2"}},
			{"hashtable", append([]string{"SADD", "{k}"}, members(10, "m")...)},
			{"listpack", []string{"HSET", "{k}", "f", "v"}},
			{"hashtable", []string{"HSET", "{k}", "f", long}},
			{"listpack", []string{"ZADD", "{k}", "1", "m"}},
			{"skiplist", []string{"ZADD", "{k}", "1", long}},
			{"stream", []string{"XADD", "{k}", "1-1", "f", "v"}},
			{"", []string{"PING"}},
		} {
			p.do("DEL", "{k}")
			require.NotEqual(t, "-", p.do(tc.write...)[:1])
			want := "$-1\r\n"
			if tc.encoding != "" {
				want = bulk(tc.encoding)
			}
			require.Equal(t, want, p.do("OBJECT", "ENCODING", "{k}"), "%d: %v", i, tc.write)
		}
	}
	t.Run("node", func(t *testing.T) { s, _ := startTarget(t, Config{}); test(t, s) })
	t.Run("redis", func(t *testing.T) { test(t, startRedis(t)) })
}

func TestMemoryUsageGrowsWithTheValue(t *testing.T) {
	s, _ := startTarget(t, Config{})
	p := s.dial(t)
	p.do("SET", "k", strings.Repeat("x", 1000))
	require.Greater(t, number(t, p.do("MEMORY", "USAGE", "k")), 1000)
	require.Equal(t, "$-1\r\n", p.do("MEMORY", "USAGE", "none"))
	require.Equal(t, "-ERR syntax error\r\n", p.do("MEMORY", "USAGE", "k", "x", "1"))
}
