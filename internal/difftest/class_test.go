package difftest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// classes counts replies by what they are: the code of an error, and more of its
// text where one code has several meanings; the word of a simple string; else the
// type.
type classes map[string]int

// wanted is what every run must have met: one without them has tested less than it
// seems to.
var wanted = []string{
	"OK", "QUEUED", "PONG", "NOKEY", "STILL",
	"MOVED", "ASK", "TRYAGAIN", "CROSSSLOT",
	"CLUSTERDOWN Hash slot not served",
	"CLUSTERDOWN The cluster is down",
	"CLUSTERDOWN The cluster is down and only accepts read commands",
	"EXECABORT", "ERR Target instance replied with error", "ERR Protocol error", "ERR",
	"ERR Script attempted to access a non local key",
	"WRONGTYPE", "BUSYKEY", "NOSCRIPT", "NOPROTO", "IOERR",
	"integer", "bulk", "array", "null bulk", "null array",
	"null", "map", "set", "double", "verbatim",
}

// longCodes are the beginnings of errors that have a class of their own.
var longCodes = []string{
	"CLUSTERDOWN Hash slot not served",
	"CLUSTERDOWN The cluster is down and only accepts read commands",
	"CLUSTERDOWN The cluster is down",
	"ERR Target instance replied with error",
	"ERR Protocol error",
	"ERR Script attempted to access a non local key",
}

var kindNames = map[resp.Kind]string{
	resp.Int: "integer", resp.Bulk: "bulk", resp.Array: "array", resp.Null: "null",
	resp.Double: "double", resp.Bool: "bool", resp.BigNumber: "big number",
	resp.BlobError: "blob error", resp.Verbatim: "verbatim", resp.Map: "map",
	resp.Set: "set", resp.Push: "push",
}

// add counts a reply.
func (c classes) add(raw []byte) { c[class(raw)]++ }

func class(raw []byte) string {
	kind, text := resp.Kind(raw[0]), raw[1:]
	switch {
	case kind == resp.Error:
		return errorClass(string(text))
	case kind == resp.Simple:
		word, _, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
		return word
	case bytes.HasPrefix(text, []byte("-1\r")) && kind != resp.Int:
		return "null " + kindNames[kind]
	}
	return kindNames[kind]
}

func errorClass(text string) string {
	for _, code := range longCodes {
		if strings.HasPrefix(text, code) {
			return code
		}
	}
	code, _, _ := strings.Cut(text, " ")
	return strings.TrimSpace(code)
}

// missing returns what is wanted and never came.
func (c classes) missing() []string {
	var missing []string
	for _, class := range wanted {
		if c[class] == 0 {
			missing = append(missing, class)
		}
	}
	return missing
}

func (c classes) String() string {
	var text strings.Builder
	for _, class := range slices.Sorted(maps.Keys(c)) {
		fmt.Fprintf(&text, "%9d %s\n", c[class], class)
	}
	return text.String()
}
