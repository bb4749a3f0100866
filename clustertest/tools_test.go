package clustertest_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/clustertest"
	"github.com/slotmesh/slotmesh/hashtag"
)

// tool returns the path of a program that comes with redis-server. If there is none the
// test is skipped, or fails if the environment variable SLOTMESH_REDIS is "require".
func tool(t *testing.T, name string) (path string) {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("SLOTMESH_REDIS") == "require":
		t.Fatal(err)
	default:
		t.Skipf("no %s: apt-get install redis-tools, or brew install redis: %v", name, err)
	}
	return path
}

// run runs a tool to its end and returns what it printed. It must end well.
func run(t *testing.T, input, name string, args ...string) string {
	t.Helper()
	out, err := attempt(t, input, name, args...)
	require.NoError(t, err, "%s %s\n%s", name, strings.Join(args, " "), out)
	return out
}

func attempt(t *testing.T, input, name string, args ...string) (out string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), tool(t, name), args...)
	cmd.Stdin = strings.NewReader(input)
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	err = cmd.Run()
	return text.String(), err
}

// cli runs redis-cli on the cluster that addr is of, and returns the replies alone.
func cli(t *testing.T, input, addr string, args ...string) string {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	out := run(t, input, "redis-cli", append([]string{"-c", "-h", host, "-p", port}, args...)...)
	return redirected.ReplaceAllString(out, "")
}

var redirected = regexp.MustCompile(`(?m)^-> Redirected to slot .*\n`)

// check is redis-cli --cluster check, which must be content, once all nodes have heard of
// what changed last.
func check(t *testing.T, c *clustertest.Cluster) {
	t.Helper()
	for _, addr := range c.Addrs() {
		var out string
		await(t, func() bool {
			var err error
			out, err = attempt(t, "", "redis-cli", "--cluster", "check", addr)
			return err == nil
		})
		require.Contains(t, out, "[OK] All nodes agree about slots configuration.")
		require.Contains(t, out, "[OK] All 16384 slots covered.")
		require.NotContains(t, out, "[ERR]")
		require.NotContains(t, out, "[WARNING]")
		require.Contains(t, out, fmt.Sprintf("in %d masters.", len(c.Masters())))
	}
}

// One redis-cli, given any node, reaches the keys of all masters.
func TestCLI(t *testing.T) {
	tool(t, "redis-cli")
	c := clustertest.Start(t, clustertest.Config{Replicas: 1})
	check(t, c)
	for i, addr := range c.Addrs() {
		key := keyOf(i%3, "k")
		require.Equal(t, "OK\n", cli(t, "", addr, "SET", key, "v"))
		require.Equal(t, "v\n", cli(t, "", c.Addrs()[(i+1)%6], "GET", key))
	}

	var input, want strings.Builder
	for i := range 100 {
		fmt.Fprintf(&input, "SET cli:%d \"value %d\"\nINCR cli:n\nGET cli:%d\n", i, i, i)
		fmt.Fprintf(&want, "OK\n%d\nvalue %d\n", i+1, i)
	}
	require.Equal(t, want.String(), cli(t, input.String(), c.Masters()[0]))
	check(t, c)
}

// What --pipe writes, requests in bulk as RESP and inline, all arrives.
func TestCLIPipe(t *testing.T) {
	tool(t, "redis-cli")
	c := clustertest.Start(t, clustertest.Config{})
	var input strings.Builder
	for i := range 5000 {
		if i%2 == 0 {
			input.WriteString(request("SET", keyOf(1, strconv.Itoa(i)), strings.Repeat("v", i)))
		} else {
			fmt.Fprintf(&input, "SET %s v\r\n", keyOf(1, strconv.Itoa(i)))
		}
	}
	_, port, err := net.SplitHostPort(c.Masters()[1])
	require.NoError(t, err)
	out := run(t, input.String(), "redis-cli", "-p", port, "--pipe")
	require.Contains(t, out, "errors: 0, replies: 5000")
	w := dial(t, c, c.Masters()[1])
	w.is(":5000", "DBSIZE")
	w.is(":4998", "STRLEN "+keyOf(1, "4998"))
}

// A key is what reshard must carry over: how it is written, and what it then answers.
type kept struct{ write, read, want string }

// keepsakes are keys of every type that can be exported, each with {} for where it is.
var keepsakes = map[string]kept{
	"string":       {"SET {} v", "GET {}", "$1 v"},
	"int":          {"SET {} -1234567", "INCRBY {} 0", ":-1234567"},
	"large string": {"SETRANGE {} 299999 x", "STRLEN {}", ":300000"},
	"list":         {"RPUSH {} a 1 c", "LRANGE {} 0 -1", "*3 $1 a $1 1 $1 c"},
	"hash":         {"HSET {} f v", "HGETALL {}", "*2 $1 f $1 v"},
	"set":          {"SADD {} member", "SMEMBERS {}", "*1 $6 member"},
	"int set":      {"SADD {} 1 2 300000", "SCARD {}", ":3"},
	"sorted set":   {"ZADD {} 1.5 a -inf b 3 c", "ZRANGE {} 0 -1 WITHSCORES", "*6 $1 b $4 -inf $1 a $3 1.5 $1 c $1 3"},
}

// TestReshard moves 100 slots that hold keys of every type, some of which expire.
func TestReshard(t *testing.T) {
	tool(t, "redis-cli")
	for _, replicas := range []int{0, 1} {
		t.Run(fmt.Sprint(replicas, " replicas"), func(t *testing.T) {
			c := clustertest.Start(t, clustertest.Config{Replicas: replicas})
			from, to := dial(t, c, c.Masters()[0]), dial(t, c, c.Masters()[1])
			const slots, expiry = 100, 4102444800 // in 2100
			for slot := range uint16(slots) {
				key := "{" + hashtag.ForSlot(slot) + "}"
				for name, k := range keepsakes {
					key := key + strings.ReplaceAll(name, " ", "-")
					require.NotContains(t, from.do(strings.ReplaceAll(k.write, "{}", key)), "-ERR")
					if slot%2 == 0 {
						from.is(":1", fmt.Sprintf("EXPIREAT %s %d", key, expiry))
					}
				}
			}
			out := run(t, "", "redis-cli", "--cluster", "reshard", c.Masters()[2], "--cluster-yes", "--cluster-slots",
				strconv.Itoa(slots), "--cluster-from", id(from), "--cluster-to", id(to))
			require.NotContains(t, out, "ERR")
			check(t, c)
			from.is(":0", "DBSIZE")
			nodes := []*wire{to}
			if replicas > 0 {
				nodes = append(nodes, dial(t, c, c.Addrs()[4]))
				nodes[1].ok("READONLY")
			}
			for _, node := range nodes {
				node.is(fmt.Sprint(":", slots*len(keepsakes)), "DBSIZE")
			}
			for slot := range uint16(slots) {
				for name, k := range keepsakes {
					key := "{" + hashtag.ForSlot(slot) + "}" + strings.ReplaceAll(name, " ", "-")
					to.is(k.want, strings.ReplaceAll(k.read, "{}", key))
					for _, node := range nodes {
						// What is left of its time goes over the wire, which takes a moment.
						require.InDelta(t, []int{expiry, -1}[slot%2], number(node, "EXPIRETIME "+key), 5, key)
					}
				}
			}
		})
	}
}

// number returns the integer that a request is answered with.
func number(w *wire, request string) int {
	w.t.Helper()
	n, err := strconv.Atoi(strings.TrimPrefix(w.do(request), ":"))
	require.NoError(w.t, err)
	return n
}

// id returns the ID of a node.
func id(w *wire) string { return strings.Fields(w.do("CLUSTER MYID"))[1] }

func TestClusterManager(t *testing.T) {
	tool(t, "redis-cli")
	c := clustertest.Start(t, clustertest.Config{Replicas: 1})
	addr := c.Masters()[0]
	cli(t, "SET a 1\nSET b 2\nSET c 3\n", addr)

	out := run(t, "", "redis-cli", "--cluster", "info", addr)
	require.Contains(t, out, "[OK] 3 keys in 3 masters.")
	for i, master := range c.Masters() {
		require.Contains(t, out, fmt.Sprintf("%s (", master))
		require.Contains(t, out, fmt.Sprintf("%d slots | 1 slaves.", []int{5461, 5462, 5461}[i]))
	}
	out = run(t, "", "redis-cli", "--cluster", "call", addr, "PING")
	require.Equal(t, 6, strings.Count(out, ": PONG"), out)

	for slot := range uint16(200) { // so that there is something to balance
		require.NoError(t, c.Migrate(t.Context(), slot, c.Masters()[1]))
	}
	out = run(t, "", "redis-cli", "--cluster", "rebalance", addr, "--cluster-threshold", "1")
	require.NotContains(t, out, "ERR")
	check(t, c)
	out = run(t, "", "redis-cli", "--cluster", "info", addr)
	require.Len(t, regexp.MustCompile(`\b546[012] slots`).FindAllString(out, -1), 3, out)
	require.Equal(t, "1\n2\n3\n", cli(t, "GET a\nGET b\nGET c\n", addr))
}

// benchmark runs redis-benchmark on a cluster.
func benchmark(t *testing.T, c *clustertest.Cluster) {
	t.Helper()
	host, port, err := net.SplitHostPort(c.Masters()[0])
	require.NoError(t, err)
	out := run(t, "", "redis-benchmark", "-h", host, "-p", port, "--cluster",
		"-t", "get,set,incr,lpush,mset", "-n", "20000", "-c", "8", "-P", "4", "-q")
	for _, test := range []string{"SET", "GET", "INCR", "LPUSH", "MSET (10 keys)"} {
		require.Regexp(t, `(?m)^\r?.*`+regexp.QuoteMeta(test)+`: [0-9.]+ requests per second`, out)
	}
}

func TestBenchmarkTool(t *testing.T) {
	tool(t, "redis-benchmark")
	c := clustertest.Start(t, clustertest.Config{})
	benchmark(t, c)
	check(t, c)
}

// It runs to its end also while slots move.
func TestBenchmarkToolWhileSlotsMove(t *testing.T) {
	tool(t, "redis-benchmark")
	c := clustertest.Start(t, clustertest.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	var moveErr error
	moves := 0
	group.Go(func() {
		for i := 0; i < 2000 && ctx.Err() == nil && moveErr == nil; i++ {
			moveErr = c.Migrate(t.Context(), uint16(i*7919%hashtag.Slots), c.Masters()[i%3])
			moves++
		}
	})
	benchmark(t, c)
	cancel()
	group.Wait()
	require.NoError(t, moveErr)
	require.Positive(t, moves)
	check(t, c)
}
