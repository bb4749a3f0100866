package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// program is the program as its user sees it, with a cluster on free ports.
type program struct {
	t         *testing.T
	interrupt context.CancelFunc
	stdin     *io.PipeWriter
	lines     chan string // of stdout
	stderr    bytes.Buffer
	code      chan int
}

func start(t *testing.T, args ...string) *program {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	stdin, typed := io.Pipe()
	printed, stdout := io.Pipe()
	p := &program{t: t, interrupt: cancel, stdin: typed, lines: make(chan string, 1000), code: make(chan int, 1)}
	go func() {
		p.code <- run(ctx, append([]string{"-port", "0"}, args...), stdin, stdout, &p.stderr)
		stdout.Close()
	}()
	go func() {
		defer close(p.lines)
		for s := bufio.NewScanner(printed); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	return p
}

// prints returns the next line that contains text.
func (p *program) prints(text string) string {
	p.t.Helper()
	for line := range p.lines {
		if strings.Contains(line, text) {
			return line
		}
	}
	require.FailNow(p.t, "the program ended", "with %d before it printed %q: %s", <-p.code, text, &p.stderr)
	return ""
}

// nodes reads the table and returns the addresses in it and what it says of each.
func (p *program) nodes() (addrs, roles []string) {
	p.prints("node ")
	for line := range p.lines {
		if line == "" {
			break
		}
		addr, role, _ := strings.Cut(strings.TrimSpace(line), " ")
		addrs = append(addrs, addr)
		roles = append(roles, strings.Join(strings.Fields(role), " "))
	}
	return addrs, roles
}

// enter types a line.
func (p *program) enter(format string, args ...any) {
	p.t.Helper()
	_, err := fmt.Fprintf(p.stdin, format+"\n", args...)
	require.NoError(p.t, err)
}

// finishes waits until all that was typed is done: the answer to one more command comes
// after that.
func (p *program) finishes() {
	p.t.Helper()
	p.enter("help")
	p.prints("NODE, A and B")
}

// ends interrupts the program and requires that it ends well.
func (p *program) ends() {
	p.t.Helper()
	p.interrupt()
	require.Equal(p.t, 0, <-p.code, &p.stderr)
	require.Empty(p.t, p.stderr.String())
}

func port(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

// requireDown requires that no node listens at addr.
func requireDown(t *testing.T, addr string) {
	t.Helper()
	_, err := net.Dial("tcp", addr)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

// clusterClient is go-redis's, which knows nothing of us.
func clusterClient(t *testing.T, addrs []string) *redis.ClusterClient {
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs, MaxRedirects: 8, DialerRetries: 1})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// nodeClient speaks to one node, and tells at once what that answers.
func nodeClient(t *testing.T, addr string) *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = client.Close() })
	return client
}
