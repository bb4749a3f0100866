package refnode

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/internal/realcluster"
	"github.com/slotmesh/slotmesh/internal/refnode/transport"
	"github.com/slotmesh/slotmesh/internal/refnode/view"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// A target is a server that serves every slot: a node, or a redis-server.
type target struct {
	network transport.Network
	addr    string
}

// startTarget starts a node that serves every slot.
func startTarget(t *testing.T, cfg Config) (target, *Node) {
	if cfg.Network == nil {
		cfg.Network = transport.NewMemory()
	}
	cfg.View = view.New(view.Node{ID: randomID(), IP: "127.0.0.1", Port: 7000, BusPort: 17000, Offset: 1})
	var slots []uint16
	for slot := range uint16(hashtag.Slots) {
		slots = append(slots, slot)
	}
	require.NoError(t, cfg.View.AddSlots(slots...))
	n, err := Start(context.Background(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.Close()) })
	return target{cfg.Network, n.Addr()}, n
}

// startRedis starts a redis-server of the version that the node imitates.
func startRedis(t *testing.T) target {
	c := realcluster.Start(t, realcluster.Config{Masters: 1, ConfigLines: []string{"enable-debug-command yes"}})
	s := target{transport.TCP(), c.Addrs()[0]}
	if info := s.dial(t).do("INFO", "server"); !strings.Contains(info, "redis_version:"+redisVersion+"\r\n") {
		t.Skipf("the redis-server here is another version: put one of %s on the PATH, as apt-get install redis-server on Debian 12 does", redisVersion)
	}
	return s
}

// A peer is a connection on which replies are seen as they come.
type peer struct {
	t    *testing.T
	conn net.Conn
	in   resp.Scanner
}

func (s target) dial(t *testing.T) *peer {
	t.Helper()
	conn, err := s.network.Dial(context.Background(), s.addr)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Hour)))
	return &peer{t: t, conn: conn}
}

func (p *peer) send(args ...string) {
	p.t.Helper()
	list := make([]any, len(args))
	for i, arg := range args {
		list[i] = arg
	}
	request, err := resp.AppendRequest(nil, list)
	require.NoError(p.t, err)
	_, err = p.conn.Write(request)
	if !errors.Is(err, net.ErrClosed) && err != nil {
		p.t.Logf("%v: %v", args, err) // the other side has closed, which receive tells
	}
}

// receive returns the next reply, empty if the connection has ended instead.
func (p *peer) receive() string {
	p.t.Helper()
	var raw []byte
	for b := make([]byte, 1); ; {
		if _, err := io.ReadFull(p.conn, b); err != nil {
			require.NotErrorIs(p.t, err, os.ErrDeadlineExceeded)
			return ""
		}
		raw = append(raw, b...)
		_, complete, err := p.in.Scan(b)
		require.NoError(p.t, err)
		if complete {
			return string(raw)
		}
	}
}

func (p *peer) do(args ...string) string {
	p.t.Helper()
	p.send(args...)
	return p.receive()
}

func (p *peer) closed() {
	p.t.Helper()
	_, err := io.ReadFull(p.conn, make([]byte, 1))
	require.Error(p.t, err)
	require.NotErrorIs(p.t, err, os.ErrDeadlineExceeded)
}

// ownID is the id of the client in the reply to HELLO.
var ownID = regexp.MustCompile(`\r\nid\r\n:\d+`)

// replay sends what a file of testdata/replies has, and compares the replies with those in
// there, which a redis-server 7.0.15 gave: "connection: command -> reply", with "closed"
// behind it if the connection ends there.
func (s target) replay(t *testing.T, file string) {
	text, err := os.ReadFile(filepath.Join("testdata", "replies", file))
	require.NoError(t, err)
	peers := map[string]*peer{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		s.replayLine(t, peers, line)
	}
}

func (s target) replayLine(t *testing.T, peers map[string]*peer, line string) {
	request, reply, _ := strings.Cut(line, " -> ")
	name, command, _ := strings.Cut(request, ": ")
	quoted, err := strconv.QuotedPrefix(reply)
	require.NoError(t, err, line)
	want, err := strconv.Unquote(quoted)
	require.NoError(t, err, line)
	p := peers[name]
	if p == nil {
		p = s.dial(t)
		peers[name] = p
	}
	p.send(words(t, command)...)
	if want != "" {
		require.Equal(t, want, ownID.ReplaceAllString(p.receive(), "\r\nid\r\n:1"), line)
	}
	if strings.HasSuffix(reply, " closed") {
		p.closed()
	}
}

// words splits a command at its spaces, but for those between quotation marks.
func words(t *testing.T, command string) (args []string) {
	for command = strings.TrimSpace(command); command != ""; command = strings.TrimSpace(command) {
		if command[0] != '"' {
			arg, rest, _ := strings.Cut(command, " ")
			args, command = append(args, arg), rest
			continue
		}
		quoted, err := strconv.QuotedPrefix(command)
		require.NoError(t, err)
		arg, err := strconv.Unquote(quoted)
		require.NoError(t, err)
		args, command = append(args, arg), command[len(quoted):]
	}
	return args
}

// common is what a node and a redis-server do alike.
var common = []struct {
	name string
	test func(t *testing.T, s target)
}{
	{"replies/server", func(t *testing.T, s target) { s.replay(t, "server.txt") }},
	{"replies/connection", func(t *testing.T, s target) { s.replay(t, "connection.txt") }},
	{"replies/clients", func(t *testing.T, s target) { s.replay(t, "clients.txt") }},
	{"replies/config", func(t *testing.T, s target) { s.replay(t, "config.txt") }},
	{"replies/keys", func(t *testing.T, s target) { s.replay(t, "keys.txt") }},
	{"client ids", testClientID},
	{"client info", testClientInfo},
	{"client list", testClientListShowsState},
	{"client kill", testClientKill},
	{"config get", testConfigGetSeveral},
	{"command stats", testCommandStats},
}

func TestNode(t *testing.T) {
	for _, c := range common {
		t.Run(c.name, func(t *testing.T) {
			s, _ := startTarget(t, Config{})
			c.test(t, s)
		})
	}
	t.Run("replies/password", func(t *testing.T) {
		s, _ := startTarget(t, Config{Password: "sekret"})
		s.replay(t, "password.txt")
	})
}

// What a node is held to is what the server does.
func TestRedis(t *testing.T) {
	s := startRedis(t)
	for _, c := range common {
		t.Run(c.name, func(t *testing.T) { c.test(t, s) })
	}
	t.Run("defaults", func(t *testing.T) { testConfigDefaults(t, s) })
	t.Run("info", func(t *testing.T) { testInfoIsPartOf(t, s) })
	t.Run("replies/password", func(t *testing.T) { // last, since then everybody needs it
		require.Equal(t, "+OK\r\n", s.dial(t).do("CONFIG", "SET", "requirepass", "sekret"))
		s.replay(t, "password.txt")
	})
}
