package slotmap_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/slotmap"
)

// describe writes a Map down in full, for comparison.
func describe(m *slotmap.Map) string {
	var b strings.Builder
	write := func(n slotmap.Node) {
		fmt.Fprintf(&b, " %s", n.Addr)
		if n.Hostname != "" {
			fmt.Fprintf(&b, " (%s)", n.Hostname)
		}
	}
	for _, s := range m.Shards() {
		fmt.Fprintf(&b, "%v:", s.Ranges)
		write(s.Master)
		for _, n := range s.Replicas {
			b.WriteString(" replica")
			write(n)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "uncovered %v", m.Uncovered())
	return b.String()
}

// The captures are the bytes of a Redis 7.0.15 cluster of two masters and a
// replica, as its first node sent them.
func TestParseWhatServersSend(t *testing.T) {
	const withoutNames = `[0-5060 5062-8191]: HOST:28711 replica HOST:28713
[5061 8192-16000]: HOST:28712
uncovered [16001-16383]`
	for name, want := range map[string]string{
		"ip":               strings.ReplaceAll(withoutNames, "HOST", "127.0.0.1"),
		"unknown-endpoint": strings.ReplaceAll(withoutNames, "HOST", "10.1.1.1"),
		"hostname-none":    strings.ReplaceAll(withoutNames, "HOST", "127.0.0.1"),
		"hostname": `[0-5060 5062-8191]: a.example:28711 (a.example) replica 127.0.0.1:28713
[5061 8192-16000]: b.example:28712 (b.example)
uncovered [16001-16383]`,
		"ip-hostname": `[0-5060 5062-8191]: 127.0.0.1:28711 (a.example) replica 127.0.0.1:28713
[5061 8192-16000]: 127.0.0.1:28712 (b.example)
uncovered [16001-16383]`,
		"noaddr": `[0-5060 5062-8191]: 127.0.0.1:28711 (a.example) replica 127.0.0.1:28713
uncovered [5061 8192-16383]`,
	} {
		for _, protocol := range []int{2, 3} {
			t.Run(fmt.Sprintf("%s.resp%d", name, protocol), func(t *testing.T) {
				m, err := slotmap.Parse(capture(t, name, protocol), "10.1.1.1:28711")
				require.NoError(t, err)
				requireSound(t, m)
				require.Equal(t, want, describe(m))
				require.Len(t, m.Shards()[0].Master.ID, 40)
			})
		}
	}
}

// capture lets go-redis decode a recorded reply.
func capture(t *testing.T, name string, protocol int) []any {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", fmt.Sprintf("%s.resp%d", name, protocol)))
	require.NoError(t, err)
	client := redis.NewClient(&redis.Options{
		Protocol:        protocol,
		DisableIdentity: true,
		MaxRetries:      -1,
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			go replay(far, raw)
			return near, nil
		},
	})
	defer func() { require.NoError(t, client.Close()) }()
	reply, err := client.Do(t.Context(), "cluster", "slots").Slice()
	require.NoError(t, err)
	return reply
}

// replay answers CLUSTER SLOTS with raw, until the other side hangs up.
func replay(conn net.Conn, raw []byte) {
	defer conn.Close()
	for r := bufio.NewReader(conn); ; {
		var n int
		if _, err := fmt.Fscanf(r, "*%d\r\n", &n); err != nil {
			return
		}
		var args []string
		for range n {
			var size int
			if _, err := fmt.Fscanf(r, "$%d\r\n", &size); err != nil {
				return
			}
			arg := make([]byte, size+2)
			if _, err := io.ReadFull(r, arg); err != nil {
				return
			}
			args = append(args, strings.ToLower(string(arg[:size])))
		}
		answer := []byte("+OK\r\n")
		switch args[0] {
		case "hello":
			answer = []byte("%1\r\n$5\r\nproto\r\n:3\r\n")
		case "cluster":
			answer = raw
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}

func TestParseAddresses(t *testing.T) {
	type metadata = map[any]any
	for _, tc := range []struct {
		name   string
		node   []any
		origin string
		want   slotmap.Node // zero: uncovered
	}{
		{"ip", []any{"10.0.0.1", int64(7000), "id"}, "", slotmap.Node{ID: "id", Addr: "10.0.0.1:7000"}},
		{"ipv6", []any{"2001:db8::1", int64(7000), "id"}, "", slotmap.Node{ID: "id", Addr: "[2001:db8::1]:7000"}},
		{"ipv6 with zone", []any{"fe80::1%eth0", int64(7000)}, "", slotmap.Node{Addr: "[fe80::1%eth0]:7000"}},
		{"name", []any{"n1.example", int64(7000), "id"}, "", slotmap.Node{ID: "id", Addr: "n1.example:7000", Hostname: "n1.example"}},
		{"no id", []any{"10.0.0.1", int64(65535)}, "", slotmap.Node{Addr: "10.0.0.1:65535"}},
		{"empty id", []any{"10.0.0.1", int64(1), ""}, "", slotmap.Node{Addr: "10.0.0.1:1"}},
		{"null host", []any{nil, int64(7001), "id"}, "10.0.0.9:7000", slotmap.Node{ID: "id", Addr: "10.0.0.9:7001"}},
		{"null host, ip in metadata", []any{nil, int64(7001), "id", metadata{"ip": "10.0.0.1"}}, "nat.example:7000", slotmap.Node{ID: "id", Addr: "nat.example:7001"}},
		{"null host, name in metadata", []any{nil, int64(7001), "id", metadata{"hostname": "n1"}}, "10.0.0.9:7000", slotmap.Node{ID: "id", Addr: "10.0.0.9:7001", Hostname: "n1"}},
		{"empty host", []any{"", int64(7001), "id"}, "10.0.0.9:7000", slotmap.Node{ID: "id", Addr: "10.0.0.9:7001"}},
		{"empty host, ipv6 origin", []any{"", int64(7001), "id"}, "[::1]:7000", slotmap.Node{ID: "id", Addr: "[::1]:7001"}},
		{"empty host, origin without host", []any{"", int64(7001), "id"}, ":7000", slotmap.Node{ID: "id", Addr: ":7001"}},
		{"unknown, ip", []any{"?", int64(7000), "id", metadata{"ip": "10.0.0.1"}}, "", slotmap.Node{ID: "id", Addr: "10.0.0.1:7000"}},
		{"unknown, name", []any{"?", int64(7000), "id", []any{"hostname", "n1"}}, "", slotmap.Node{ID: "id", Addr: "n1:7000", Hostname: "n1"}},
		{"unknown, ip and name", []any{"?", int64(7000), "id", []any{"hostname", "n1", "ip", "10.0.0.1"}}, "", slotmap.Node{ID: "id", Addr: "10.0.0.1:7000", Hostname: "n1"}},
		{"unknown", []any{"?", int64(7000), "id", []any{}}, "10.0.0.9:7000", slotmap.Node{}},
		{"unknown, metadata as ignorant", []any{"?", int64(7000), "id", []any{"ip", "?", "hostname", ""}}, "10.0.0.9:7000", slotmap.Node{}},
		{"noaddr", []any{"", int64(0), "id", []any{}}, "10.0.0.9:7000", slotmap.Node{}},
		{"noaddr with a name", []any{"n1.example", int64(0), "id", []any{}}, "10.0.0.9:7000", slotmap.Node{}},
		{"null metadata", []any{"10.0.0.1", int64(7000), "id", nil}, "", slotmap.Node{ID: "id", Addr: "10.0.0.1:7000"}},
		{"strange metadata", []any{"10.0.0.1", int64(7000), "id", []any{"zone", int64(3), []any{}, nil, "ip", nil}}, "", slotmap.Node{ID: "id", Addr: "10.0.0.1:7000"}},
		{"names in a RESP3 map, one NULL", []any{"10.0.0.1", int64(7000), "id", metadata{"ip": nil, "hostname": "n1"}}, "", slotmap.Node{ID: "id", Addr: "10.0.0.1:7000", Hostname: "n1"}},
		{"a field more", []any{"10.0.0.1", int64(7000), "id", []any{}, "new"}, "", slotmap.Node{ID: "id", Addr: "10.0.0.1:7000"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, err := slotmap.Parse([]any{entry(0, 9, tc.node, node("r", 1, "idr"))}, tc.origin)
			require.NoError(t, err)
			requireSound(t, m)
			if tc.want == (slotmap.Node{}) {
				require.Empty(t, m.Shards(), "a master that nobody can reach serves nothing")
				return
			}
			require.Equal(t, tc.want, m.Shard(0).Master)

			m, err = slotmap.Parse([]any{entry(0, 9, node("m", 1, "idm"), tc.node)}, tc.origin)
			require.NoError(t, err)
			require.Equal(t, []slotmap.Node{tc.want}, m.Shard(0).Replicas)
		})
	}
}

func TestParseLeavesOutReplicasWithoutAddress(t *testing.T) {
	m := mustParse(t, entry(0, 9, node("a", 1, "ida"), node("?", 2, "idr"), node("", 0, "ids"), node("r", 3, "idt")))
	require.Equal(t, []string{"r:3"}, addrs(m.Shard(0).Replicas))
}

func TestParseMerges(t *testing.T) {
	for name, tc := range map[string]struct {
		reply []any
		want  string
	}{
		"any order, adjacent ranges": {
			[]any{entry(20, 29, node("a", 1, "ida")), entry(5, 5, node("b", 1, "idb")), entry(10, 19, node("a", 1, "ida"))},
			"[5]: b:1 (b)\n[10-29]: a:1 (a)\nuncovered [0-4 6-9 30-16383]",
		},
		"without ids": {
			[]any{entry(0, 9, []any{"a", int64(1)}, []any{"r", int64(1)}), entry(20, 16383, []any{"a", int64(1)}, []any{"s", int64(1)}, []any{"r", int64(1)})},
			"[0-9 20-16383]: a:1 (a) replica r:1 (r) replica s:1 (s)\nuncovered [10-19]",
		},
		"a proxy: several ids at one address": {
			[]any{entry(0, 9, node("p", 1, "ida"), node("p", 1, "idr")), entry(10, 16383, node("p", 1, "idb"))},
			"[0-16383]: p:1 (p)\nuncovered []",
		},
		"a master listed as replica": {
			[]any{entry(0, 9, node("a", 1, "ida"), node("b", 1, "idb"), node("r", 1, "idr")), entry(10, 16383, node("b", 1, "idb"), node("b", 1, "idb"))},
			"[0-9]: a:1 (a) replica r:1 (r)\n[10-16383]: b:1 (b)\nuncovered []",
		},
		"a replica of two masters": {
			[]any{entry(0, 9, node("a", 1, "ida"), node("r", 1, "idr")), entry(10, 16383, node("b", 1, "idb"), node("r", 1, "idr"))},
			"[0-9]: a:1 (a) replica r:1 (r)\n[10-16383]: b:1 (b) replica r:1 (r)\nuncovered []",
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, describe(mustParse(t, tc.reply...)))
		})
	}
}

func TestParseRefuses(t *testing.T) {
	a, b := node("a", 7000, "ida"), node("b", 7000, "idb")
	long := strings.Repeat("x", 1000)
	for name, tc := range map[string]struct {
		reply []any
		want  string
	}{
		"entry of another type":    {[]any{entry(0, 1, a), "MOVED"}, `entry 1: want a list, got "MOVED"`},
		"entry NULL":               {[]any{nil}, `entry 0: want a list, got NULL`},
		"entry an error":           {[]any{errors.New("ERR\r\nbad")}, `entry 0: want a list, got the error "ERR\r\nbad"`},
		"entry empty":              {[]any{[]any{}}, `entry 0: want first slot, last slot and master, got a list of 0`},
		"no master":                {[]any{entry(0, 1)}, `entry 0: want first slot, last slot and master, got a list of 2`},
		"first slot a string":      {[]any{[]any{"0", int64(1), a}}, `entry 0: first slot: want an integer, got "0"`},
		"last slot a float":        {[]any{[]any{int64(0), 1.5, a}}, `entry 0: last slot: want an integer, got a float64`},
		"first slot negative":      {[]any{entry(-1, 1, a)}, `entry 0: first slot: -1 is not in 0..16383`},
		"last slot too high":       {[]any{entry(0, 16384, a)}, `entry 0: last slot: 16384 is not in 0..16383`},
		"first above last":         {[]any{entry(0, 1, a), entry(9, 5, b)}, `entry 1: first slot 9 is above last slot 5`},
		"overlap":                  {[]any{entry(0, 5, a), entry(5, 9, b)}, `entry 1: slots 5-9: slot 5 is in entry 0 as well`},
		"overlap, same master":     {[]any{entry(0, 5, a), entry(3, 4, a)}, `entry 1: slots 3-4: slot 3 is in entry 0 as well`},
		"overlap, unknown master":  {[]any{entry(0, 5, node("?", 1, "x")), entry(5, 9, b)}, `entry 1: slots 5-9: slot 5 is in entry 0 as well`},
		"master not a list":        {[]any{entry(0, 5, "a:7000")}, `entry 0: slots 0-5: master: want a list, got "a:7000"`},
		"master empty":             {[]any{entry(0, 5, []any{})}, `entry 0: slots 0-5: master: want host and port, got a list of 0`},
		"replica a map":            {[]any{entry(0, 5, a, map[any]any{})}, `entry 0: slots 0-5: replica 1: want a list, got a map of 0`},
		"host an integer":          {[]any{entry(0, 5, []any{int64(1), int64(2)})}, `entry 0: slots 0-5: master: host: want a string or NULL, got 1`},
		"host and port":            {[]any{entry(0, 5, node("a:7000", 7000, ""))}, `entry 0: slots 0-5: master: host "a:7000" is neither a name nor an IP address`},
		"host of two lines":        {[]any{entry(0, 5, node("a\r\nb", 7000, ""))}, `entry 0: slots 0-5: master: host "a\r\nb" is neither a name nor an IP address`},
		"host very long":           {[]any{entry(0, 5, node(":"+long, 7000, ""))}, `entry 0: slots 0-5: master: host ":` + long[:99] + `" is neither a name nor an IP address`},
		"port a string":            {[]any{entry(0, 5, []any{"a", "7000"})}, `entry 0: slots 0-5: master: port: want an integer, got "7000"`},
		"port too high":            {[]any{entry(0, 5, a, b, node("c", 65536, ""))}, `entry 0: slots 0-5: replica 2: port: 65536 is not in 0..65535`},
		"port negative":            {[]any{entry(0, 5, node("c", -1, ""))}, `entry 0: slots 0-5: master: port: -1 is not in 0..65535`},
		"id NULL":                  {[]any{entry(0, 5, []any{"a", int64(1), nil})}, `entry 0: slots 0-5: master: id: want a string, got NULL`},
		"one id, two addresses":    {[]any{entry(0, 5, a), entry(6, 6, node("b", 1, "ida"))}, `entry 1: slots 6: master: id "ida" is at a:7000 and at b:1`},
		"metadata a string":        {[]any{entry(0, 5, []any{"a", int64(1), "x", "ip"})}, `entry 0: slots 0-5: master: metadata: want a map or a list, got "ip"`},
		"metadata odd":             {[]any{entry(0, 5, node("a", 1, "x", "ip"))}, `entry 0: slots 0-5: master: metadata: want pairs, got a list of 1`},
		"ip an integer":            {[]any{entry(0, 5, node("a", 1, "x", "ip", int64(1)))}, `entry 0: slots 0-5: master: metadata: ip: want a string, got 1`},
		"name in a map an integer": {[]any{entry(0, 5, []any{"a", int64(1), "x", map[any]any{"hostname": int64(1)}})}, `entry 0: slots 0-5: master: metadata: hostname: want a string, got 1`},
		"no host, no origin":       {[]any{entry(0, 5, node(nil, 1, "x"))}, `entry 0: slots 0-5: master: no host given, and none in the address "nowhere" of the node that answered`},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := slotmap.Parse(tc.reply, "nowhere")
			require.Nil(t, m)
			require.ErrorIs(t, err, slotmap.ErrBadReply)
			require.EqualError(t, err, "bad CLUSTER SLOTS reply: "+tc.want)
		})
	}
}
