package resp_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/realcluster"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// A server is a connection to a real redis-server.
type server struct {
	net.Conn
	addr string
}

func startServer(t *testing.T, lines ...string) *server {
	c := realcluster.Start(t, realcluster.Config{Standalone: true, ConfigLines: lines})
	s := &server{addr: c.Addrs()[0]}
	s.dial(t)
	t.Cleanup(func() { s.Close() })
	return s
}

func (s *server) dial(t *testing.T) {
	if s.Conn != nil {
		s.Close()
	}
	conn, err := net.Dial("tcp", s.addr)
	require.NoError(t, err)
	require.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	s.Conn = conn
}

func (s *server) send(t *testing.T, raw string) {
	_, err := io.WriteString(s, raw)
	require.NoError(t, err)
}

// reply returns the next reply as it came.
func (s *server) reply(t *testing.T) string {
	var raw []byte
	var scanner resp.Scanner
	for b := make([]byte, 1); ; {
		_, err := io.ReadFull(s, b)
		require.NoError(t, err)
		raw = append(raw, b...)
		_, complete, err := scanner.Scan(b)
		require.NoError(t, err)
		if complete {
			return string(raw)
		}
	}
}

func (s *server) ask(t *testing.T, args ...any) string {
	s.send(t, request(args...))
	return s.reply(t)
}

// TestReaderAsServer sends a server what TestReader reads, so that readerCases are
// known to be true.
func TestReaderAsServer(t *testing.T) {
	s := startServer(t)
	for _, tt := range readerCases {
		s.dial(t)
		s.send(t, tt.sent)
		for _, args := range tt.want {
			require.Equal(t, answer(args), s.reply(t), "%.100q", tt.sent)
		}
		want := ""
		if tt.err == "" { // it waits for more, until it hears that there is none
			require.NoError(t, s.Conn.(*net.TCPConn).CloseWrite())
		} else {
			want = string(resp.AppendError(nil, "ERR Protocol error: "+tt.err))
		}
		rest, err := io.ReadAll(s)
		require.NoError(t, err, "%.100q", tt.sent)
		require.Equal(t, want, string(rest), "%.100q", tt.sent)
	}
}

// answer is what a server says to PING, and to ECHO of one argument.
func answer(args []string) string {
	switch {
	case args[0] == "PING":
		return "+PONG\r\n"
	case len(args) == 2:
		return string(resp.AppendBulk(nil, args[1]))
	default:
		return "-ERR wrong number of arguments for 'echo' command\r\n"
	}
}

func TestReaderNoAuthAsServer(t *testing.T) {
	s := startServer(t)
	require.Equal(t, "+OK\r\n", s.ask(t, "CONFIG", "SET", "requirepass", "secret"))
	for _, sent := range []string{"*11\r\n", "*1\r\n$16385\r\n", "*2147483648\r\n"} {
		s.dial(t)
		s.send(t, sent)
		rest, err := io.ReadAll(s)
		require.NoError(t, err)

		r := resp.NewReader(strings.NewReader(sent))
		r.NoAuth = true
		_, protocolErr := drain(r)
		require.Equal(t, string(resp.AppendError(nil, "ERR "+protocolErr.Error())), string(rest), "%q", sent)
	}
	s.dial(t)
	s.send(t, "*10\r\n$3\r\nDEL\r\n$16384\r\n"+strings.Repeat("x", 16384)+"\r\n"+strings.Repeat("$0\r\n\r\n", 8))
	require.Contains(t, s.reply(t), "NOAUTH")
}

// TestInlineAsServer has a server say what it made of random inline arguments.
func TestInlineAsServer(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	s := startServer(t)
	pieces := []string{" ", " ", "\t", "\v", "\f", "\r", `"`, `"`, `'`, `'`, `\`, `\`, `\x4`, `\xfF`, "x", "n", "t", "b", "a", "0", "\xff", "\x01"}
	for range 3000 {
		text := `EVAL "return ARGV" 0 `
		for range r.IntN(12) {
			text += pieces[r.IntN(len(pieces))]
		}
		text += "\n"
		s.send(t, text)
		raw := s.reply(t)
		requests, err := readAll([]byte(text), whole)
		if err != io.EOF {
			require.Equal(t, string(resp.AppendError(nil, "ERR "+err.Error())), raw, "%q", text)
			s.dial(t)
			continue
		}
		require.Len(t, requests, 1)
		args := requests[0][3:]
		want := resp.AppendArray(nil, len(args))
		for _, arg := range args {
			want = resp.AppendBulk(want, arg)
		}
		require.Equal(t, string(want), raw, "%q", text)
	}
}

// TestRepliesAsServer compares with the replies that a server has for the tests of
// clients, one of each type.
func TestRepliesAsServer(t *testing.T) {
	s := startServer(t, "enable-debug-command yes")
	for _, p := range []resp.Protocol{resp.RESP2, resp.RESP3} {
		s.ask(t, "HELLO", int(p))
		for kind, want := range map[string][]byte{
			"string":   resp.AppendBulk(nil, "Hello World"),
			"integer":  resp.AppendInt(nil, 12345),
			"double":   p.AppendDouble(nil, 3.141),
			"null":     p.AppendNull(nil),
			"array":    ints(resp.AppendArray(nil, 3), 0, 1, 2),
			"set":      ints(p.AppendSet(nil, 3), 0, 1, 2),
			"bignum":   p.AppendBigNumber(nil, "1234567999999999999999999999999999999"),
			"true":     p.AppendBool(nil, true),
			"false":    p.AppendBool(nil, false),
			"verbatim": p.AppendVerbatim(nil, [3]byte{'t', 'x', 't'}, "This is a verbatim\nstring"),
			"map": p.AppendBool(resp.AppendInt(p.AppendBool(resp.AppendInt(p.AppendBool(resp.AppendInt(
				p.AppendMap(nil, 3), 0), false), 1), true), 2), false),
		} {
			require.Equal(t, string(want), s.ask(t, "DEBUG", "PROTOCOL", kind), "%s in RESP%d", kind, p)
		}
		require.Equal(t, string(p.AppendNullArray(nil)), s.ask(t, "BLPOP", "none", "0.01"))
	}

	require.Equal(t, string(ints(resp.AppendBulk(resp.RESP3.AppendPush(nil, 2), "server-cpu-usage"), 42)), s.ask(t, "DEBUG", "PROTOCOL", "push"))
	s.reply(t) // the push was not it
	raw := s.ask(t, "DEBUG", "PROTOCOL", "attrib")
	require.Equal(t, "|1\r\n", raw[:4])
	require.True(t, strings.HasSuffix(raw, "$39\r\nSome real reply following the attribute\r\n"), raw)
}

func ints(dst []byte, values ...int64) []byte {
	for _, n := range values {
		dst = resp.AppendInt(dst, n)
	}
	return dst
}

func TestDoublesAsServer(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	s := startServer(t, "zset-max-listpack-entries 0") // which would store -0 as 0
	doubles := []float64{0, math.Copysign(0, -1), 1, -1, 0.1, 1e15, 1e16, 1e17, 123456789012345678, 1e-4, 1e-5, 1e21, 1e100, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(1), math.Inf(-1)}
	for range 500 {
		f := math.Float64frombits(r.Uint64())
		if !math.IsNaN(f) {
			doubles = append(doubles, f)
		}
		doubles = append(doubles, math.Round(r.Float64()*1e6)/1e3, float64(r.Int64()))
	}
	var zadd bytes.Buffer
	for i, f := range doubles {
		zadd.WriteString(request("ZADD", "z", strconv.FormatFloat(f, 'g', -1, 64), i))
	}
	s.send(t, zadd.String())
	for range doubles {
		require.Equal(t, ":1\r\n", s.reply(t))
	}
	for _, p := range []resp.Protocol{resp.RESP2, resp.RESP3} {
		s.ask(t, "HELLO", int(p))
		for i, f := range doubles {
			require.Equal(t, string(p.AppendDouble(nil, f)), s.ask(t, "ZSCORE", "z", fmt.Sprint(i)), "%v", f)
		}
	}
}
