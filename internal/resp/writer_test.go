package resp_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/resp"
)

type marshaler struct {
	text string
	err  error
}

func (m marshaler) MarshalBinary() ([]byte, error) { return []byte(m.text), m.err }

// level has no encoding, although its kind has.
type level int

var (
	errMarshal = errors.New("no text")
	noon       = time.Date(2026, 1, 2, 12, 0, 0, 5, time.FixedZone("", 3600))
)

var goodArgs = []any{
	nil, "text", "", "\x00\r\n", strings.Repeat("x", 1000), []byte("bytes"), []byte(nil),
	int(-1), int8(-8), int16(-16), int32(-32), int64(math.MinInt64),
	uint(1), uint8(8), uint16(16), uint32(32), uint64(math.MaxUint64), uintptr(7),
	float32(0.1), 0.1, 1e21, 1e-7, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(1), math.NaN(), math.Copysign(0, -1),
	true, false, noon, time.Time{}, time.Second, time.Duration(-1),
	marshaler{text: "marshaled"}, &marshaler{text: "pointed at"}, net.ParseIP("10.0.0.1"), net.IP(nil),
	new("text"), new(int(1)), new(int8(1)), new(int16(1)), new(int32(1)), new(int64(1)),
	new(uint(1)), new(uint8(1)), new(uint16(1)), new(uint32(1)), new(uint64(1)), new(uintptr(1)),
	new(float32(0.5)), new(0.5), new(true), new(false), new(noon), new(time.Minute),
	(*string)(nil), (*int)(nil), (*int8)(nil), (*int16)(nil), (*int32)(nil), (*int64)(nil),
	(*uint)(nil), (*uint8)(nil), (*uint16)(nil), (*uint32)(nil), (*uint64)(nil), (*uintptr)(nil),
	(*float32)(nil), (*float64)(nil), (*bool)(nil), (*time.Time)(nil), (*time.Duration)(nil),
}

var badArgs = []any{
	struct{}{}, []string{"a"}, new(struct{}), level(1), new([]byte("bytes")), new(net.ParseIP("10.0.0.1")), complex(1, 1),
	marshaler{err: errMarshal},
}

func TestAppendRequestAsGoRedis(t *testing.T) {
	conn := &fakeConn{}
	client := conn.client(t, resp.RESP2)
	require.NoError(t, client.Ping(t.Context()).Err())

	requests := [][]any{goodArgs, {"PING"}}
	for _, arg := range goodArgs {
		requests = append(requests, []any{"SET", "k", arg})
	}
	for _, args := range requests {
		conn.sent.Reset()
		require.NoError(t, client.Do(t.Context(), args...).Err())
		got, err := resp.AppendRequest([]byte("before"), args)
		require.NoError(t, err)
		require.Equal(t, "before"+conn.sent.String(), string(got))

		read, err := readAll(got[len("before"):], whole)
		require.Equal(t, io.EOF, err)
		require.Len(t, read, 1)
		require.Len(t, read[0], len(args))
	}
	for _, arg := range badArgs {
		require.Error(t, client.Do(t.Context(), "SET", "k", arg).Err(), "%T", arg)
	}
}

func TestAppendRequestErrors(t *testing.T) {
	dst := append(make([]byte, 0, 100), "before"...)
	for _, arg := range badArgs {
		got, err := resp.AppendRequest(dst, []any{"SET", "secret", arg})
		require.Equal(t, "before", string(got), "%T", arg)
		require.Equal(t, "before", string(dst), "%T", arg)
		require.ErrorContains(t, err, "", "%T", arg)
		require.NotContains(t, err.Error(), "secret")

		got, err = resp.AppendArg(dst, arg)
		require.Equal(t, "before", string(got), "%T", arg)
		require.Error(t, err, "%T", arg)
	}
	_, err := resp.AppendRequest(nil, []any{marshaler{err: errMarshal}})
	require.ErrorIs(t, err, errMarshal)
	_, err = resp.AppendRequest(nil, []any{level(1)})
	require.EqualError(t, err, "encoding an argument of type resp_test.level: it does not implement encoding.BinaryMarshaler")
}

// Large arguments can be sent without a copy of them.
func TestAppendBulkHeader(t *testing.T) {
	for _, text := range []string{"", "x", strings.Repeat("x", 100_000)} {
		require.Equal(t, string(resp.AppendBulk(nil, text)), string(resp.AppendBulkHeader(nil, len(text)))+text+"\r\n")
		got, err := resp.AppendArg(nil, text)
		require.NoError(t, err)
		require.Equal(t, string(resp.AppendBulk(nil, []byte(text))), string(got))
	}
}

func TestAppendRequestDoesNotAllocate(t *testing.T) {
	args := append([]any{}, goodArgs...)
	for i, arg := range args {
		if _, ok := arg.(interface{ MarshalBinary() ([]byte, error) }); ok {
			if _, ok := arg.(time.Time); !ok {
				args[i] = "asked for its encoding, it allocates"
			}
		}
	}
	dst, err := resp.AppendRequest(nil, args)
	require.NoError(t, err)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := resp.AppendRequest(dst[:0], args); err != nil {
			t.Fatal(err)
		}
	}))
}

// replies is what a server can answer: how it looks in each version, and what
// go-redis makes of it in each.
var replies = []struct {
	name         string
	append       func(p resp.Protocol, dst []byte) []byte
	resp2, resp3 string
	want2, want3 any
}{
	{
		"simple", func(_ resp.Protocol, dst []byte) []byte { return resp.AppendSimple(dst, "a\r\nb") },
		"+a  b\r\n", "+a  b\r\n", "a  b", "a  b",
	},
	{
		"int", func(_ resp.Protocol, dst []byte) []byte { return resp.AppendInt(dst, math.MinInt64) },
		":-9223372036854775808\r\n", ":-9223372036854775808\r\n", int64(math.MinInt64), int64(math.MinInt64),
	},
	{
		"bulk", func(_ resp.Protocol, dst []byte) []byte { return resp.AppendBulk(dst, "a\r\nb") },
		"$4\r\na\r\nb\r\n", "$4\r\na\r\nb\r\n", "a\r\nb", "a\r\nb",
	},
	{
		"empty bulk", func(_ resp.Protocol, dst []byte) []byte { return resp.AppendBulk(dst, []byte(nil)) },
		"$0\r\n\r\n", "$0\r\n\r\n", "", "",
	},
	{
		"null", resp.Protocol.AppendNull,
		"$-1\r\n", "_\r\n", nil, nil,
	},
	{
		"null array", resp.Protocol.AppendNullArray,
		"*-1\r\n", "_\r\n", nil, nil,
	},
	{
		"array", func(p resp.Protocol, dst []byte) []byte {
			return p.AppendNull(resp.AppendInt(resp.AppendArray(dst, 2), 1))
		},
		"*2\r\n:1\r\n$-1\r\n", "*2\r\n:1\r\n_\r\n", []any{int64(1), nil}, []any{int64(1), nil},
	},
	{
		"map", func(p resp.Protocol, dst []byte) []byte {
			return p.AppendBool(resp.AppendBulk(p.AppendMap(dst, 1), "k"), true)
		},
		"*2\r\n$1\r\nk\r\n:1\r\n", "%1\r\n$1\r\nk\r\n#t\r\n", []any{"k", int64(1)}, map[any]any{"k": true},
	},
	{
		"set", func(p resp.Protocol, dst []byte) []byte { return resp.AppendInt(p.AppendSet(dst, 1), 7) },
		"*1\r\n:7\r\n", "~1\r\n:7\r\n", []any{int64(7)}, []any{int64(7)},
	},
	{
		"false", func(p resp.Protocol, dst []byte) []byte { return p.AppendBool(dst, false) },
		":0\r\n", "#f\r\n", int64(0), false,
	},
	{
		"double", func(p resp.Protocol, dst []byte) []byte { return p.AppendDouble(dst, 1.1) },
		"$18\r\n1.1000000000000001\r\n", ",1.1000000000000001\r\n", "1.1000000000000001", 1.1,
	},
	{
		"whole double", func(p resp.Protocol, dst []byte) []byte { return p.AppendDouble(dst, 1e16) },
		"$17\r\n10000000000000000\r\n", ",10000000000000000\r\n", "10000000000000000", 1e16,
	},
	{
		"infinity", func(p resp.Protocol, dst []byte) []byte { return p.AppendDouble(dst, math.Inf(1)) },
		"$3\r\ninf\r\n", ",inf\r\n", "inf", math.Inf(1),
	},
	{
		"minus infinity", func(p resp.Protocol, dst []byte) []byte { return p.AppendDouble(dst, math.Inf(-1)) },
		"$4\r\n-inf\r\n", ",-inf\r\n", "-inf", math.Inf(-1),
	},
	{
		"verbatim", func(p resp.Protocol, dst []byte) []byte {
			return p.AppendVerbatim(dst, [3]byte{'t', 'x', 't'}, "a\r\n")
		},
		"$3\r\na\r\n\r\n", "=7\r\ntxt:a\r\n\r\n", "a\r\n", "a\r\n",
	},
	{
		"big number", func(p resp.Protocol, dst []byte) []byte { return p.AppendBigNumber(dst, "-12345678901234567890") },
		"$21\r\n-12345678901234567890\r\n", "(-12345678901234567890\r\n", "-12345678901234567890", bigInt("-12345678901234567890"),
	},
}

func bigInt(digits string) *big.Int {
	n, _ := new(big.Int).SetString(digits, 10)
	return n
}

func TestReplies(t *testing.T) {
	for _, p := range []resp.Protocol{resp.RESP2, resp.RESP3} {
		conn := &fakeConn{}
		client := conn.client(t, p)
		for _, tt := range replies {
			raw, want := tt.resp2, tt.want2
			if p == resp.RESP3 {
				raw, want = tt.resp3, tt.want3
			}
			got := tt.append(p, []byte("before"))
			require.Equal(t, "before"+raw, string(got), tt.name)
			var s resp.Scanner
			n, complete, err := s.Scan([]byte(raw))
			require.NoError(t, err)
			require.True(t, complete && n == len(raw), tt.name)

			conn.answer = raw
			decoded, err := client.Do(t.Context(), "ANY").Result()
			if want == nil {
				require.Equal(t, redis.Nil, err, tt.name)
				continue
			}
			require.NoError(t, err, tt.name)
			require.Equal(t, want, decoded, tt.name)
		}
	}
	for _, tt := range replies {
		require.Equal(t, tt.resp2, string(tt.append(0, nil)), tt.name)
	}
}

func TestAppendError(t *testing.T) {
	conn := &fakeConn{}
	client := conn.client(t, resp.RESP3)
	for text, want := range map[string]string{
		"ERR no":                 "-ERR no\r\n",
		"MOVED 1 127.0.0.1:7000": "-MOVED 1 127.0.0.1:7000\r\n",
		"\r\nERR\r\n\na\r\n":     "-ERR   a\r\n",
		"ERR Protocol error: expected '$', got '\n'": "-ERR Protocol error: expected '$', got ' '\r\n",
	} {
		require.Equal(t, want, string(resp.AppendError(nil, text)))
		conn.answer = want
		err := client.Do(t.Context(), "ANY").Err()
		var reply redis.Error
		require.ErrorAs(t, err, &reply)
		require.Equal(t, strings.TrimSuffix(want[1:], "\r\n"), err.Error())
	}
}

func TestAppendPush(t *testing.T) {
	require.Equal(t, ">3\r\n", string(resp.RESP3.AppendPush(nil, 3)))
	require.Equal(t, "*3\r\n", string(resp.RESP2.AppendPush(nil, 3)))
}

func TestRepliesDoNotAllocate(t *testing.T) {
	dst := make([]byte, 0, 1000)
	for _, p := range []resp.Protocol{resp.RESP2, resp.RESP3} {
		for _, tt := range replies {
			require.Zero(t, testing.AllocsPerRun(10, func() { tt.append(p, dst) }), tt.name)
		}
		require.Zero(t, testing.AllocsPerRun(10, func() { p.AppendDouble(dst, math.SmallestNonzeroFloat64) }))
	}
}

// A fakeConn keeps what is sent over it, and has an answer to every write.
type fakeConn struct {
	net.Conn
	sent   bytes.Buffer
	answer string
	unread bytes.Buffer
}

func (c *fakeConn) Write(p []byte) (int, error) {
	answer := c.answer
	switch {
	case bytes.Contains(p, []byte("hello")):
		answer = "%1\r\n+proto\r\n:3\r\n"
	case answer == "":
		answer = "+OK\r\n"
	}
	c.unread.WriteString(answer)
	return c.sent.Write(p)
}

func (c *fakeConn) Read(p []byte) (int, error)       { return c.unread.Read(p) }
func (c *fakeConn) Close() error                     { return nil }
func (c *fakeConn) SetDeadline(time.Time) error      { return nil }
func (c *fakeConn) SetReadDeadline(time.Time) error  { return nil }
func (c *fakeConn) SetWriteDeadline(time.Time) error { return nil }
func (c *fakeConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *fakeConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }

// client returns a client whose connections are all c, one after the other.
func (c *fakeConn) client(t *testing.T, p resp.Protocol) *redis.Client {
	client := redis.NewClient(&redis.Options{
		Dialer:                   func(context.Context, string, string) (net.Conn, error) { return c, nil },
		Protocol:                 int(p),
		PoolSize:                 1,
		MaxRetries:               -1,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	t.Cleanup(func() { client.Close() })
	return client
}

func BenchmarkAppendRequest(b *testing.B) {
	for _, bb := range []struct {
		name string
		args []any
	}{
		{"get", []any{"get", "key:000000000042"}},
		{"set64", []any{"set", "key:000000000042", strings.Repeat("v", 64)}},
		{"setex", []any{"set", "key:000000000042", []byte("value"), "ex", 3600}},
		{"mget100", append([]any{"mget"}, keys(100)...)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			dst, err := resp.AppendRequest(nil, bb.args)
			require.NoError(b, err)
			b.ReportAllocs()
			b.SetBytes(int64(len(dst)))
			for b.Loop() {
				dst, err = resp.AppendRequest(dst[:0], bb.args)
			}
			require.NoError(b, err)
		})
	}
}

func BenchmarkAppendReply(b *testing.B) {
	value := strings.Repeat("v", 64)
	dst := make([]byte, 0, 1<<17)
	b.ReportAllocs()
	b.SetBytes(int64(len(mgetReply(1000))))
	for b.Loop() {
		dst = resp.AppendArray(dst[:0], 1000)
		for range 1000 {
			dst = resp.AppendBulk(dst, value)
		}
	}
}
