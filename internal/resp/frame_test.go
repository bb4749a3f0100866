package resp_test

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// scanned is what a Scanner makes of a stream: its complete replies, and how it ends.
type scanned struct {
	replies []string
	kinds   []resp.Kind
	err     error
	missing int // 0 if it ends with a complete reply, or an error
}

// scan scans stream in pieces of the sizes that cut returns.
func scan(t testing.TB, s *resp.Scanner, stream []byte, cut func() int) (out scanned) {
	reply := 0
	var complete bool
	for at := 0; at < len(stream); {
		piece := stream[at:min(len(stream), at+cut())]
		n, done, err := s.Scan(piece)
		if err != nil {
			require.ErrorIs(t, err, resp.ErrMalformed)
			require.False(t, done)
			out.err = err
			return out
		}
		at += n
		if s.Len() != at-reply || done != (s.Missing() == 0) || !done && n < len(piece) {
			t.Fatalf("at %d of %.100q: Len %d, Missing %d, complete %v", at, stream, s.Len(), s.Missing(), done)
		}
		if complete = done; done {
			out.replies = append(out.replies, string(stream[reply:at]))
			out.kinds = append(out.kinds, s.Kind())
			reply = at
		}
	}
	if len(stream) > 0 && !complete {
		out.missing = s.Missing()
	}
	return out
}

func whole() int    { return 1 << 30 }
func bytewise() int { return 1 }

// randomly returns cuts of up to 12 bytes, and of any size now and then.
func randomly(r *rand.Rand) func() int {
	return func() int { return 1 + r.IntN(12)<<(3*r.IntN(2)*r.IntN(4)) }
}

var goodReplies = []struct {
	raw  string
	kind resp.Kind
}{
	{"+OK\r\n", resp.Simple},
	{"+\r\n", resp.Simple},
	{"+a\rb\r\r\n", resp.Simple},
	{"-ERR no\r\n", resp.Error},
	{":-12\r\n", resp.Int},
	{"$0\r\n\r\n", resp.Bulk},
	{"$2\r\n\r\n\r\n", resp.Bulk},
	{"$10\r\n+OK\r\n$3\r\nx\r\n", resp.Bulk},
	{"$-1\r\n", resp.Bulk},
	{"$003\r\nabc\r\n", resp.Bulk},
	{"*-1\r\n", resp.Array},
	{"*0\r\n", resp.Array},
	{"*2\r\n$1\r\na\r\n:1\r\n", resp.Array},
	{"*3\r\n*0\r\n*1\r\n*2\r\n$-1\r\n*-1\r\n+x\r\n", resp.Array},
	{"_\r\n", resp.Null},
	{",3.14\r\n", resp.Double},
	{"#t\r\n", resp.Bool},
	{"(123456789012345678901234567890\r\n", resp.BigNumber},
	{"!8\r\nERR a\r\nb\r\n", resp.BlobError},
	{"=6\r\ntxt:ab\r\n", resp.Verbatim},
	{"%0\r\n", resp.Map},
	{"%2\r\n+a\r\n*1\r\n:1\r\n+b\r\n%1\r\n+c\r\n_\r\n", resp.Map},
	{"~2\r\n:1\r\n:2\r\n", resp.Set},
	{">2\r\n+message\r\n+x\r\n", resp.Push},
	{"|1\r\n+ttl\r\n:60\r\n$1\r\nx\r\n", resp.Bulk},
	{"|0\r\n:1\r\n", resp.Int},
	{"|1\r\n+a\r\n:1\r\n|1\r\n|1\r\n+c\r\n:3\r\n+b\r\n:2\r\n*1\r\n:9\r\n", resp.Array},
	{"|1\r\n+a\r\n*1\r\n>0\r\n>1\r\n+x\r\n", resp.Push},
	{"*2\r\n|1\r\n+a\r\n:1\r\n:2\r\n:3\r\n", resp.Array},
	{nested(resp.MaxDepth), resp.Array},
	{"+" + strings.Repeat("a", resp.MaxLine-3) + "\r\n", resp.Simple},
}

// nested returns a reply of that many arrays, each but the last around another.
func nested(depth int) string { return strings.Repeat("*1\r\n", depth-1) + "*1\r\n:1\r\n" }

func TestScanner(t *testing.T) {
	var all strings.Builder
	var s resp.Scanner
	for _, want := range goodReplies {
		all.WriteString(want.raw)
		for _, cut := range []func() int{whole, bytewise} {
			got := scan(t, &s, []byte(want.raw), cut)
			require.NoError(t, got.err, "%.100q", want.raw)
			require.Equal(t, []string{want.raw}, got.replies)
			require.Equal(t, []resp.Kind{want.kind}, got.kinds, "%.100q", want.raw)
		}
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	got := scan(t, &s, []byte(all.String()), randomly(rand.New(rand.NewPCG(seed, 0))))
	require.NoError(t, got.err)
	require.Len(t, got.replies, len(goodReplies))
	for i, want := range goodReplies {
		require.Equal(t, want.raw, got.replies[i])
		require.Equal(t, want.kind, got.kinds[i])
	}
}

// A reply is not complete before its last byte is there.
func TestScannerWaits(t *testing.T) {
	for _, want := range goodReplies {
		if len(want.raw) > 1000 {
			continue
		}
		for n := range len(want.raw) {
			var s resp.Scanner
			got := scan(t, &s, []byte(want.raw[:n]), whole)
			require.NoError(t, got.err)
			require.Empty(t, got.replies, "%q", want.raw[:n])
			require.LessOrEqual(t, got.missing, len(want.raw)-n, "%q", want.raw[:n])
		}
	}
}

func TestScannerErrors(t *testing.T) {
	for raw, want := range map[string]string{
		"\r\n":                     `unknown type '\r'`,
		"HTTP/1.1 400\r\n":         `unknown type 'H'`,
		"\x16\x03\x01":             `unknown type '\x16'`,
		";4\r\n":                   `unknown type ';'`,
		".\r\n":                    `unknown type '.'`,
		"$?\r\n":                   "streamed",
		"*?\r\n":                   "streamed",
		"%?\r\n":                   "streamed",
		"$\r\n":                    `a length with '\r' in it`,
		"*\r\n":                    `a length with '\r' in it`,
		"$-\r\n":                   `a length with '\r' in it`,
		"$--1\r\n":                 `a length with '-' in it`,
		"$1-\r\n":                  `a length with '-' in it`,
		"$+1\r\n":                  `a length with '+' in it`,
		"$ 1\r\n":                  `a length with ' ' in it`,
		"$0x1\r\n":                 `a length with 'x' in it`,
		"$1\n":                     `a length with '\n' in it`,
		"$1\rx":                    `'x' in place of '\n'`,
		"$1\r\nabc":                `'b' in place of '\r'`,
		"$1\r\na\rb":               `'b' in place of '\n'`,
		"$1\rxa\r\n":               "'x' in place of '\\n'",
		"$1\r\nax\n":               `'x' in place of '\r'`,
		"$0\r\nx":                  `'x' in place of '\r'`,
		"$-2\r\n":                  "a negative length",
		"$-0\r\n":                  "a negative length",
		"*-2\r\n":                  "a negative length",
		"%-1\r\n":                  "a negative length",
		"~-1\r\n":                  "a negative length",
		">-1\r\n":                  "a negative length",
		"|-1\r\n":                  "a negative length",
		"=-1\r\n":                  "a negative length",
		"!-1\r\n":                  "a negative length",
		"*-9223372036854775808":    "too large",
		"$9223372036854775808":     "too large",
		"$99999999999999999999":    "too large",
		"*9223372036854775808":     "too large",
		"%4611686018427387904\r\n": "too large",
		"|9223372036854775807\r\n": "too large",
		":1x\r\n":                  `an integer with 'x' in it`,
		":1-\r\n":                  `an integer with '-' in it`,
		"+a\n":                     "without a carriage return",
		"+\n":                      "without a carriage return",
		"-a\r\nb\n":                "unknown type 'b'",
		nested(resp.MaxDepth + 1):  "nested more than 256 deep",
		strings.Repeat("|0\r\n", resp.MaxDepth+1):          "nested more than 256 deep",
		"+" + strings.Repeat("a", resp.MaxLine-2) + "\r\n": "a line of more than 1048576 bytes",
		"+" + strings.Repeat("a", resp.MaxLine):            "a line of more than 1048576 bytes",
		"$" + strings.Repeat("0", resp.MaxLine):            "a line of more than 1048576 bytes",
	} {
		for _, cut := range []func() int{whole, bytewise} {
			var s resp.Scanner
			got := scan(t, &s, []byte(raw), cut)
			require.ErrorContains(t, got.err, want, "%.100q", raw)

			n, complete, err := s.Scan([]byte("+OK\r\n"))
			require.Equal(t, got.err, err, "an error stays")
			require.False(t, complete)
			require.Zero(t, n)
			s.Reset()
			require.Len(t, scan(t, &s, []byte("+OK\r\n"), whole).replies, 1)
		}
	}
}

func TestScannerMissing(t *testing.T) {
	var s resp.Scanner
	for _, step := range []struct {
		piece   string
		missing int
	}{
		{"*2\r\n$1000\r", 1},
		{"\n", 1002},
		{strings.Repeat("x", 999), 3},
		{"x", 1},
		{"\r\n", 1},
		{"$0\r\n", 1},
	} {
		_, complete, err := s.Scan([]byte(step.piece))
		require.NoError(t, err)
		require.False(t, complete)
		require.Equal(t, step.missing, s.Missing(), "%.20q", step.piece)
	}
	_, complete, err := s.Scan([]byte("\r\n"))
	require.NoError(t, err)
	require.True(t, complete)
	require.Zero(t, s.Missing())
	require.Equal(t, len("*2\r\n$1000\r\n\r\n$0\r\n\r\n")+1000, s.Len())
}

// A length is a promise, and costs nothing.
func TestScannerHugeLengths(t *testing.T) {
	var s resp.Scanner
	for _, raw := range []string{
		"$" + strconv.Itoa(int(^uint(0)>>1)) + "\r\nabc",
		"*" + strconv.Itoa(int(^uint(0)>>1)) + "\r\n:1\r\n",
		"%" + strconv.Itoa(int(^uint(0)>>2)) + "\r\n:1\r\n",
		"|" + strconv.Itoa(int(^uint(0)>>2)) + "\r\n:1\r\n",
	} {
		s.Reset()
		got := scan(t, &s, []byte(raw), bytewise)
		require.NoError(t, got.err)
		require.Empty(t, got.replies)
		require.Positive(t, got.missing)
	}
}

//go:embed testdata/replies-7.0.15.txt
var captured string

func TestScannerCaptured(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	lines := 0
	for line := range strings.Lines(captured) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var count int
		var raw string
		_, err := fmt.Sscanf(line, "%d %q\n", &count, &raw)
		require.NoError(t, err, line)
		for _, cut := range []func() int{whole, bytewise, randomly(r)} {
			var s resp.Scanner
			got := scan(t, &s, []byte(raw), cut)
			require.NoError(t, got.err, "%q", raw)
			require.Len(t, got.replies, count, "%q", raw)
			require.Equal(t, count == 0, got.missing > 0, "%q", raw)
		}
		lines++
	}
	require.Greater(t, lines, 100)
}

func TestScannerDoesNotAllocate(t *testing.T) {
	stream := []byte("|1\r\n+a\r\n:1\r\n" + mgetReply(100) + "%1\r\n+a\r\n=5\r\ntxt:x\r\n")
	var s resp.Scanner
	require.Zero(t, testing.AllocsPerRun(100, func() {
		for p := stream; len(p) > 0; {
			n, _, err := s.Scan(p[:min(len(p), 50)])
			if err != nil {
				t.Fatal(err)
			}
			p = p[n:]
		}
	}))
}

// mgetReply returns an array of n values of 64 bytes.
func mgetReply(n int) string {
	value := "$64\r\n" + strings.Repeat("v", 64) + "\r\n"
	return fmt.Sprintf("*%d\r\n", n) + strings.Repeat(value, n)
}

func BenchmarkScanner(b *testing.B) {
	for _, bb := range []struct{ name, reply string }{
		{"status", "+OK\r\n"},
		{"get", "$64\r\n" + strings.Repeat("v", 64) + "\r\n"},
		{"mget1000", mgetReply(1000)},
		{"ints1000", "*1000\r\n" + strings.Repeat(":12345\r\n", 1000)},
		{"1MB", "$1048576\r\n" + strings.Repeat("v", 1<<20) + "\r\n"},
	} {
		reply := []byte(bb.reply)
		for _, cut := range []int{len(reply), 4096} {
			if cut > len(reply) {
				continue
			}
			b.Run(fmt.Sprintf("%s/cut=%d", bb.name, cut), func(b *testing.B) {
				var s resp.Scanner
				b.ReportAllocs()
				b.SetBytes(int64(len(reply)))
				for b.Loop() {
					for p := reply; len(p) > 0; {
						n, _, err := s.Scan(p[:min(cut, len(p))])
						if err != nil {
							b.Fatal(err)
						}
						p = p[n:]
					}
				}
			})
		}
	}
}
