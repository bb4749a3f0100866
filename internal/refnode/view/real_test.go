package view_test

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/realcluster"
	"github.com/slotmesh/slotmesh/internal/refnode/view"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// A conn is a connection to a real node on which replies are seen as they are.
type conn struct {
	t    *testing.T
	conn net.Conn
}

func dial(t *testing.T, addr string) conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
	return conn{t, c}
}

// do returns the raw reply to a command.
func (c conn) do(words ...string) string {
	c.t.Helper()
	args := make([]any, len(words))
	for i, word := range words {
		args[i] = word
	}
	request, err := resp.AppendRequest(nil, args)
	require.NoError(c.t, err)
	_, err = c.conn.Write(request)
	require.NoError(c.t, err)

	var s resp.Scanner
	var reply []byte
	for complete := false; !complete; {
		buf := make([]byte, 64<<10)
		n, err := c.conn.Read(buf)
		require.NoError(c.t, err)
		reply = append(reply, buf[:n]...)
		_, complete, err = s.Scan(buf[:n])
		require.NoError(c.t, err)
	}
	return string(reply)
}

// viewOf builds what a real node knows from its CLUSTER NODES, and returns that as
// well. What is not in there, offsets and the current epoch, it asks for otherwise.
func viewOf(t *testing.T, c conn) (v *view.View, nodes string) {
	t.Helper()
	offsets := offsetsOf(t, c)
	nodes = text(t, c.do("CLUSTER", "NODES"))
	lines := slices.Collect(strings.Lines(nodes))
	slices.SortStableFunc(lines, func(a, b string) int { return strings.Compare(rank(a), rank(b)) })
	for _, line := range lines {
		n := parseNode(t, strings.Fields(line))
		n.Offset = offsets[n.ID]
		if v == nil {
			v = view.New(n)
		}
		v.Meet(n)
	}
	for _, open := range []bool{false, true} { // what is open would not be bound
		for _, line := range lines {
			fields := strings.Fields(line)
			assign(t, v, fields[0], fields[8:], open)
		}
	}
	_, epoch, _ := strings.Cut(text(t, c.do("CLUSTER", "INFO")), "cluster_current_epoch:")
	epoch, _, _ = strings.Cut(epoch, "\r\n")
	v.RaiseEpoch(number(t, epoch))
	return v, nodes
}

func rank(line string) string {
	if strings.Contains(line, "myself") {
		return "first"
	}
	return "later"
}

// offsetsOf reads the offsets of all nodes from CLUSTER SHARDS.
func offsetsOf(t *testing.T, c conn) map[string]int64 {
	t.Helper()
	offsets := map[string]int64{}
	shards := c.do("CLUSTER", "SHARDS")
	for _, member := range strings.Split(shards, "$2\r\nid\r\n$40\r\n")[1:] {
		_, offset, ok := strings.Cut(member, "replication-offset\r\n:")
		require.True(t, ok)
		offset, _, _ = strings.Cut(offset, "\r\n")
		offsets[member[:40]] = int64(number(t, offset))
	}
	return offsets
}

func number(t *testing.T, digits string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(digits, 10, 64)
	require.NoError(t, err)
	return n
}

// parseNode parses a line of CLUSTER NODES but for its slots.
func parseNode(t *testing.T, fields []string) view.Node {
	t.Helper()
	addr, hostname, _ := strings.Cut(fields[1], ",")
	addr, busPort, ok := strings.Cut(addr, "@")
	require.True(t, ok)
	host, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	n := view.Node{
		ID: fields[0], IP: host, Hostname: hostname,
		Port: int(number(t, port)), BusPort: int(number(t, busPort)),
		PingSent: int64(number(t, fields[4])), PongReceived: int64(number(t, fields[5])),
		ConfigEpoch: number(t, fields[6]), Connected: fields[7] == "connected",
	}
	flags := strings.Split(fields[2], ",")
	n.PFail, n.Fail = slices.Contains(flags, "fail?"), slices.Contains(flags, "fail")
	if fields[3] != "-" {
		n.MasterID = fields[3]
	}
	return n
}

// assign binds to a node the slots of its line in CLUSTER NODES, or opens those that
// are open.
func assign(t *testing.T, v *view.View, id string, slots []string, open bool) {
	t.Helper()
	for _, word := range slots {
		if strings.HasPrefix(word, "[") != open {
			continue
		}
		if open {
			openSlot(t, v, strings.Trim(word, "[]"))
			continue
		}
		first, last, isRange := strings.Cut(word, "-")
		if !isRange {
			last = first
		}
		own(v, id, uint16(number(t, first)), uint16(number(t, last)))
	}
}

func openSlot(t *testing.T, v *view.View, open string) {
	t.Helper()
	if slot, target, ok := strings.Cut(open, "->-"); ok {
		require.NoError(t, v.SetMigrating(uint16(number(t, slot)), target))
		return
	}
	slot, source, ok := strings.Cut(open, "-<-")
	require.True(t, ok, open)
	require.NoError(t, v.SetImporting(uint16(number(t, slot)), source))
}

func TestAgainstARealCluster(t *testing.T) {
	c := realcluster.Start(t, realcluster.Config{Replicas: 1})
	source := openBar(t, c)
	for i, addr := range c.Addrs() {
		t.Run("replies of node "+strconv.Itoa(i), func(t *testing.T) { compareReplies(t, addr) })
		t.Run("redirections of node "+strconv.Itoa(i), func(t *testing.T) { compareRedirections(t, addr, source) })
	}

	// The others hear of a name some time, the node knows its own at once.
	require.Equal(t, "+OK\r\n", source.do("CONFIG", "SET", "cluster-announce-hostname", "source.example"))
	t.Run("replies of a node with a hostname", func(t *testing.T) { compareReplies(t, c.Masters()[0]) })
}

// openBar opens the slot of bar from the first master to the second. Two keys are still at
// the source.
func openBar(t *testing.T, c *realcluster.Cluster) (source conn) {
	t.Helper()
	source, target := dial(t, c.Masters()[0]), dial(t, c.Masters()[1])
	require.Equal(t, "+OK\r\n", source.do("MSET", "bar", "1", "{bar}2", "1"))
	require.Equal(t, ":1\r\n", source.do("WAIT", "1", "0"))
	slot, ids := strconv.Itoa(slotBar), [2]string{text(t, source.do("CLUSTER", "MYID")), text(t, target.do("CLUSTER", "MYID"))}
	require.Equal(t, "+OK\r\n", target.do("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[0]))
	require.Equal(t, "+OK\r\n", source.do("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[1]))
	return source
}

func compareReplies(t *testing.T, addr string) {
	resp2, resp3 := dial(t, addr), dial(t, addr)
	resp3.do("HELLO", "3")
	for endpoint := view.IP; endpoint <= view.Unknown; endpoint++ {
		require.Equal(t, "+OK\r\n", resp2.do("CONFIG", "SET", "cluster-preferred-endpoint-type", endpoint.String()))
		v, nodes := viewOf(t, resp2)
		s := v.Settings()
		s.Endpoint = endpoint
		v.Set(s)

		require.Equal(t, inOrder(nodes), inOrder(v.NodesText(v.Myself().PongReceived)))
		require.Equal(t, v.MyID(), text(t, resp2.do("CLUSTER", "MYID")))
		require.Equal(t, beforeCounters(text(t, resp2.do("CLUSTER", "INFO"))), beforeCounters(v.InfoText(view.Messages{}, view.Messages{}, 0)))
		for proto, c := range map[resp.Protocol]conn{resp.RESP2: resp2, resp.RESP3: resp3} {
			require.Equal(t, c.do("CLUSTER", "SLOTS"), string(v.AppendSlots(nil, proto)))
			require.Equal(t, withoutOffsets(t, []byte(c.do("CLUSTER", "SHARDS"))), withoutOffsets(t, v.AppendShards(nil, proto)))
		}
		compareReplicas(t, v, resp2)
	}
	resp2.do("CONFIG", "SET", "cluster-preferred-endpoint-type", "ip")
}

func beforeCounters(info string) string {
	before, _, _ := strings.Cut(info, "cluster_stats_messages")
	return before
}

// withoutOffsets returns the shards sorted. Offsets go on while one looks.
func withoutOffsets(t *testing.T, shards []byte) []string {
	t.Helper()
	var all []string
	for _, shard := range sortedElements(t, shards) {
		lines := strings.SplitAfter(string(shard), "\r\n")
		for i, line := range lines {
			if line == "replication-offset\r\n" {
				lines[i+1] = ":\r\n"
			}
		}
		all = append(all, strings.Join(lines, ""))
	}
	return all
}

// compareReplicas compares CLUSTER REPLICAS of every node but for the times.
func compareReplicas(t *testing.T, v *view.View, c conn) {
	t.Helper()
	for _, n := range v.Nodes() {
		lines, err := v.Replicas(n.ID, 0)
		reply := c.do("CLUSTER", "REPLICAS", n.ID)
		if err != nil {
			require.Equal(t, "-ERR "+err.Error()+"\r\n", reply)
			continue
		}
		var real []string
		for _, element := range elements(t, []byte(reply)) {
			real = append(real, withoutTimes(text(t, string(element))))
		}
		for i, line := range lines {
			lines[i] = withoutTimes(line)
		}
		require.Equal(t, real, lines)
	}
}

func withoutTimes(line string) string {
	fields := strings.Split(line, " ")
	fields[4], fields[5] = "", ""
	return strings.Join(fields, " ")
}

// compareRedirections compares the errors that commands get with what is decided. Which
// keys exist is what the source of the open slot says, elsewhere none do.
func compareRedirections(t *testing.T, addr string, source conn) {
	plain, readOnly := dial(t, addr), dial(t, addr)
	readOnly.do("READONLY")
	v, _ := viewOf(t, plain)
	exists := holding()
	if v.MyID() == text(t, source.do("CLUSTER", "MYID")) {
		exists = holding("bar", "{bar}2")
	}
	compare := func(c conn, q view.Query, words ...string) {
		t.Helper()
		if q.Asking {
			c.do("ASKING")
		}
		reply := c.do(words...)
		q.Exists = exists
		d := v.Decide(&q)
		if d.Kind == view.Serve {
			require.NotContains(t, []string{"-MOVED", "-ASK", "-TRYAGAIN", "-CROSSSLOT", "-CLUSTERDOWN"}, strings.Fields(reply)[0], words)
			return
		}
		require.Equal(t, string(v.AppendError(nil, d)), reply, words)
	}
	for _, names := range [][]string{
		{"bar"}, {"{bar}2"}, {"{bar}x"}, {"foo"}, {"b"}, {"bar", "bar"}, {"{bar}x", "{bar}x"}, {"bar", "{bar}2"},
		{"bar", "{bar}x"}, {"{bar}x", "{bar}y"}, {"bar", "foo"}, {"foo", "bar"}, {"bar", "{bar}x", "foo"}, {"b", "bar"},
	} {
		q := view.Query{Keys: keys(names...)}
		compare(plain, q, append([]string{"MGET"}, names...)...)
		compare(plain, with(q, func(q *view.Query) { q.Asking = true }), append([]string{"MGET"}, names...)...)
		compare(readOnly, with(q, func(q *view.Query) { q.ReadOnly = true }), append([]string{"MGET"}, names...)...)
		compare(readOnly, with(q, func(q *view.Query) { q.ReadOnly, q.Write = true, true }), append([]string{"PFMERGE"}, names...)...)
		compare(plain, with(q, func(q *view.Query) { q.Migrate, q.Write = true, true }),
			append([]string{"MIGRATE", "127.0.0.1", "1", "", "0", "1", "COPY", "KEYS"}, names...)...)
		compare(plain, with(q, func(q *view.Query) { q.Keys, q.ShardPubSub = q.Keys[:1], true }), "SPUBLISH", names[0], "message")
		compareExec(t, plain, v, exists, names)
	}
}

func with(q view.Query, change func(*view.Query)) view.Query {
	change(&q)
	return q
}

// compareExec queues a read of each name and compares what EXEC answers, if all were
// queued.
func compareExec(t *testing.T, c conn, v *view.View, exists func([]byte) bool, names []string) {
	t.Helper()
	c.do("MULTI")
	for _, name := range names {
		if c.do("GET", name) != "+QUEUED\r\n" {
			c.do("DISCARD")
			return
		}
	}
	d := v.Decide(&view.Query{Keys: keys(names...), Exists: exists})
	reply := c.do("EXEC")
	if d.Kind == view.Serve {
		require.Equal(t, byte('*'), reply[0])
		return
	}
	require.Equal(t, string(v.AppendError(nil, d)), reply)
}
