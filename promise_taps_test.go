package slotmesh_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// taps are on all connections of the clients of a stage: they tell what is written, and
// disturb what is said to.
type taps struct {
	dialer dialFunc

	line    sync.Mutex
	leads   map[string]string // address -> where its next dial leads to
	refuses map[string]int    // address -> how many dials of it fail
	dials   map[string]int
	writes  []string // in lower case
	trouble *trouble // to come
}

// trouble is what becomes of the connections on which a word is written.
type trouble struct {
	word    string
	came    chan struct{} // has one element for each reply that came
	release chan struct{} // replies are kept until it is closed
	cut     bool          // instead of its reply, the connection ends
	after   int           // if not 0: the connection breaks in the Write after so many bytes
}

func (t *taps) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	t.line.Lock()
	t.dials[addr]++
	refused := t.refuses[addr] > 0
	if refused {
		t.refuses[addr]--
	}
	if to, astray := t.leads[addr]; astray {
		delete(t.leads, addr)
		addr = to
	}
	t.line.Unlock()
	if refused {
		return nil, errors.New("no route")
	}
	conn, err := t.dialer(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &tapped{Conn: conn, taps: t, closed: make(chan struct{})}, nil
}

// astray makes the next connection to addr lead to another node.
func (t *taps) astray(addr, to string) {
	t.line.Lock()
	defer t.line.Unlock()
	t.leads[addr] = to
}

// refuse makes the next n dials of addr fail.
func (t *taps) refuse(addr string, n int) {
	t.line.Lock()
	defer t.line.Unlock()
	t.refuses[addr] = n
}

// dialed returns how often addr was dialed.
func (t *taps) dialed(addr string) int {
	t.line.Lock()
	defer t.line.Unlock()
	return t.dials[addr]
}

// written returns the writes that contain word.
func (t *taps) written(word string) (found []string) {
	t.line.Lock()
	defer t.line.Unlock()
	for _, text := range t.writes {
		if strings.Contains(text, word) {
			found = append(found, text)
		}
	}
	return found
}

// keep keeps the replies on connections on which word is written from now on, until it is
// let go.
func (t *taps) keep(word string) *trouble {
	return t.disturb(&trouble{word: word, release: make(chan struct{})})
}

// cut ends the next connection on which word is written, when the reply is there: the
// command has run.
func (t *taps) cut(word string) *trouble { return t.disturb(&trouble{word: word, cut: true}) }

func (t *taps) disturb(tr *trouble) *trouble {
	tr.came = make(chan struct{}, 100)
	t.line.Lock()
	defer t.line.Unlock()
	t.trouble = tr
	return tr
}

// letGo ends keep.
func (t *taps) letGo(tr *trouble) {
	t.line.Lock()
	defer t.line.Unlock()
	if t.trouble == tr {
		t.trouble = nil
	}
	close(tr.release)
}

// await waits until a reply came.
func (tr *trouble) await(t *testing.T) {
	t.Helper()
	select {
	case <-tr.came:
	case <-testContext(t).Done():
		t.Fatalf("no reply to %q came", tr.word)
	}
}

// tapped is a connection.
type tapped struct {
	net.Conn
	taps *taps

	trouble *trouble // its own; taps.line guards it
	sent    int      // bytes
	closing sync.Once
	closed  chan struct{}
}

func (c *tapped) Close() error {
	c.closing.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

func (c *tapped) Write(p []byte) (int, error) {
	if c.note(p) {
		_ = c.Close()
		return 0, io.ErrClosedPipe
	}
	return c.Conn.Write(p)
}

// note notes what is written, and reports whether the connection breaks.
func (c *tapped) note(p []byte) bool {
	text := strings.ToLower(string(p))
	t := c.taps
	t.line.Lock()
	defer t.line.Unlock()
	t.writes = append(t.writes, text)
	if tr := t.trouble; tr != nil && c.trouble == nil && strings.Contains(text, tr.word) {
		c.trouble = tr
		if tr.release == nil {
			t.trouble = nil // the next one only
		}
	}
	breaks := c.trouble != nil && c.trouble.after > 0 && c.sent >= c.trouble.after
	c.sent += len(p)
	return breaks
}

func (c *tapped) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.taps.line.Lock()
	tr := c.trouble
	c.taps.line.Unlock()
	if tr == nil || n == 0 || tr.after > 0 {
		return n, err
	}
	tr.came <- struct{}{}
	if tr.cut {
		_ = c.Close()
		return 0, io.ErrUnexpectedEOF
	}
	select {
	case <-tr.release:
	case <-c.closed:
	}
	return n, err
}
