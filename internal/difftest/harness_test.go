package difftest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// Two clusters of the same kind do not differ, so what run finds between others is
// theirs.
func TestHarness(t *testing.T) {
	a, b := realPair(t)
	run(t, a, b, *stepsFlag, seed(t))
}

// newReal returns two real sides as every run finds them.
func newReal(t *testing.T) *duel {
	t.Helper()
	a, b := realPair(t)
	d, err := newDuel(a, b)
	require.NoError(t, err)
	t.Cleanup(d.close)
	require.NoError(t, d.reset())
	return d
}

// What is the matter with one side alone is seen.
func TestAuditSees(t *testing.T) {
	key := "{" + tags[0] + "}s0"
	for _, only := range []string{
		"SET " + key + " 2",
		"DEL " + key,
		"PEXPIRE " + key + " 10000000",
		"RENAME " + key + " {" + tags[0] + "}s1",
		"CLUSTER SETSLOT 100 MIGRATING <id2>",
		"CLUSTER SETSLOT 7000 IMPORTING <id2>",
		"CLUSTER SETSLOT 100 NODE <id2>",
		"CLUSTER DELSLOTS 7000",
	} {
		t.Run(only, func(t *testing.T) {
			d := newReal(t)
			at := place{0, clean}
			_, err := d.exchange(at, words(exact, "SET "+key+" 1"))
			require.NoError(t, err)
			if strings.HasSuffix(only, "NODE <id2>") { // which takes a slot without keys
				_, err := d.exchange(at, words(exact, "FLUSHALL"))
				require.NoError(t, err)
			}
			require.NoError(t, d.do(audit{}))

			require.NoError(t, d.b.doAll(0, []command{words(exact, only)}))
			err = d.do(audit{})
			require.ErrorContains(t, err, "step 2: audit: node1/3")
			require.ErrorContains(t, err, "\nB: ")
			require.ErrorContains(t, err, "step 1: node3/3 CLUSTER INFO ->", "what was sent before")
		})
	}
}

// A transaction on one side alone is seen by its connection, and by no other.
func TestConnectionsHaveState(t *testing.T) {
	d := newReal(t)
	at := place{0, 0}
	_, err := d.b.conn(at)
	require.NoError(t, err)
	require.NoError(t, d.b.send(at, d.b.request(nil, words(exact, "MULTI"))))
	_, _, err = d.b.receive(at)
	require.NoError(t, err)

	_, err = d.exchange(place{0, 1}, words(exact, "PING"))
	require.NoError(t, err)
	_, err = d.exchange(at, words(exact, "PING"))
	require.ErrorContains(t, err, `A: "+PONG\r\n"`)
	require.ErrorContains(t, err, `B: "+QUEUED\r\n"`)
}

// A shape that no server understands would test nothing.
func TestShapesAreUnderstood(t *testing.T) {
	d := newReal(t)
	g := newGenerator(seeded(1))
	for _, table := range [][]shape{shapes, fixed, topology} {
		for _, s := range table {
			if !strings.Contains(s.text, "NOSUCH") {
				require.True(t, d.understands(t, g, s), s.text)
			}
		}
	}
}

// understands reports whether a shape is ever answered with something else than that
// it makes no sense.
func (d *duel) understands(t *testing.T, g *generator, s shape) bool {
	for range 100 {
		at := place{0, 0}
		replies, err := d.exchange(at, g.fillIn(s)...)
		require.NoError(t, err)
		d.drop(at) // or all else would be queued behind MULTI
		text := string(replies[0])
		if !strings.Contains(text, "syntax error") && !strings.Contains(text, "unknown ") &&
			!strings.Contains(text, "wrong number of arguments") {
			return true
		}
	}
	return false
}

func TestViews(t *testing.T) {
	const (
		node1 = "aaaa 127.0.0.1:1@2 myself,master - 0 0 1 connected 0-5"
		node2 = "bbbb 127.0.0.1:3@4 master - 0 1795160471145 2 connected 6-9"
		again = "bbbb 127.0.0.1:3@5 master - 17 1795160471146 3 disconnected 6-9"
		moved = "bbbb 127.0.0.1:3@4 master - 0 1795160471145 2 connected 6-8"
	)
	bulk := func(text string) string { return string(resp.AppendBulk(nil, text)) }
	for name, tt := range map[string]struct {
		view view
		a, b string
		same bool
	}{
		"exact":                     {exact, "*2\r\n:1\r\n:2\r\n", "*2\r\n:2\r\n:1\r\n", false},
		"exact, other type":         {exact, "*1\r\n:1\r\n", "~1\r\n:1\r\n", false},
		"exact, other null":         {exact, "$-1\r\n", "*-1\r\n", false},
		"exact, null or empty":      {exact, "$-1\r\n", "$0\r\n\r\n", false},
		"sorted":                    {sorted, "~2\r\n+a\r\n+b\r\n", "~2\r\n+b\r\n+a\r\n", true},
		"sorted, other element":     {sorted, "*2\r\n+a\r\n+b\r\n", "*2\r\n+b\r\n+b\r\n", false},
		"sorted, other error":       {sorted, "-ERR a\r\n", "-ERR b\r\n", false},
		"pairs":                     {pairs, "*4\r\n+a\r\n:1\r\n+b\r\n:2\r\n", "*4\r\n+b\r\n:2\r\n+a\r\n:1\r\n", true},
		"pairs, torn":               {pairs, "*4\r\n+a\r\n:1\r\n+b\r\n:2\r\n", "*4\r\n+b\r\n:1\r\n+a\r\n:2\r\n", false},
		"pairs, nested":             {pairs, "*2\r\n*2\r\n+a\r\n:1\r\n*2\r\n+b\r\n:2\r\n", "*2\r\n*2\r\n+b\r\n:2\r\n*2\r\n+a\r\n:1\r\n", true},
		"scan":                      {scan, "*2\r\n+0\r\n*2\r\n+a\r\n+b\r\n", "*2\r\n+0\r\n*2\r\n+b\r\n+a\r\n", true},
		"scan, other cursor":        {scan, "*2\r\n+0\r\n*1\r\n+a\r\n", "*2\r\n+4\r\n*1\r\n+a\r\n", false},
		"scanned":                   {scanned, "*2\r\n+0\r\n*4\r\n+a\r\n:1\r\n+b\r\n:2\r\n", "*2\r\n+0\r\n*4\r\n+b\r\n:1\r\n+a\r\n:2\r\n", false},
		"kind":                      {kindOnly, "$1\r\na\r\n", "$2\r\nbb\r\n", true},
		"kind, null":                {kindOnly, "$1\r\na\r\n", "$-1\r\n", false},
		"kind, other length":        {kindOnly, "*1\r\n+a\r\n", "*2\r\n+a\r\n+b\r\n", false},
		"seconds":                   {seconds, ":100\r\n", ":130\r\n", true},
		"seconds, too far":          {seconds, ":100\r\n", ":131\r\n", false},
		"seconds, no key or expiry": {seconds, ":-1\r\n", ":-2\r\n", false},
		"seconds, none or little":   {seconds, ":-1\r\n", ":1\r\n", false},
		"seconds, an error":         {seconds, ":1\r\n", "-ERR\r\n", false},
		"millis":                    {millis, ":1000\r\n", ":31000\r\n", true},
		"nodes":                     {slotsText, bulk(node1 + "\n" + node2 + "\n"), bulk(again + "\n" + node1 + "\n"), true},
		"nodes, verbatim":           {slotsText, "=4\r\ntxt:\r\n", bulk(""), false},
		"nodes, other slots":        {slotsText, bulk(node1 + "\n" + node2 + "\n"), bulk(node1 + "\n" + moved + "\n"), false},
		"info":                      {infoText, bulk("cluster_state:ok\r\ncluster_stats_messages_sent:1\r\n"), bulk("cluster_state:ok\r\n"), true},
		"info, other state":         {infoText, bulk("cluster_state:ok\r\n"), bulk("cluster_state:fail\r\n"), false},
		"info, verbatim":            {infoText, "=20\r\ntxt:cluster_state:ok\r\n", "=22\r\ntxt:cluster_state:fail\r\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.same, tt.view.same(parse([]byte(tt.a)), parse([]byte(tt.b))))
		})
	}
}

// The replies to a transaction compare as each of its commands would.
func TestTransactionsCompareOneByOne(t *testing.T) {
	a := parse([]byte("*2\r\n*2\r\n+a\r\n+b\r\n*2\r\n+a\r\n+b\r\n"))
	b := parse([]byte("*2\r\n*2\r\n+b\r\n+a\r\n*2\r\n+a\r\n+b\r\n"))
	exec := words(exact, "exec")
	require.True(t, sameReply(exec, []view{sorted, exact}, a, b))
	require.False(t, sameReply(exec, []view{exact, sorted}, a, b))
	require.False(t, sameReply(exec, nil, a, b))
}

func TestNames(t *testing.T) {
	id := strings.Repeat("a", 40)
	s := &side{addrs: []string{"127.0.0.1:12182"}, ports: map[string]string{"12182": portName(0)}}
	s.ids[0] = id
	s.epochs[0] = 3
	s.makeNames()
	for raw, want := range map[string]string{
		"-MOVED 12182 127.0.0.1:12182\r\n":                    `-"MOVED 12182 <addr1>"`,
		"-ERR Unknown node " + id + "\r\n":                    `-"ERR Unknown node <id1>"`,
		"*2\r\n:12182\r\n*2\r\n$9\r\n127.0.0.1\r\n:12182\r\n": `*[:"12182" *[$"<host>" :"<port1>"]]`,
		"*2\r\n$4\r\nport\r\n:12182\r\n":                      `*[$"port" :"<port1>"]`,
		"+STILL 3\r\n":                                        `+"STILL <epoch+0>"`,
		"+BUMPED 4\r\n":                                       `+"BUMPED <epoch+1>"`,
		"$8\r\nBUMPED 4\r\n":                                  `$"BUMPED 4"`,
		"*2\r\n$2\r\nid\r\n:5\r\n":                            `*[$"id" :"<client>"]`,
	} {
		require.Equal(t, want, s.named(parse([]byte(raw)), 0).String())
	}
	request := s.request(nil, words(exact, "MIGRATE <host1> <port1> <id1>"))
	require.Equal(t, "*4\r\n$7\r\nMIGRATE\r\n$9\r\n127.0.0.1\r\n$5\r\n12182\r\n$40\r\n"+id+"\r\n", string(request))
}

// Differences are found by command and replies, the first that matches.
func TestDifferences(t *testing.T) {
	table := differenceTable{
		{"role", func(c command, a, b string) bool { return c.is("ROLE") && a != b }, "no replication"},
		{"all", func(command, string, string) bool { return true }, ""},
	}
	name, ok := table.find(words(exact, "role"), "a", "b")
	require.True(t, ok)
	require.Equal(t, "role", name)
	_, ok = table[:1].find(words(exact, "GET k"), "a", "b")
	require.False(t, ok)
	require.Equal(t, map[string]string{"role": "no replication"}, table.reasons(map[string]int{"role": 2}))
}

// The same choices make the same steps.
func TestRunsRepeat(t *testing.T) {
	draw := func(src source) []step {
		g := newGenerator(src)
		var steps []step
		for range 500 {
			steps = append(steps, g.next())
		}
		return steps
	}
	require.Equal(t, draw(seeded(7)), draw(seeded(7)))
	require.NotEqual(t, draw(seeded(7)), draw(seeded(8)))

	bytes := []byte(strings.Repeat("what a fuzzer says", 100))
	require.Equal(t, draw(&tape{bytes}), draw(&tape{bytes}))
}

func TestClasses(t *testing.T) {
	for raw, want := range map[string]string{
		"+OK\r\n":                               "OK",
		"+BUMPED 4\r\n":                         "BUMPED",
		"-MOVED 1 127.0.0.1:1\r\n":              "MOVED",
		"-ERR no such key\r\n":                  "ERR",
		"-NOAUTH\r\n":                           "NOAUTH",
		"-CLUSTERDOWN Hash slot not served\r\n": "CLUSTERDOWN Hash slot not served",
		"-CLUSTERDOWN The cluster is down and only accepts read commands\r\n": "CLUSTERDOWN The cluster is down and only accepts read commands",
		"-CLUSTERDOWN The cluster is down\r\n":                                "CLUSTERDOWN The cluster is down",
		":-1\r\n":                                                             "integer",
		"$-1\r\n":                                                             "null bulk",
		"*-1\r\n":                                                             "null array",
		"_\r\n":                                                               "null",
		"%0\r\n":                                                              "map",
	} {
		require.Equal(t, want, class([]byte(raw)))
	}
}
