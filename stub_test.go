package slotmesh_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/hashtag"
)

// stub is three masters in memory that know a few commands. It is for what a real
// cluster cannot show: how often it is dialed, and answers that no cluster gives.
type stub struct {
	addrs []string
	// answer, if set, answers in place of the stub, unless it returns "".
	answer func(addr string, args []string) string

	mu    sync.Mutex
	dials []string
}

func newStub() *stub {
	return &stub{addrs: []string{"10.0.0.1:7000", "10.0.0.2:7000", "10.0.0.3:7000"}}
}

// key returns a key of the i-th master.
func (s *stub) key(i int) string { return hashtag.ForSlot(uint16(i * 6000)) }

func (s *stub) connect(t *testing.T, change ...func(*slotmesh.Options)) *slotmesh.Client {
	t.Helper()
	o := slotmesh.Options{Addrs: s.addrs, Dialer: s.dial}
	for _, f := range change {
		f(&o)
	}
	client, err := slotmesh.New(testContext(t), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

func (s *stub) dial(_ context.Context, _, addr string) (net.Conn, error) {
	s.mu.Lock()
	s.dials = append(s.dials, addr)
	s.mu.Unlock()
	if !slices.Contains(s.addrs, addr) {
		return nil, errors.New("no such host")
	}
	ours, theirs := net.Pipe()
	go s.serve(addr, theirs)
	return ours, nil
}

func (s *stub) dialed() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.dials)
}

func (s *stub) serve(addr string, conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	queued := -1 // commands since MULTI
	for {
		args, err := readRequest(in)
		if err != nil {
			return
		}
		reply := ""
		if s.answer != nil {
			reply = s.answer(addr, args)
		}
		if reply == "" {
			reply, queued = s.reply(args, queued)
		}
		if _, err := io.WriteString(conn, reply); err != nil {
			return
		}
	}
}

func (s *stub) reply(args []string, queued int) (string, int) {
	name := strings.ToLower(args[0])
	switch {
	case name == "multi":
		return "+OK\r\n", 0
	case name == "exec":
		return fmt.Sprintf("*%d\r\n%s", queued, strings.Repeat(":1\r\n", queued)), -1
	case queued >= 0:
		return "+QUEUED\r\n", queued + 1
	}
	switch name {
	case "cluster":
		return s.slots(), -1
	case "client", "set", "mset":
		return "+OK\r\n", -1
	case "incr", "del":
		return ":1\r\n", -1
	case "get":
		return "$-1\r\n", -1
	case "mget":
		return fmt.Sprintf("*%d\r\n%s", len(args)-1, strings.Repeat("$-1\r\n", len(args)-1)), -1
	default:
		return "-ERR unknown command '" + args[0] + "'\r\n", -1
	}
}

func (s *stub) slots() string {
	bounds := []int{0, 5461, 10923, hashtag.Slots}
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(s.addrs))
	for i, addr := range s.addrs {
		host, port, _ := net.SplitHostPort(addr)
		fmt.Fprintf(&b, "*3\r\n:%d\r\n:%d\r\n*2\r\n$%d\r\n%s\r\n:%s\r\n", bounds[i], bounds[i+1]-1, len(host), host, port)
	}
	return b.String()
}

// readRequest reads a list of strings, as clients send it.
func readRequest(in *bufio.Reader) ([]string, error) {
	n, err := readCount(in, '*')
	if err != nil {
		return nil, err
	}
	args := make([]string, n)
	for i := range args {
		size, err := readCount(in, '$')
		if err != nil {
			return nil, err
		}
		text := make([]byte, size+2)
		if _, err := io.ReadFull(in, text); err != nil {
			return nil, err
		}
		args[i] = string(text[:size])
	}
	return args, nil
}

func readCount(in *bufio.Reader, kind byte) (int, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return 0, err
	}
	if line[0] != kind {
		return 0, fmt.Errorf("got %q, want a line with %c", line, kind)
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}
