package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/hashtag"
)

func TestTheTableSaysWhoServesWhat(t *testing.T) {
	p := start(t)
	addrs, roles := p.nodes()
	require.Equal(t, []string{
		"master 0-5460", "master 5461-10922", "master 10923-16383",
		"replica of " + addrs[0], "replica of " + addrs[1], "replica of " + addrs[2],
	}, roles)
	require.Equal(t, "  redis-cli -c -p "+port(addrs[0]), p.prints("redis-cli"))
	p.prints("the cluster is up")
	p.ends()
	requireDown(t, addrs[0])
}

func TestASlotMovesUnderAClient(t *testing.T) {
	p := start(t, "-replicas", "0")
	addrs, _ := p.nodes()
	client := clusterClient(t, addrs)
	require.NoError(t, client.Set(t.Context(), "{b}", "value", 0).Err())
	slot := hashtag.Slot("{b}")
	require.Less(t, slot, uint16(5461), "one of the first node")

	p.enter("migrate %d %s", slot, port(addrs[2]))
	p.prints(fmt.Sprintf("slot %d is open from %s to %s", slot, addrs[0], addrs[2]))
	p.prints(fmt.Sprintf("slot %d is now served by %s", slot, addrs[2]))
	require.EqualError(t, nodeClient(t, addrs[0]).Get(t.Context(), "{b}").Err(), fmt.Sprintf("MOVED %d %s", slot, addrs[2]))
	require.Equal(t, "value", nodeClient(t, addrs[2]).Get(t.Context(), "{b}").Val(), "the key moves with its slot")
	require.Equal(t, "value", client.Get(t.Context(), "{b}").Val())
	p.ends()
}

func TestAReplicaTakesOver(t *testing.T) {
	p := start(t)
	addrs, _ := p.nodes()
	require.NoError(t, clusterClient(t, addrs).Set(t.Context(), "{b}", "value", 0).Err())

	p.enter("kill %s", port(addrs[0]))
	p.prints(addrs[0] + " was killed")
	p.finishes()
	requireDown(t, addrs[0])
	p.enter("promote %s", addrs[3])
	p.prints(addrs[3] + " was promoted")
	p.finishes()
	value, err := clusterClient(t, addrs[1:]).Get(t.Context(), "{b}").Result()
	require.NoError(t, err)
	require.Equal(t, "value", value, "a replica has what its master had")

	p.enter("RESTART %s", port(addrs[0]))
	p.prints(addrs[0] + " follows " + addrs[3])
	p.prints(addrs[0] + " was started again")
	p.ends()
}

// What keeps a node from answering keeps a client waiting, and is over when it is undone.
func TestANodeThatDoesNotAnswer(t *testing.T) {
	p := start(t)
	addrs, _ := p.nodes()
	node := nodeClient(t, addrs[0])
	for _, verbs := range [][2]string{
		{"pause " + addrs[0], "resume " + port(addrs[0])},
		{"cut clients " + port(addrs[0]), "heal " + addrs[0] + " clients"},
	} {
		require.NoError(t, node.Ping(t.Context()).Err())
		p.enter("%s", verbs[0])
		p.finishes()
		soon, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		var silence net.Error
		require.ErrorAs(t, node.Ping(soon).Err(), &silence, verbs[0])
		require.True(t, silence.Timeout(), silence)
		cancel()

		p.enter("%s", verbs[1])
		require.NoError(t, node.Ping(t.Context()).Err(), verbs[1])
	}
	p.enter("latency %s 30ms", port(addrs[0]))
	p.finishes()
	sent := time.Now()
	require.NoError(t, node.Ping(t.Context()).Err())
	require.GreaterOrEqual(t, time.Since(sent), 30*time.Millisecond)
	p.ends()
}

func TestWhatIsWrongIsToldAndEndsNothing(t *testing.T) {
	p := start(t)
	addrs, _ := p.nodes()
	for line, want := range map[string]string{
		"frobnicate":                   `error: unknown command "frobnicate": help lists what there is`,
		"kill":                         "error: usage: kill NODE",
		"cut " + addrs[0]:              "error: usage: cut A B",
		"kill 1":                       "127.0.0.1:1 is not a node",
		"promote " + addrs[0]:          "it is a master",
		"migrate 16384 " + addrs[0]:    "error: 16384 is not a slot: there are 0 to 16383",
		"migrate x " + addrs[0]:        "error: x is not a slot",
		"latency " + addrs[0] + " 7":   "missing unit in duration",
		"latency " + addrs[0] + " -1s": "error: a latency is not negative",
	} {
		p.enter("%s", line)
		require.Contains(t, p.prints("error: "), want, line)
	}
	p.enter(" ")
	p.enter("kill %s", addrs[0])
	p.prints(addrs[0] + " was killed")
	p.ends()
}

func TestHelpListsEveryCommand(t *testing.T) {
	p := start(t)
	p.enter("help")
	for _, name := range []string{"kill", "restart", "pause", "resume", "promote", "migrate", "latency", "cut", "heal"} {
		p.prints("  " + name + " ")
	}
	p.ends()
}

func TestTheEndOfInputEndsNothing(t *testing.T) {
	p := start(t)
	addrs, _ := p.nodes()
	_, err := io.WriteString(p.stdin, "kill "+addrs[1]) // a last line need not end
	require.NoError(t, err)
	require.NoError(t, p.stdin.Close())
	p.prints(addrs[1] + " was killed")
	require.NoError(t, nodeClient(t, addrs[0]).Ping(t.Context()).Err())
	p.ends()
}

// Neither a node that does not answer nor a command that waits for one keeps the program
// from ending.
func TestAnInterruptionInTheMiddle(t *testing.T) {
	p := start(t)
	addrs, _ := p.nodes()
	require.NoError(t, clusterClient(t, addrs).Set(t.Context(), "{b}", "value", 0).Err())
	p.enter("pause %s", addrs[2])
	p.enter("cut %s %s", addrs[0], addrs[1])
	p.enter("migrate %d %s", hashtag.Slot("{b}"), addrs[1])
	p.prints("is open")
	p.ends()
	_, err := io.WriteString(p.stdin, "help\n")
	require.ErrorIs(t, err, io.ErrClosedPipe, "nobody reads any more")
}

func TestBadArguments(t *testing.T) {
	for args, want := range map[string]string{
		"-x":                            "-x",
		"7000":                          "7000",
		"-masters 0":                    "-masters 0",
		"-masters 201":                  "1 to 200",
		"-replicas -1":                  "-replicas -1",
		"-masters 50 -replicas 4":       "200 nodes",
		"-port -1":                      "-port -1",
		"-port 65536":                   "-port 65536",
		"-port 65531":                   "6 ports",
		"-replicas 4611686018427387904": "-replicas 4611686018427387904",
	} {
		t.Run(args, func(t *testing.T) {
			var out, errs bytes.Buffer
			stdin := io.NopCloser(strings.NewReader(""))
			require.Equal(t, 2, run(t.Context(), strings.Fields(args), stdin, &out, &errs))
			require.Contains(t, errs.String(), want)
			require.Empty(t, out.String())
		})
	}
}

func TestAPortInUseIsNamed(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer other.Close()
	var out, errs bytes.Buffer
	args := []string{"-masters", "1", "-replicas", "0", "-port", port(other.Addr().String())}
	require.Equal(t, 1, run(t.Context(), args, io.NopCloser(strings.NewReader("")), &out, &errs))
	require.Contains(t, errs.String(), other.Addr().String())
	require.Contains(t, errs.String(), "address already in use")
}
