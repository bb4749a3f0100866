package clustertest_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/clustertest"
	"github.com/slotmesh/slotmesh/hashtag"
)

// A wire is one connection to one node, in RESP2, on which replies are seen as they are.
type wire struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
}

// dial connects to a node for as long as the test runs.
func dial(t testing.TB, c *clustertest.Cluster, addr string) *wire {
	t.Helper()
	conn, err := c.Dial(t.Context(), addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return &wire{t: t, conn: conn, in: bufio.NewReader(conn)}
}

// do sends a request, words separated by spaces, and returns its reply, without the last
// line end. Line ends within it are shown as spaces.
func (w *wire) do(request string) string {
	w.t.Helper()
	w.send(strings.Fields(request)...)
	return w.receive()
}

// is checks the reply to a request.
func (w *wire) is(want, request string) {
	w.t.Helper()
	require.Equal(w.t, want, w.do(request), request)
}

// ok sends requests, all of which must be answered with OK.
func (w *wire) ok(requests ...string) {
	w.t.Helper()
	for _, request := range requests {
		w.is("+OK", request)
	}
}

// send sends a request and leaves its reply to receive.
func (w *wire) send(args ...string) {
	w.t.Helper()
	_, err := io.WriteString(w.conn, request(args...))
	require.NoError(w.t, err)
}

// request returns a request as a client writes it.
func request(args ...string) string {
	var text strings.Builder
	text.WriteString("*" + strconv.Itoa(len(args)) + "\r\n")
	for _, arg := range args {
		text.WriteString("$" + strconv.Itoa(len(arg)) + "\r\n" + arg + "\r\n")
	}
	return text.String()
}

func (w *wire) receive() string {
	w.t.Helper()
	text, err := w.read()
	require.NoError(w.t, err)
	return text
}

// read reads one reply.
func (w *wire) read() (string, error) {
	line, err := w.in.ReadString('\n')
	if err != nil {
		return line, err
	}
	line = strings.TrimSuffix(line, "\r\n")
	n, _ := strconv.Atoi(line[1:])
	switch {
	case line[0] == '$' && n >= 0:
		text := make([]byte, n+len("\r\n"))
		_, err := io.ReadFull(w.in, text)
		return line + " " + string(text[:n]), err
	case line[0] == '*':
		for range n {
			element, err := w.read()
			if err != nil {
				return line, err
			}
			line += " " + element
		}
	}
	return line, nil
}

// hears reports whether something arrives within d.
func (w *wire) hears(d time.Duration) bool {
	w.t.Helper()
	require.NoError(w.t, w.conn.SetReadDeadline(time.Now().Add(d)))
	defer func() { _ = w.conn.SetReadDeadline(time.Time{}) }()
	_, err := w.in.Peek(1)
	return err == nil
}

// broken checks that the connection ends with nothing more to be read. What the node had
// not read by then makes it a reset.
func (w *wire) broken() {
	w.t.Helper()
	_, err := w.in.ReadByte()
	if !errors.Is(err, syscall.ECONNRESET) {
		require.ErrorIs(w.t, err, io.EOF)
	}
}

// slotOf returns the first slot of the i-th of three masters.
func slotOf(i int) uint16 { return [...]uint16{0, 5461, 10923}[i] }

// keyOf returns a key of the first slot of the i-th of three masters, one for each name.
func keyOf(i int, name string) string { return "{" + hashtag.ForSlot(slotOf(i)) + "}" + name }

// within returns a context that ends after d, or with the test.
func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// moved is the redirection of the first slot of the i-th master to a node.
func moved(i int, to string) string { return "-MOVED " + strconv.Itoa(int(slotOf(i))) + " " + to }

// ask is the redirection of one request of that slot.
func ask(i int, to string) string { return "-ASK " + strconv.Itoa(int(slotOf(i))) + " " + to }
