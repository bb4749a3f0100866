package view_test

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/view"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// captures holds raw replies of a redis-server 7.0.15 by name. Of those whose name ends
// in "(start)" only the first bytes were kept.
func captures(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("testdata/redis-7.0.15.txt")
	require.NoError(t, err)
	captures := map[string]string{}
	for block := range strings.SplitSeq(string(text), "\n\n") {
		name, quoted, _ := strings.Cut(strings.TrimSpace(block), "\n")
		captures[name], err = strconv.Unquote(quoted)
		require.NoError(t, err, name)
	}
	return captures
}

// The nodes of the captures' first session.
var (
	firstA = view.Node{ID: "b7a736504f9a0dea639cd07a4c0d38bf6990db67", IP: "127.0.0.1", Port: 23211, BusPort: 33211, ConfigEpoch: 1}
	firstB = view.Node{ID: "6b8a0a5646b040410bfc0d398e0c66b625628f6b", IP: "127.0.0.1", Port: 23212, BusPort: 33212, ConfigEpoch: 6,
		PongReceived: 1795160471145, Connected: true}
	firstR = view.Node{ID: "c518aefccb2ba7e4bd869fbf8d965230bb9e22ff", IP: "127.0.0.1", Port: 23213, BusPort: 33213, MasterID: firstA.ID,
		PongReceived: 1795160471346, Connected: true}
)

const firstNow = 1795160471400

func formed() *view.View {
	v := view.New(firstA)
	v.Meet(firstB)
	v.Meet(firstR)
	own(v, firstA.ID, 0, 8191)
	own(v, firstB.ID, 8192, 16383)
	return v
}

// The nodes of the captures' second session.
var (
	secondA = view.Node{ID: "3b1d65b6bffbcb87c25e018176a4f58c0ae92650", IP: "127.0.0.1", Port: 23311, BusPort: 33311, ConfigEpoch: 1}
	secondB = view.Node{ID: "458897bd5b913d18e69ddd91f87846ca6f785972", IP: "127.0.0.1", Port: 23312, BusPort: 33312, ConfigEpoch: 2,
		PongReceived: 1795160534216, Connected: true}
	secondR = view.Node{ID: "5754b1d6f0fc15783bffd151988cacd0c367c318", IP: "127.0.0.1", Port: 23313, BusPort: 33313, MasterID: secondA.ID,
		PongReceived: 1795160534216, Connected: true}
)

const secondNow = 1795160534300

// afterMove is the second session after the slot of bar went from A to B.
func afterMove(endpoint view.EndpointType, change func(a, b, r *view.Node)) *view.View {
	a, b, r := secondA, secondB, secondR
	change(&a, &b, &r)
	v := view.New(a)
	v.Meet(b)
	v.Meet(r)
	own(v, a.ID, 0, slotBar-1)
	own(v, b.ID, slotBar, slotBar)
	own(v, a.ID, slotBar+1, 8191)
	own(v, b.ID, 8192, 16383)
	s := v.Settings()
	s.Endpoint = endpoint
	v.Set(s)
	return v
}

// inOrder sorts what the protocol leaves in any order, the lines of a text.
func inOrder(text string) []string { return slices.Sorted(strings.Lines(text)) }

// text returns the text of a bulk or verbatim reply.
func text(t *testing.T, reply string) string {
	t.Helper()
	header, rest, ok := strings.Cut(reply, "\r\n")
	require.True(t, ok)
	n, err := strconv.Atoi(header[1:])
	require.NoError(t, err)
	require.Len(t, rest, n+len("\r\n"))
	return strings.TrimPrefix(rest[:n], "txt:")
}

// elements returns the replies that an array consists of, as they are.
func elements(t *testing.T, reply []byte) [][]byte {
	t.Helper()
	require.EqualValues(t, resp.Array, reply[0])
	_, rest, _ := bytes.Cut(reply, []byte("\r\n"))
	var elements [][]byte
	for len(rest) > 0 {
		var s resp.Scanner
		n, complete, err := s.Scan(rest)
		require.NoError(t, err)
		require.True(t, complete)
		elements = append(elements, rest[:n])
		rest = rest[n:]
	}
	return elements
}

// sortedElements is for replies that list masters in any order.
func sortedElements(t *testing.T, reply []byte) [][]byte {
	t.Helper()
	all := elements(t, reply)
	slices.SortFunc(all, bytes.Compare)
	return all
}

func TestRepliesOfAFreshNode(t *testing.T) {
	captured := captures(t)
	self := firstA
	self.IP, self.ConfigEpoch = "", 0
	v := view.New(self)
	require.Equal(t, text(t, captured["fresh NODES"]), v.NodesText(firstNow))
	require.Equal(t, captured["fresh SLOTS"], string(v.AppendSlots(nil, resp.RESP2)))
	require.Equal(t, captured["fresh SHARDS"], string(v.AppendShards(nil, resp.RESP2)))

	// The size is 1 in a server until it has first counted, two seconds after its start.
	want := strings.Replace(text(t, captured["fresh INFO"]), "cluster_size:1", "cluster_size:0", 1)
	require.Equal(t, want, v.InfoText(view.Messages{}, view.Messages{}, 0))
}

func TestRepliesOfAFormedCluster(t *testing.T) {
	captured := captures(t)
	v := formed()
	require.Equal(t, inOrder(text(t, captured["formed NODES"])), inOrder(v.NodesText(firstNow)))
	require.Equal(t, captured["formed SLOTS"], string(v.AppendSlots(nil, resp.RESP2)))
	require.Equal(t, captured["formed RESP3 SLOTS"], string(v.AppendSlots(nil, resp.RESP3)))
	for proto, name := range map[resp.Protocol]string{resp.RESP2: "formed SHARDS", resp.RESP3: "formed RESP3 SHARDS"} {
		require.Equal(t, sortedElements(t, []byte(captured[name])), sortedElements(t, v.AppendShards(nil, proto)))
	}

	lines, err := v.Replicas(firstA.ID, firstNow)
	require.NoError(t, err)
	require.Len(t, lines, 1)
	require.Equal(t, captured["formed REPLICAS"], string(resp.AppendBulk(resp.AppendArray(nil, 1), lines[0])))

	require.NoError(t, v.SetMigrating(slotBar, firstB.ID))
	require.Equal(t, inOrder(text(t, captured["migrating NODES"])), inOrder(v.NodesText(firstNow)))
}

func TestInfoCountsMessages(t *testing.T) {
	v := formed()
	sent, received := view.Messages{9, 12, 2}, view.Messages{12, 11}
	require.Equal(t, text(t, captures(t)["formed INFO"]), v.InfoText(sent, received, 0))

	sent = view.Messages{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}
	var names []string
	for line := range strings.Lines(v.InfoText(sent, received, 3)) {
		if name, ok := strings.CutSuffix(line, "_sent:1\r\n"); ok {
			names = append(names, strings.TrimPrefix(name, "cluster_stats_messages_"))
		}
	}
	require.Equal(t, strings.Fields("ping pong meet fail publish auth-req auth-ack update mfstart module publishshard"), names)
	require.Contains(t, v.InfoText(sent, received, 3), "total_cluster_links_buffer_limit_exceeded:3\r\n")
}

func TestInfoCountsSlotsByTheHealthOfTheirOwners(t *testing.T) {
	v := threeMasters()
	v.SetHealth(nodeB.ID, true, false)
	v.SetHealth(nodeS.ID, true, true)
	require.Contains(t, v.InfoText(view.Messages{}, view.Messages{}, 0), "cluster_state:fail\r\ncluster_slots_assigned:16384\r\n"+
		"cluster_slots_ok:5001\r\ncluster_slots_pfail:5000\r\ncluster_slots_fail:6383\r\ncluster_known_nodes:3\r\ncluster_size:3\r\n")
}

func TestAReplicaShowsItsMastersEpoch(t *testing.T) {
	v := clusterOf(nodeS)
	require.Contains(t, v.InfoText(view.Messages{}, view.Messages{}, 0), "cluster_my_epoch:2\r\n")
	require.Contains(t, v.NodeLine(v.Myself(), 0), " "+nodeB.ID+" 0 0 2 connected")
}

func TestSlotsNamesEndpoints(t *testing.T) {
	captured := captures(t)
	named := func(a, b, r *view.Node) {
		a.Hostname, b.Hostname, r.Offset = "a.example", "b.example", 1
	}
	for name, v := range map[string]*view.View{
		"unknown":          afterMove(view.Unknown, func(a, b, r *view.Node) {}),
		"no hostname":      afterMove(view.Hostname, func(a, b, r *view.Node) {}),
		"hostname":         afterMove(view.Hostname, named),
		"ip with hostname": afterMove(view.IP, named),
	} {
		want := captured[name+" SLOTS (start)"]
		require.NotEmpty(t, want)
		require.Equal(t, want, string(v.AppendSlots(nil, resp.RESP2))[:len(want)], name)
	}
	v := afterMove(view.IP, named)
	require.Equal(t, inOrder(text(t, captured["hostname NODES"])), inOrder(v.NodesText(secondNow)))
}

func TestSlotsNullsUnknownEndpointsInRESP3(t *testing.T) {
	v := afterMove(view.Unknown, func(a, b, r *view.Node) {})
	require.True(t, strings.HasPrefix(string(v.AppendSlots(nil, resp.RESP3)), "*4\r\n*3\r\n:0\r\n:5060\r\n*4\r\n_\r\n:23311\r\n"))
}

func TestShardsNameEndpoints(t *testing.T) {
	self := firstA
	self.Hostname, self.Offset = "h.example", 189
	self.PongReceived = firstNow / 1000 * 1000 // from when it was not alone
	v := view.New(self)
	captured := captures(t)
	require.Equal(t, text(t, captured["lone hostname NODES"]), v.NodesText(firstNow))

	s := v.Settings()
	s.Endpoint = view.Hostname
	v.Set(s)
	require.Equal(t, captured["lone hostname SHARDS"], string(v.AppendShards(nil, resp.RESP2)))

	v.Myself().Hostname = ""
	require.Contains(t, string(v.AppendShards(nil, resp.RESP2)), "$8\r\nendpoint\r\n$1\r\n?\r\n$4\r\nrole\r\n")
	s.Endpoint = view.Unknown
	v.Set(s)
	require.Contains(t, string(v.AppendShards(nil, resp.RESP2)), "$8\r\nendpoint\r\n$0\r\n\r\n$4\r\nrole\r\n")
}

func TestNodesAfterForgetAndReset(t *testing.T) {
	captured := captures(t)
	v := afterMove(view.IP, func(a, b, r *view.Node) { a.Hostname = "a.example" })
	require.NoError(t, v.Forget(secondB.ID))
	lost := secondR
	lost.NoAddr, lost.Connected, lost.PingSent = true, false, 1795160534518
	v.Meet(lost)
	require.Equal(t, inOrder(text(t, captured["forgotten NODES"])), inOrder(v.NodesText(secondNow)))

	r := secondR
	r.PongReceived = secondNow / 1000 * 1000
	v = view.New(r)
	v.Meet(secondA)
	require.NoError(t, v.Reset("79ff5ea16542447b2fca76988e46c5110ecf182b", false))
	require.Equal(t, text(t, captured["reset NODES"]), v.NodesText(secondNow))
}

func TestFlags(t *testing.T) {
	for flags, n := range map[string]view.Node{
		"master":               {},
		"slave,nofailover":     {MasterID: nodeA.ID, NoFailover: true},
		"master,fail?":         {PFail: true},
		"slave,fail":           {MasterID: nodeA.ID, Fail: true},
		"handshake":            {Handshake: true},
		"fail?,fail,handshake": {Handshake: true, PFail: true, Fail: true},
		"master,noaddr":        {NoAddr: true},
	} {
		v := view.New(nodeA)
		n.ID = nodeB.ID
		v.Meet(n)
		require.Equal(t, flags, strings.Fields(v.NodeLine(node(t, v, n.ID), 0))[2])
	}
	require.Equal(t, "myself,slave", strings.Fields(clusterOf(nodeR).NodesText(0))[2])
}

func TestOpenSlotsComeInOrder(t *testing.T) {
	v := clusterOf(nodeA)
	require.NoError(t, v.SetImporting(16383, nodeB.ID))
	require.NoError(t, v.SetMigrating(8191, nodeB.ID))
	require.NoError(t, v.SetMigrating(0, nodeB.ID))
	require.NoError(t, v.SetImporting(9000, nodeB.ID))
	want := " connected 0-8191 [0->-B] [8191->-B] [9000-<-B] [16383-<-B]"
	require.True(t, strings.HasSuffix(v.NodeLine(v.Myself(), 0), strings.ReplaceAll(want, "B", nodeB.ID)))
	require.True(t, strings.HasSuffix(v.NodeLine(node(t, v, nodeB.ID), 0), " connected 8192-16383"))
}

func TestReplicasAreListedWhenTheyHaveData(t *testing.T) {
	listed := func(r view.Node) bool {
		v := clusterOf(nodeA)
		v.Meet(r)
		return strings.Contains(string(v.AppendSlots(nil, resp.RESP2)), r.ID)
	}
	fresh, failed := nodeR, nodeR
	fresh.Offset, failed.Fail = 0, true
	require.True(t, listed(nodeR))
	require.False(t, listed(fresh))
	require.False(t, listed(failed))
}

func TestShardsShowHealth(t *testing.T) {
	health := func(n view.Node) string {
		v := view.New(nodeA)
		v.Meet(nodeB)
		v.Meet(n)
		_, after, ok := strings.Cut(string(v.AppendShards(nil, resp.RESP2)), n.ID)
		require.True(t, ok)
		_, after, ok = strings.Cut(after, "health\r\n")
		require.True(t, ok)
		return strings.Split(after, "\r\n")[1]
	}
	fresh, failed := nodeS, nodeS
	fresh.Offset, failed.Fail = 0, true
	require.Equal(t, "online", health(nodeS))
	require.Equal(t, "loading", health(fresh))
	require.Equal(t, "fail", health(failed))
	emptyMaster := view.Node{ID: nodeS.ID}
	require.Equal(t, "online", health(emptyMaster))
}

func TestReplicasRefusals(t *testing.T) {
	v := clusterOf(nodeA)
	_, err := v.Replicas("zz", 0)
	refused(t, err, "Unknown node zz")
	_, err = v.Replicas(nodeR.ID, 0)
	refused(t, err, "The specified node is not a master")
}
