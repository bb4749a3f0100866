package resp_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// pieces yields stream in pieces of the sizes that cut returns.
type pieces struct {
	stream []byte
	cut    func() int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.stream) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.stream[:min(len(p.stream), p.cut())])
	p.stream = p.stream[n:]
	return n, nil
}

// readAll returns the requests in stream, and why there are no more, io.EOF at its end.
func readAll(stream []byte, cut func() int) (requests [][]string, err error) {
	return drain(resp.NewReader(&pieces{stream, cut}))
}

func drain(r *resp.Reader) (requests [][]string, err error) {
	for {
		args, ok, err := r.Next()
		switch {
		case err != nil:
			return requests, err
		case ok:
			requests = append(requests, asStrings(args))
			continue
		}
		if err := r.Fill(); err != nil {
			return requests, err
		}
	}
}

func asStrings(args [][]byte) []string {
	text := make([]string, len(args))
	for i, arg := range args {
		text[i] = string(arg)
	}
	return text
}

// request returns a request as a client sends it.
func request(args ...any) string {
	text, err := resp.AppendRequest(nil, args)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// readerCases is what a server is sent, and what it makes of it. An error is the
// last thing it says.
var readerCases = []struct {
	sent string
	want [][]string
	err  string
}{
	{sent: request("ECHO", "x"), want: [][]string{{"ECHO", "x"}}},
	{sent: request("ECHO", "") + request("PING"), want: [][]string{{"ECHO", ""}, {"PING"}}},
	{sent: request("ECHO", "*1\r\n$4\r\nPING\r\n\x00"), want: [][]string{{"ECHO", "*1\r\n$4\r\nPING\r\n\x00"}}},
	{sent: "*0\r\n*-1\r\n*-2147483649\r\n*-9223372036854775808\r\n" + request("PING"), want: [][]string{{"PING"}}},
	{sent: "*1\rX$4\rYPINGxy" + request("PING"), want: [][]string{{"PING"}, {"PING"}}},
	{sent: "*2147483647\r\n"},
	{sent: "*1\r\n$536870912\r\n"},
	{sent: "*1"}, {sent: "*1\r"}, {sent: "*1\r\n$"}, {sent: "*1\r\n$4\r\nPING\r"},

	{sent: "*2147483648\r\n", err: "invalid multibulk length"},
	{sent: "*9223372036854775808\r\n", err: "invalid multibulk length"},
	{sent: "*-9223372036854775809\r\n", err: "invalid multibulk length"},
	{sent: "*18446744073709551617\r\n", err: "invalid multibulk length"},
	{sent: "*01\r\n", err: "invalid multibulk length"},
	{sent: "*-0\r\n", err: "invalid multibulk length"},
	{sent: "*-01\r\n", err: "invalid multibulk length"},
	{sent: "*-\r\n", err: "invalid multibulk length"},
	{sent: "*+1\r\n", err: "invalid multibulk length"},
	{sent: "* 1\r\n", err: "invalid multibulk length"},
	{sent: "*\r\n", err: "invalid multibulk length"},
	{sent: "*x\r\n", err: "invalid multibulk length"},
	{sent: "*1\n$4\nPING\n\r\n", err: "invalid multibulk length"},
	{sent: "*1\r\nx\r\n", err: "expected '$', got 'x'"},
	{sent: "*1\r\n:4\r\n", err: "expected '$', got ':'"},
	{sent: "*1\r\n\xff\r\n", err: "expected '$', got '\xff'"},
	{sent: "*1\r\n\t\r\n", err: "expected '$', got '\t'"},
	{sent: "*1\r\n\r\n", err: "expected '$', got '\r'"},
	{sent: "*1\r\n\nx\r\n", err: "expected '$', got '\n'"},
	{sent: request("PING") + "*3\r\n$4\r\nECHO\r\n$1\r\nx\r\nfoo\r\n", want: [][]string{{"PING"}}, err: "expected '$', got 'f'"},
	{sent: "*1\r\n$-1\r\n", err: "invalid bulk length"},
	{sent: "*1\r\n$536870913\r\n", err: "invalid bulk length"},
	{sent: "*1\r\n$04\r\n", err: "invalid bulk length"},
	{sent: "*1\r\n$\r\n", err: "invalid bulk length"},
	{sent: "*1\r\n$4x\r\n", err: "invalid bulk length"},

	{sent: "*" + strings.Repeat("1", 1<<16-1)},
	{sent: "*" + strings.Repeat("1", 1<<16), err: "too big mbulk count string"},
	{sent: "*1\r\n$" + strings.Repeat("1", 1<<16-1)},
	{sent: "*1\r\n$" + strings.Repeat("1", 1<<16), err: "too big bulk count string"},
	{sent: strings.Repeat("a", 1<<16)},
	{sent: strings.Repeat("a", 1<<16+1), err: "too big inline request"},

	{sent: "PING\r\nPING\n", want: [][]string{{"PING"}, {"PING"}}},
	{sent: "\r\n\n \t \r\nPING\r\r\n\v\fPING \v\r\n", want: [][]string{{"PING"}, {"PING"}}},
	{sent: "ECHO a\vb\r\n", want: [][]string{{"ECHO", "a\vb"}}},
	{sent: "ECHO \f\"a b\"\v\r\n", want: [][]string{{"ECHO", "a b"}}},
	{sent: `ECHO "\x41\xfF\x4\xg1\n\r\t\b\a\\\"\q"` + "\r\n", want: [][]string{{"ECHO", "A\xffx4xg1\n\r\t\b\a\\\"q"}}},
	{sent: `ECHO '\x41\n\'"'` + "\r\n", want: [][]string{{"ECHO", `\x41\n'"`}}},
	{sent: `ECHO a"b c"` + "\r\n", want: [][]string{{"ECHO", "ab c"}}},
	{sent: `ECHO a\x41\n` + "\r\n", want: [][]string{{"ECHO", `a\x41\n`}}},
	{sent: `ECHO "" PING ''` + "\r\n" + `ECHO ""` + "\n", want: [][]string{{"ECHO", "", "PING", ""}, {"ECHO", ""}}},
	{sent: `ECHO "a` + "\n", err: "unbalanced quotes in request"},
	{sent: `ECHO 'a` + "\n", err: "unbalanced quotes in request"},
	{sent: `ECHO "a"b` + "\n", err: "unbalanced quotes in request"},
	{sent: `ECHO 'a''b'` + "\n", err: "unbalanced quotes in request"},
	{sent: `ECHO "a\"` + "\r\n", err: "unbalanced quotes in request"},
	{sent: `ECHO "a\` + "\r\n", err: "unbalanced quotes in request"},
	{sent: `ECHO "\x4` + "\n", err: "unbalanced quotes in request"},
	{sent: "PING\n" + `"` + "\n", want: [][]string{{"PING"}}, err: "unbalanced quotes in request"},

	// A zero byte hides the end of its line.
	{sent: "PI\x00NG\r\nPING\r\n"},
	{sent: "*1\r\n$\x004\r\nPING\r\n"},
	{sent: "PI\x00NG\r\n" + strings.Repeat("a", 1<<16-6), err: "too big inline request"},
	{sent: "*1\r\n\x00\r\n" + strings.Repeat("a", 1<<16-2), err: "too big bulk count string"},
}

func TestReader(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, tt := range readerCases {
		for _, cut := range []func() int{whole, bytewise, randomly(rand.New(rand.NewPCG(seed, 0)))} {
			got, err := readAll([]byte(tt.sent), cut)
			require.Equal(t, tt.want, got, "%.100q", tt.sent)
			if tt.err == "" {
				require.Equal(t, io.EOF, err, "%.100q", tt.sent)
				continue
			}
			require.Equal(t, resp.ProtocolError(tt.err), err, "%.100q", tt.sent)
			require.Equal(t, "Protocol error: "+tt.err, err.Error())
		}
	}
}

func TestReaderNoAuth(t *testing.T) {
	for _, tt := range []struct {
		sent string
		err  string
	}{
		{"*10\r\n", ""},
		{"*11\r\n", "unauthenticated multibulk length"},
		{"*2147483648\r\n", "invalid multibulk length"},
		{"*1\r\n$16384\r\n", ""},
		{"*1\r\n$16385\r\n", "unauthenticated bulk length"},
	} {
		r := resp.NewReader(strings.NewReader(tt.sent))
		r.NoAuth = true
		_, err := drain(r)
		if tt.err == "" {
			require.Equal(t, io.EOF, err, "%q", tt.sent)
		} else {
			require.Equal(t, resp.ProtocolError(tt.err), err, "%q", tt.sent)
		}
		_, err = readAll([]byte(tt.sent), whole)
		if tt.err != "invalid multibulk length" {
			require.Equal(t, io.EOF, err, "%q", tt.sent)
		}
	}
}

// All requests of one Read are there at once, and stay until the next.
func TestReaderPipeline(t *testing.T) {
	r := resp.NewReader(strings.NewReader(request("SET", "a", 1) + "GET a\r\n" + request("DEL", "a") + "*1\r\n$4\r\nPI"))
	_, ok, err := r.Next()
	require.NoError(t, err)
	require.False(t, ok, "Next does not read")
	require.NoError(t, r.Fill())

	var kept [][]byte
	for range 3 {
		args, ok, err := r.Next()
		require.NoError(t, err)
		require.True(t, ok)
		kept = append(kept, args...)
	}
	_, ok, err = r.Next()
	require.NoError(t, err)
	require.False(t, ok)
	require.Equal(t, []string{"SET", "a", "1", "GET", "a", "DEL", "a"}, asStrings(kept))
	require.Equal(t, io.EOF, r.Fill())
}

func TestReaderArgumentsDoNotOverlap(t *testing.T) {
	for _, sent := range []string{request("A", "b", "c"), "A b c\r\n"} {
		r := resp.NewReader(strings.NewReader(sent))
		require.NoError(t, r.Fill())
		args, ok, err := r.Next()
		require.NoError(t, err)
		require.True(t, ok)
		_ = append(args[0], "overwritten"...)
		require.Equal(t, []string{"A", "b", "c"}, asStrings(args))
	}
}

func TestReaderSourceErrors(t *testing.T) {
	r := resp.NewReader(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("PING\r\n"))))
	_, err := drain(r)
	require.Equal(t, iotest.ErrTimeout, err)
	got, err := drain(r)
	require.Equal(t, io.EOF, err, "an error of the source does not end a Reader")
	require.Equal(t, [][]string{{"PING"}}, got)

	require.Equal(t, io.ErrNoProgress, resp.NewReader(stuck{}).Fill())

	r = resp.NewReader(iotest.DataErrReader(strings.NewReader("PING\r\n")))
	got, err = drain(r)
	require.Equal(t, io.EOF, err)
	require.Equal(t, [][]string{{"PING"}}, got)

	r = resp.NewReader(strings.NewReader("*x\r\n"))
	_, err = drain(r)
	require.Equal(t, err, r.Fill(), "after a protocol error nothing is read")
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestReaderLargeRequests(t *testing.T) {
	big := strings.Repeat("x", 5<<20)
	many := make([]any, 100_001)
	for i := range many {
		many[i] = i
	}
	var stream []byte
	var err error
	for _, args := range [][]any{{"SET", "k", big}, many, {"PING"}, {"SET", big, big, "x"}, {"PING"}} {
		stream, err = resp.AppendRequest(stream, args)
		require.NoError(t, err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for _, cut := range []func() int{whole, func() int { return 1 + rnd.IntN(100_000) }} {
		got, err := readAll(stream, cut)
		require.Equal(t, io.EOF, err)
		require.Len(t, got, 5)
		require.True(t, got[0][2] == big)
		require.Len(t, got[1], len(many))
		require.Equal(t, "100000", got[1][100_000])
		require.True(t, got[3][1] == big && got[3][2] == big && got[3][3] == "x")
		require.Equal(t, []string{"PING"}, got[4])
	}
}

func TestReaderDoesNotAllocate(t *testing.T) {
	stream := strings.Repeat(request("SET", "key", strings.Repeat("x", 100))+"GET \"a b\"\r\n", 1000)
	src := strings.NewReader(stream)
	r := resp.NewReader(src)
	require.Zero(t, testing.AllocsPerRun(10, func() {
		src.Reset(stream)
		requests := 0
		for {
			_, ok, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if ok {
				requests++
			} else if errors.Is(r.Fill(), io.EOF) {
				break
			}
		}
		if requests != 2000 {
			t.Fatal(requests)
		}
	}))
}

func BenchmarkReader(b *testing.B) {
	for _, bb := range []struct{ name, request string }{
		{"get", request("GET", "key:000000000042")},
		{"set1KB", request("SET", "key:000000000042", strings.Repeat("v", 1024))},
		{"mget100", request(append([]any{"MGET"}, keys(100)...)...)},
		{"inline", "GET key:000000000042\r\n"},
		{"set1MB", request("SET", "key", strings.Repeat("v", 1<<20))},
	} {
		const batch = 100
		stream := strings.Repeat(bb.request, batch)
		b.Run(bb.name, func(b *testing.B) {
			src := strings.NewReader(stream)
			r := resp.NewReader(src)
			b.ReportAllocs()
			b.SetBytes(int64(len(bb.request)))
			left := 0
			for b.Loop() {
				if left == 0 {
					src.Reset(stream)
					left = batch
				}
				left--
				for {
					_, ok, err := r.Next()
					if err != nil {
						b.Fatal(err)
					}
					if ok {
						break
					}
					if err := r.Fill(); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

func keys(n int) []any {
	keys := make([]any, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("key:%012d", i)
	}
	return keys
}
