package command

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// The table is in step with the server: COMMAND says the same, byte for byte, but that
// a server lists commands and subcommands in the order of its hash table.
func TestCommandMatchesServer(t *testing.T) {
	s := startServer(t)
	for _, proto := range []resp.Protocol{resp.RESP2, resp.RESP3} {
		s.hello(proto)
		got := ordered(t, string(AppendCommand(nil, proto)))
		require.Len(t, got, 240)
		for _, request := range [][]string{{"COMMAND"}, {"COMMAND", "INFO"}} {
			want := ordered(t, s.ask(request...))
			require.Len(t, want, len(got))
			for i := range got {
				require.Equal(t, want[i], got[i])
			}
		}
	}
}

// Where the order does not depend on a hash table, all replies are the same.
func TestRepliesMatchServer(t *testing.T) {
	s := startServer(t)
	for _, proto := range []resp.Protocol{resp.RESP2, resp.RESP3} {
		s.hello(proto)
		for _, text := range []string{
			"COMMAND COUNT", "Command Help", "COMMAND LIST x", "COMMAND LIST FILTERBY", "COMMAND LIST FILTERBY PATTERN",
			"COMMAND LIST FILTERBY name x", "COMMAND LIST FILTERBY MODULE x", "COMMAND LIST FILTERBY ACLCAT nope",
			"COMMAND LIST FILTERBY ACLCAT @geo", "COMMAND LIST FILTERBY ACLCAT geo FILTERBY PATTERN a*",
			"COMMAND LIST filterby Pattern GET", "COMMAND LIST FILTERBY PATTERN ''",
			"COMMAND INFO nope", "COMMAND INFO GET nope Cluster|SLOTS cluster|nope '' | cluster| |slots a|b|c get|x sort_ro",
			"COMMAND INFO georadius xread migrate bitfield eval fcall_ro zunionstore mset lcs restore-asking ssubscribe",
			"COMMAND INFO this-is-longer-than-any-name-of-a-command",
			"COMMAND GETKEYS nope x", "COMMAND GETKEYS cluster nope", "COMMAND GETKEYS cluster x", "COMMAND GETKEYS ping x",
			"COMMAND GETKEYS get a b", "COMMAND GETKEYS ssubscribe a", "COMMAND GETKEYS object help", "COMMAND GETKEYS object freq",
			"COMMAND GETKEYSANDFLAGS ping x", "COMMAND GETKEYSANDFLAGS Object Freq k", "COMMAND GETKEYS get|x a",
		} {
			args := line(text)
			_, err := Find(args)
			require.NoError(t, err, text)
			require.Equal(t, s.askAll([][][]byte{args})[0], string(AppendReply(nil, proto, args)), text)
		}
	}
}

func TestListMatchesServer(t *testing.T) {
	s := startServer(t)
	requests := [][][]byte{line("COMMAND LIST")}
	for _, category := range strings.Fields("keyspace read write set sortedset list hash string bitmap hyperloglog geo " +
		"stream pubsub admin fast slow blocking dangerous connection transaction scripting SLOW") {
		requests = append(requests, request("COMMAND", "LIST", "FILTERBY", "ACLCAT", category))
	}
	for _, pattern := range []string{
		"*", "**", "?et", "GET*", "*a*t*", "*[s-a]et", "[^a-y]*", "[z", "[^z", "[", "[]", "[]a]*", "[-z]*", "[z-]*", "z[a-", "\\get", "g\\et",
		"get\\", "[\\g]et", "[\\G]et", "[Z-a]*", "*|*", "*|[^a-s]*s", "cluster|*slots*", "x*?", "*x*x", "[^]et", "get*[", "*\\", "g[e\\",
	} {
		requests = append(requests, request("COMMAND", "LIST", "FILTERBY", "PATTERN", pattern))
	}
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		requests = append(requests, request("COMMAND", "LIST", "FILTERBY", "PATTERN", randomGlob(rnd)))
	}
	several := 0
	for i, reply := range s.askAll(requests) {
		got := string(AppendReply(nil, resp.RESP2, requests[i]))
		require.Equal(t, ordered(t, reply), ordered(t, got), "%q; seed %d", requests[i], seed)
		if _, names := elements(t, got); len(names) > 1 {
			several++
		}
	}
	require.Greater(t, several, 30)
}

func randomGlob(rnd *rand.Rand) string {
	pieces := strings.Split(`* * * ? [ ] - ^ \ a e g s t S E [a-m] [^s-z] set get z`, " ")
	var glob strings.Builder
	for range 1 + rnd.IntN(5) {
		glob.WriteString(pieces[rnd.IntN(len(pieces))])
	}
	return glob.String()
}

func TestDocs(t *testing.T) {
	require.Equal(t, "-ERR COMMAND DOCS is not supported by the reference node\r\n",
		string(AppendReply(nil, resp.RESP3, line("command docs get"))))
}

func TestRepliesAreAppended(t *testing.T) {
	for _, text := range []string{
		"command", "command count", "command info get nope", "command list", "command list x", "command help", "command docs",
		"command getkeys get k", "command getkeys x", "command getkeysandflags get k",
	} {
		got := AppendReply([]byte("+OK\r\n"), resp.RESP2, line(text))
		require.Equal(t, "+OK\r\n"+string(AppendReply(nil, resp.RESP2, line(text))), string(got), text)
	}
}

func (s *server) hello(proto resp.Protocol) {
	s.t.Helper()
	require.NotContains(s.t, s.ask("HELLO", string(rune('0'+proto))), "ERR")
}

// ordered returns reply with its elements sorted, and those of their last element, the
// subcommands.
func ordered(t *testing.T, reply string) []string {
	_, entries := elements(t, reply)
	for i, entry := range entries {
		if !strings.HasPrefix(entry, "*10\r\n") {
			continue
		}
		header, parts := elements(t, entry)
		last := len(parts) - 1
		subHeader, subcommands := elements(t, parts[last])
		slices.Sort(subcommands)
		parts[last] = subHeader + strings.Join(subcommands, "")
		entries[i] = header + strings.Join(parts, "")
	}
	slices.Sort(entries)
	return entries
}

// elements cuts an aggregate into its first line and its elements.
func elements(t *testing.T, reply string) (header string, list []string) {
	before, rest, ok := strings.Cut(reply, "\r\n")
	require.True(t, ok)
	var scanner resp.Scanner
	for len(rest) > 0 {
		n, complete, err := scanner.Scan([]byte(rest))
		require.NoError(t, err)
		require.True(t, complete)
		list = append(list, rest[:n])
		rest = rest[n:]
	}
	return before + "\r\n", list
}
