package difftest

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// A value is a reply, taken apart.
type value struct {
	kind  resp.Kind
	null  bool // as RESP2 has it, a length of -1
	text  string
	elems []value // of an aggregate; of a map, keys and values in turn
}

// parse takes a reply apart that a [resp.Scanner] has accepted.
func parse(raw []byte) value {
	v, _ := parseValue(raw)
	return v
}

func parseValue(raw []byte) (v value, rest []byte) {
	line, rest, _ := bytes.Cut(raw[1:], []byte("\r\n"))
	v = value{kind: resp.Kind(raw[0]), text: string(line)}
	n := 0
	switch v.kind {
	case resp.Bulk, resp.BlobError, resp.Verbatim, resp.Array, resp.Set, resp.Push, resp.Map:
		n, _ = strconv.Atoi(v.text)
		v.text, v.null = "", n < 0
	default:
		return v, rest
	}
	switch v.kind {
	case resp.Bulk, resp.BlobError, resp.Verbatim:
		if !v.null {
			v.text, rest = string(rest[:n]), rest[n+2:]
		}
		return v, rest
	case resp.Map:
		n *= 2
	}
	for range n {
		var elem value
		elem, rest = parseValue(rest)
		v.elems = append(v.elems, elem)
	}
	return v, rest
}

// String shows kinds and texts, so that two values that look the same are the same.
func (v value) String() string {
	switch v.kind {
	case resp.Array, resp.Set, resp.Push, resp.Map:
		return v.aggregate()
	}
	if v.null {
		return string(v.kind) + "-1"
	}
	return string(v.kind) + strconv.Quote(v.text)
}

func (v value) aggregate() string {
	if v.null {
		return string(v.kind) + "-1"
	}
	texts := make([]string, len(v.elems))
	for i, elem := range v.elems {
		texts[i] = elem.String()
	}
	return fmt.Sprintf("%c[%s]", v.kind, strings.Join(texts, " "))
}

// isText reports whether v holds text that a node made up or a client stored.
func (v value) isText() bool {
	switch v.kind {
	case resp.Simple, resp.Error, resp.Bulk, resp.BlobError, resp.Verbatim:
		return !v.null
	}
	return false
}

// named returns v, an answer of the given node, with names in place of what is
// called otherwise on the other side.
func (s *side) named(v value, node int) value {
	if v.isText() {
		v.text = s.namedText(v, node)
	}
	elems := make([]value, len(v.elems))
	for i, elem := range v.elems {
		elems[i] = s.named(elem, node)
		if i > 0 && elem.kind == resp.Int {
			elems[i].text = s.namedInt(v.elems[i-1].text, elem.text)
		}
	}
	v.elems = elems
	return v
}

func (s *side) namedText(v value, node int) string {
	word, number, _ := strings.Cut(v.text, " ")
	if v.kind == resp.Simple && (word == "BUMPED" || word == "STILL") {
		return word + " " + s.namedEpoch(number, node)
	}
	if v.text == s.host() {
		return "<host>"
	}
	return s.replies.Replace(v.text)
}

// namedEpoch returns an epoch relative to the one that the node began with.
func (s *side) namedEpoch(text string, node int) string {
	epoch, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return text
	}
	return fmt.Sprintf("<epoch%+d>", epoch-s.epochs[node])
}

// namedInt returns the name of an integer that follows a text. Only there is it
// known to be a port: any other may happen to be the same number.
func (s *side) namedInt(before, text string) string {
	switch before {
	case s.host(), "port":
		if name, ok := s.ports[text]; ok {
			return name
		}
	case "id":
		return "<client>"
	case "replication-offset":
		return "<offset>"
	}
	return text
}
