package conformance

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A wire is one connection to one node, in RESP2, on which bytes are seen as they are: no
// client between, which would follow, decode or repeat.
type wire struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// dialer is what a cluster has that is not reached over TCP.
type dialer interface {
	Dial(ctx context.Context, addr string) (net.Conn, error)
}

// dial connects to a node for as long as the test runs.
func dial(t *testing.T, c Cluster, addr string) *wire {
	t.Helper()
	ctx := testContext(t)
	conn, err := dialNode(ctx, c, addr)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	deadline, _ := ctx.Deadline()
	require.NoError(t, conn.SetDeadline(deadline))
	return &wire{t: t, conn: conn, in: bufio.NewReader(conn)}
}

func dialNode(ctx context.Context, c Cluster, addr string) (net.Conn, error) {
	if d, ok := c.(dialer); ok {
		return d.Dial(ctx, addr)
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", addr)
}

// do sends a request and returns its reply.
func (w *wire) do(args ...string) reply {
	w.t.Helper()
	w.send(args...)
	r := w.receive()
	r.to = strings.Join(args, " ")
	return r
}

// asking is do behind an ASKING.
func (w *wire) asking(args ...string) reply {
	w.t.Helper()
	w.ok("ASKING")
	return w.do(args...)
}

// ok sends requests, words separated by spaces, all of which must be answered with OK.
func (w *wire) ok(requests ...string) {
	w.t.Helper()
	for _, request := range requests {
		w.do(strings.Split(request, " ")...).is("+OK")
	}
}

// queue sends requests, words separated by spaces, all of which must be queued.
func (w *wire) queue(requests ...string) {
	w.t.Helper()
	for _, request := range requests {
		w.do(strings.Split(request, " ")...).is("+QUEUED")
	}
}

// send sends a request, and leaves its reply to receive.
func (w *wire) send(args ...string) {
	w.t.Helper()
	_, err := io.WriteString(w.conn, array(bulks(args...)...)+"\r\n")
	require.NoError(w.t, err)
}

// receive returns the next reply.
func (w *wire) receive() reply {
	w.t.Helper()
	text, err := w.read()
	require.NoError(w.t, err)
	return reply{t: w.t, text: text}
}

// closed checks that the node has closed the connection, with nothing left to say.
func (w *wire) closed() {
	w.t.Helper()
	_, err := w.in.ReadByte()
	require.Equal(w.t, io.EOF, err)
}

// read returns the bytes of one reply but for the line end that it ends with.
func (w *wire) read() (string, error) {
	line, err := w.in.ReadString('\n')
	if err != nil {
		return line, err
	}
	text, ok := strings.CutSuffix(line, "\r\n")
	if !ok || text == "" {
		return line, fmt.Errorf("not a line of a reply: %q", line)
	}
	switch text[0] {
	case '$':
		return w.readText(text)
	case '*':
		return w.readElements(text)
	}
	return text, nil
}

func (w *wire) readText(header string) (string, error) {
	n, err := strconv.Atoi(header[1:])
	if err != nil || n < 0 {
		return header, err
	}
	text := make([]byte, n+len("\r\n"))
	if _, err := io.ReadFull(w.in, text); err != nil {
		return header, err
	}
	body, ok := strings.CutSuffix(string(text), "\r\n")
	if !ok {
		return header, fmt.Errorf("%s is not the length of %q", header, text)
	}
	return header + "\r\n" + body, nil
}

func (w *wire) readElements(header string) (string, error) {
	n, err := strconv.Atoi(header[1:])
	if err != nil {
		return header, err
	}
	all := header
	for range n {
		element, err := w.read()
		if err != nil {
			return all, err
		}
		all += "\r\n" + element
	}
	return all, nil
}

// A reply is what a node sent, byte for byte, without the last line end.
type reply struct {
	t    *testing.T
	to   string // the request, for a failure
	text string
}

// is checks the reply: all of it.
func (r reply) is(want string) {
	r.t.Helper()
	require.Equal(r.t, want, r.text, r.to)
}

// orLacks checks the reply to a command of pub/sub, which was not sent elsewhere: a node
// that has none may say so.
func (r reply) orLacks(want string) {
	r.t.Helper()
	if name, _, _ := strings.Cut(r.to, " "); r.text != lacks(name) {
		r.is(want)
	}
}

// lacks is what a node says that does not have a command.
func lacks(name string) string { return "-ERR " + name + " is not supported by the reference node" }

// begins checks how the reply begins, where the rest is up to the node.
func (r reply) begins(want string) {
	r.t.Helper()
	require.True(r.t, strings.HasPrefix(r.text, want), "%s: %q does not begin with %q", r.to, r.text, want)
}

// integer returns the number that the reply must be.
func (r reply) integer() int {
	r.t.Helper()
	n, err := strconv.Atoi(strings.TrimPrefix(r.text, ":"))
	require.NoError(r.t, err, r.to)
	return n
}

// value returns the text that the reply must be.
func (r reply) value() string {
	r.t.Helper()
	header, text, ok := strings.Cut(r.text, "\r\n")
	require.True(r.t, ok && header == "$"+strconv.Itoa(len(text)), "%s: %q is not a text", r.to, r.text)
	return text
}

// bulk returns a text as a node sends it.
func bulk(text string) string { return fmt.Sprintf("$%d\r\n%s", len(text), text) }

func bulks(texts ...string) []string {
	all := make([]string, len(texts))
	for i, text := range texts {
		all[i] = bulk(text)
	}
	return all
}

// array returns an array of elements, each as a node sends it.
func array(elements ...string) string {
	return strings.Join(append([]string{"*" + strconv.Itoa(len(elements))}, elements...), "\r\n")
}
