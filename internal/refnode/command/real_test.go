package command

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/realcluster"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// A server is a connection to a real redis-server.
type server struct {
	t    *testing.T
	conn net.Conn
	read []byte // of the replies to come
}

// startServer returns a connection to a server of its own, not in cluster mode.
func startServer(t *testing.T) *server {
	return dial(t, realcluster.Start(t, realcluster.Config{Standalone: true}).Addrs()[0])
}

func dial(t *testing.T, addr string) *server {
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	return &server{t: t, conn: conn}
}

// ask returns the reply to one request, as it came.
func (s *server) ask(args ...string) string {
	s.t.Helper()
	return s.askAll([][][]byte{request(args...)})[0]
}

// askAll sends the requests all at once.
func (s *server) askAll(requests [][][]byte) []string {
	s.t.Helper()
	s.send(requests...)
	replies := make([]string, len(requests))
	for i := range replies {
		replies[i] = s.reply()
	}
	return replies
}

func (s *server) send(requests ...[][]byte) {
	s.t.Helper()
	var raw []byte
	for _, args := range requests {
		raw = resp.AppendArray(raw, len(args))
		for _, arg := range args {
			raw = resp.AppendBulk(raw, arg)
		}
	}
	_, err := s.conn.Write(raw)
	require.NoError(s.t, err)
}

func (s *server) reply() string {
	s.t.Helper()
	var scanner resp.Scanner
	for scanned := 0; ; {
		n, complete, err := scanner.Scan(s.read[scanned:])
		require.NoError(s.t, err)
		if scanned += n; complete {
			reply := string(s.read[:scanned])
			s.read = s.read[scanned:]
			return reply
		}
		s.fill()
	}
}

func (s *server) fill() {
	s.t.Helper()
	s.read = slices.Grow(s.read, 64<<10)
	n, err := s.conn.Read(s.read[len(s.read):cap(s.read)])
	require.NoError(s.t, err)
	s.read = s.read[:len(s.read)+n]
}

func request(args ...string) [][]byte {
	list := make([][]byte, len(args))
	for i, arg := range args {
		list[i] = []byte(arg)
	}
	return list
}

// line returns the request of the words of text, of which ” is an empty one.
func line(text string) [][]byte {
	args := strings.Fields(text)
	for i := range args {
		args[i] = strings.Trim(args[i], "'")
	}
	return request(args...)
}

// all returns the commands and subcommands.
func all() []*Spec {
	var list []*Spec
	for i := range table {
		list = append(list, &table[i])
		for j := range table[i].Subcommands {
			list = append(list, &table[i].Subcommands[j])
		}
	}
	indexed()
	return list
}
