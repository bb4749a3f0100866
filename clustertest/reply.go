package clustertest

import (
	"bytes"
	"strconv"
)

// bulks returns the elements of a reply that is an array of bulks.
func bulks(reply []byte) (found [][]byte) {
	_, rest, _ := bytes.Cut(reply, []byte("\r\n"))
	for len(rest) > 0 {
		header, text, _ := bytes.Cut(rest, []byte("\r\n"))
		n, _ := strconv.Atoi(string(header[1:])) // written by our own node
		found = append(found, text[:n])
		rest = text[n+2:]
	}
	return found
}
