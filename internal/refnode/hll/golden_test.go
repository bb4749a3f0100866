package hll_test

import (
	"crypto/sha1"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/hll"
)

var update = flag.Bool("update", false, "rewrite testdata with what redis-server replies")

// goldenFile has one command in a line, with what redis-server 7.0.15 replied. An
// argument n..m stands for the numbers from n to m. A HyperLogLog is shown in hex, or by its
// SHA-1 if it is long.
const goldenFile = "testdata/replies-7.0.15.txt"

// replayGolden runs the commands of the golden file and returns it with the replies of do.
func replayGolden(t *testing.T, do func(words []string) string) (want, got string) {
	file, err := os.ReadFile(goldenFile)
	require.NoError(t, err)
	var replies strings.Builder
	for line := range strings.Lines(string(file)) {
		command, _, ok := strings.Cut(line, " -> ")
		if !ok {
			replies.WriteString(line)
			continue
		}
		fmt.Fprintf(&replies, "%s -> %s\n", command, do(expand(t, strings.Fields(command))))
	}
	return string(file), replies.String()
}

func expand(t *testing.T, words []string) (all []string) {
	for _, word := range words {
		from, to, ok := strings.Cut(word, "..")
		if !ok {
			all = append(all, word)
			continue
		}
		i, err := strconv.Atoi(from)
		require.NoError(t, err)
		last, err := strconv.Atoi(to)
		require.NoError(t, err)
		for ; i <= last; i++ {
			all = append(all, strconv.Itoa(i))
		}
	}
	return all
}

// show shows a reply.
func show(reply any, err error) string {
	if err != nil {
		return err.Error()
	}
	s, ok := reply.(string)
	switch {
	case !ok:
		return fmt.Sprint(reply)
	case !strings.HasPrefix(s, "HYLL"):
		return s
	case len(s) > 100:
		return fmt.Sprintf("%d bytes, %x", len(s), sha1.Sum([]byte(s)))
	default:
		return fmt.Sprintf("%x", s)
	}
}

// keys are values as a node without any rules around it would have them.
type keys map[string][]byte

func (k keys) run(words []string) (reply any, err error) {
	key := words[1]
	switch words[0] {
	case "GET":
		return string(k[key]), nil
	case "PFADD":
		return k.add(key, words[2:])
	case "PFCOUNT":
		return k.count(words[1:])
	case "PFMERGE":
		return "OK", k.merge(words[1:])
	default:
		return nil, errors.New("unknown command")
	}
}

func (k keys) add(key string, elements []string) (reply int, err error) {
	if k[key] == nil {
		k[key], reply = hll.New(), 1
	}
	for _, element := range elements {
		out, changed, err := hll.Add(k[key], []byte(element))
		if err != nil {
			return 0, err
		}
		if k[key] = out; changed {
			reply = 1
		}
	}
	return reply, nil
}

func (k keys) count(names []string) (n uint64, err error) {
	if len(names) > 1 {
		return hll.CountUnion(k.all(names)...)
	}
	n, k[names[0]], err = hll.Count(k[names[0]])
	return n, err
}

func (k keys) merge(names []string) (err error) {
	k[names[0]], err = hll.Merge(k.all(names)...)
	return err
}

func (k keys) all(names []string) (values [][]byte) {
	for _, name := range names {
		values = append(values, k[name])
	}
	return values
}

func TestGolden(t *testing.T) {
	k := keys{}
	want, got := replayGolden(t, func(words []string) string { return show(k.run(words)) })
	require.Equal(t, want, got)
}

// Run with -update to take testdata from the server.
func TestServerRepliesGolden(t *testing.T) {
	m := startModel(t)
	want, got := replayGolden(t, func(words []string) string {
		return show(m.do(words[0], arguments(words[1:])...))
	})
	if *update {
		require.NoError(t, os.WriteFile(goldenFile, []byte(got), 0o644))
		return
	}
	require.Equal(t, want, got)
}
