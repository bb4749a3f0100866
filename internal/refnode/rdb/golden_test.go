package rdb_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite testdata with what redis-server dumps")

// goldenFile has paragraphs: the name of a dump, ----, the payload in hex.
const goldenFile = "testdata/dumps-7.0.15.txt"

func readGolden(tb testing.TB) map[string][]byte {
	tb.Helper()
	file, err := os.ReadFile(goldenFile)
	require.NoError(tb, err)
	golden := make(map[string][]byte)
	for paragraph := range strings.SplitSeq(strings.TrimSpace(string(file)), "\n\n") {
		name, digits, ok := strings.Cut(paragraph, "\n----\n")
		require.True(tb, ok, paragraph)
		golden[name], err = hex.DecodeString(strings.ReplaceAll(digits, "\n", ""))
		require.NoError(tb, err, name)
	}
	return golden
}

func writeGolden(t *testing.T, golden map[string][]byte) {
	const column = 60 // bytes
	var file bytes.Buffer
	for _, d := range dumps {
		if d.large {
			continue
		}
		fmt.Fprintf(&file, "%s\n----\n", d.name)
		for p := golden[d.name]; len(p) > 0; p = p[min(column, len(p)):] {
			fmt.Fprintf(&file, "%x\n", p[:min(column, len(p))])
		}
		file.WriteByte('\n')
	}
	require.NoError(t, os.WriteFile(goldenFile, file.Bytes(), 0o644))
}
