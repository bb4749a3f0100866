package command

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/resp"
)

func TestFind(t *testing.T) {
	for text, name := range map[string]string{
		"get k":                              "get",
		"GeT k":                              "get",
		"ping":                               "ping",
		"ping x":                             "ping",
		"CLUSTER SLOTS":                      "cluster|slots",
		"cluster Info":                       "cluster|info",
		"command":                            "command",
		"command count":                      "command|count",
		"restore-asking k 0 x":               "restore-asking",
		"Cluster Count-Failure-Reports 0123": "cluster|count-failure-reports",
	} {
		s, err := Find(line(text))
		require.NoError(t, err, text)
		require.Equal(t, name, s.Name)
	}
}

// The names of all commands are found, and each has one Spec.
func TestFindAll(t *testing.T) {
	seen := map[*Spec]bool{}
	for _, s := range all() {
		args := fewest(s)
		found, err := Find(args)
		if len(s.Subcommands) > 0 && len(args) > 1 {
			require.ErrorContains(t, err, "unknown subcommand", s.Name)
			continue
		}
		require.NoError(t, err, s.Name)
		require.Same(t, s, found)
		seen[found] = true
	}
	require.Greater(t, len(seen), 350)
}

// fewest returns the shortest request that s takes.
func fewest(s *Spec) [][]byte {
	args := request(strings.Split(strings.ToUpper(s.Name), "|")...)
	for len(args) < max(s.Arity, -s.Arity) {
		args = append(args, []byte("1"))
	}
	return args
}

func TestErrorsMatchServer(t *testing.T) {
	long := strings.Repeat("x", 200)
	requests := [][][]byte{
		line("nope"), line("Nope a"), line("nope a b c"), line("''"), line("'' ''"), line("nope '' ''"),
		line("cluster"), line("CLUSTER nope"), line("Cluster ''"), line("cluster nope a b"), line("cluster keyslot"), line("CLUSTER NODES x"),
		line("config get"), line("config"), line("object nope x"), line("OBJECT"), line("xgroup"), line("command nope"), line("command count x"),
		line("get"), line("GET a b"), line("set k"), line("mget"), line("eval x"), line("zunionstore d 1"),
		line("cluster|slots"), line("CLUSTER|SLOTS x"), line("cluster slots|x"), line("get|"), line("|"),
		request(long, long), request(long), request("cluster", long), request(long[:128], "a"), request("get "), request(" get", "k"),
		request("nope", long[:100], long[:100], "a"), request("nope", "a\r\nb", "\n"), request("no\r\npe"), request("\r\n", "\r\n"),
		request("a\x00b", "c\x00d"), request("get\x00", "k"), request("cluster", "slots\x00"), request("cluster\x00", "slots"),
		request("cluster", "\r\nx\x00y"), request("nope", "\x80\xff", "é"), request("GÉT", "k"), request("\u212a"+"EYS", "*"),
	}
	for n := 120; n < 132; n++ { // where the list of arguments ends
		requests = append(requests, request("nope", long[:n], "a", "b"), request("nope", long[:n-4], "", "a", "b"))
	}
	for _, n := range []int{30, 60, 100} {
		requests = append(requests, append(request("nope"), make([][]byte, n)...))
	}
	compareErrors(t, requests)
}

// TestArityMatchesServer sends every command with too few arguments, and with too many
// if there can be.
func TestArityMatchesServer(t *testing.T) {
	var requests [][][]byte
	for _, s := range all() {
		args := fewest(s)
		for n := strings.Count(s.Name, "|") + 1; n < len(args); n++ {
			requests = append(requests, args[:n])
		}
		if s.Arity > 0 {
			requests = append(requests, append(args, []byte("1")))
		}
	}
	require.Greater(t, len(requests), 500)
	compareErrors(t, requests)
}

// compareErrors requires that the server refuses the requests, with the errors of Find.
func compareErrors(t *testing.T, requests [][][]byte) {
	for _, args := range requests {
		s, err := Find(args)
		require.Error(t, err, "%q would be executed", args)
		require.Equal(t, strings.HasPrefix(err.Error(), "wrong number"), s != nil, "%q", args)
	}
	for i, reply := range startServer(t).askAll(requests) {
		_, err := Find(requests[i])
		code := "ERR "
		if is(requests[i][0], "exec") { // which ends the transaction even so
			code = "EXECABORT Transaction discarded because of: "
		}
		require.Equal(t, reply, string(resp.AppendError(nil, code+err.Error())), "%.200q", requests[i])
	}
}

func TestFindDoesNotAllocate(t *testing.T) {
	requests := [][][]byte{line("GET k"), line("cluster slots"), line("Cluster Count-Failure-Reports x"), line("zunionstore d 1 a")}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		for _, args := range requests {
			if _, err := Find(args); err != nil {
				t.Fatal(err)
			}
		}
	}))
}

func BenchmarkFind(b *testing.B) {
	for _, text := range []string{"GET k", "cluster count-failure-reports x"} {
		args := line(text)
		b.Run(fmt.Sprintf("%.7s", text), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Find(args); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
