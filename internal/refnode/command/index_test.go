package command

import (
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMayReplicateMatchesServer pauses the writes of a server. It then holds back the
// commands that may replicate, and answers all other ones that do not write, though
// only to say that they wait for an EXEC that never comes.
func TestMayReplicateMatchesServer(t *testing.T) {
	s := startServer(t)
	addr := s.conn.RemoteAddr().String()
	require.Equal(t, "+OK\r\n", s.ask("CLIENT", "PAUSE", "1000000", "WRITE"))

	others := [][][]byte{request("MULTI")}
	var held []*server
	for _, spec := range all() {
		switch {
		case len(spec.Subcommands) > 0 || spec.Flags.Has(Write) || endsTransaction(spec):
		case spec.Flags.Has(MayReplicate):
			c := dial(t, addr)
			c.send(request("MULTI"), fewest(spec))
			require.Equal(t, "+OK\r\n", c.reply())
			held = append(held, c)
		default:
			others = append(others, fewest(spec))
		}
	}
	require.Len(t, held, len(mayReplicate))
	require.Greater(t, len(others), 150)
	dial(t, addr).askAll(others)

	blocked := regexp.MustCompile(` flags=\w*b\w* `)
	for len(blocked.FindAllString(s.ask("CLIENT", "LIST"), -1)) < len(held) {
	}
	require.Equal(t, "+OK\r\n", s.ask("CLIENT", "UNPAUSE"))
	for _, c := range held {
		require.Equal(t, "+QUEUED\r\n", c.reply())
	}
}

// endsTransaction reports whether s is executed at once in a transaction.
func endsTransaction(s *Spec) bool {
	return slices.Contains([]string{"exec", "discard", "multi", "watch", "quit", "reset"}, s.Name)
}

// Names fit into the buffers in which they are looked up, with room to spare.
func TestMaxName(t *testing.T) {
	longest := ""
	for _, s := range all() {
		if len(s.Name) > len(longest) {
			longest = s.Name
		}
	}
	require.Equal(t, "cluster|count-failure-reports", longest)
	require.LessOrEqual(t, len(longest), maxName)
}

func BenchmarkIndex(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		newIndex()
	}
}
