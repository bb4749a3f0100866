package resp_test

import (
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// FuzzScanner compares a Scanner, fed in random pieces, with a parser that has all
// of the stream and calls itself.
func FuzzScanner(f *testing.F) {
	for i, reply := range goodReplies {
		if len(reply.raw) < 1000 {
			f.Add([]byte(reply.raw+"*2\r\n$1\r\n"), uint64(i))
		}
	}
	for _, raw := range []string{"$-2\r\n", "*1\r\n%1\r\n+a\n", "|1\r\n+a\r\n:1\r\n", "$9999999999\r\n", "*4611686018427387904\r\n", "$?\r\n"} {
		f.Add([]byte(raw), uint64(0))
	}
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		want, wantErr := parseAll(stream)
		for _, cut := range []func() int{whole, randomly(rand.New(rand.NewPCG(seed, 0)))} {
			var s resp.Scanner
			got := scan(t, &s, stream, cut)
			require.Equal(t, want.replies, got.replies)
			require.Equal(t, want.kinds, got.kinds)
			require.Equal(t, wantErr == errBad, got.err != nil, "%v", got.err)
			require.Equal(t, wantErr == errShort, got.missing > 0)
		}
	})
}

var (
	errShort = errors.New("the stream ends within a reply")
	errBad   = errors.New("no reply")
)

// A parser is the second implementation: it reads byte by byte, and what is
// nested by calling itself.
type parser struct {
	rest []byte
}

func parseAll(stream []byte) (out scanned, err error) {
	p := parser{stream}
	for len(p.rest) > 0 {
		before := p.rest
		kind, err := p.value(0)
		if err != nil {
			return out, err
		}
		out.replies = append(out.replies, string(before[:len(before)-len(p.rest)]))
		out.kinds = append(out.kinds, kind)
	}
	return out, nil
}

func (p *parser) next() (byte, error) {
	if len(p.rest) == 0 {
		return 0, errShort
	}
	c := p.rest[0]
	p.rest = p.rest[1:]
	return c, nil
}

func (p *parser) value(depth int) (resp.Kind, error) {
	c, err := p.next()
	if err != nil {
		return 0, err
	}
	kind := resp.Kind(c)
	switch c {
	case '+', '-', '_', ',', '#', '(':
		return kind, p.textLine()
	case ':':
		return kind, p.intLine()
	case '$', '!', '=', '*', '%', '~', '>', '|':
	default:
		return 0, errBad
	}
	n, err := p.length(c == '$' || c == '*')
	if err != nil || n < 0 {
		return kind, err
	}
	if c == '%' && n > math.MaxInt/2 || c == '|' && n > (math.MaxInt-1)/2 {
		return 0, errBad
	}
	switch c {
	case '$', '!', '=':
		return kind, p.bulkText(n)
	case '%':
		return kind, p.elements(2*n, depth)
	case '|':
		if depth == resp.MaxDepth {
			return 0, errBad
		}
		if err := p.elements(2*n, depth); err != nil {
			return 0, err
		}
		return p.value(depth + 1) // as deep as the attribute's own elements
	default:
		return kind, p.elements(n, depth)
	}
}

func (p *parser) elements(n int, depth int) error {
	if n > 0 && depth == resp.MaxDepth {
		return errBad
	}
	for range n {
		if _, err := p.value(depth + 1); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) textLine() error {
	last := byte(0)
	for {
		c, err := p.next()
		if err != nil {
			return err
		}
		if c == '\n' {
			if last != '\r' {
				return errBad
			}
			return nil
		}
		last = c
	}
}

var intSoFar = regexp.MustCompile(`^[+-]?[0-9]*(\r\n?)?$`)

func (p *parser) intLine() error {
	for line := ""; !strings.HasSuffix(line, "\n"); {
		c, err := p.next()
		if err != nil {
			return err
		}
		if line += string(rune(c)); !intSoFar.MatchString(line) {
			return errBad
		}
	}
	return nil
}

func (p *parser) bulkText(n int) error {
	for range n {
		if _, err := p.next(); err != nil {
			return err
		}
	}
	return p.expect("\r\n")
}

func (p *parser) expect(text string) error {
	for i := range len(text) {
		if c, err := p.next(); err != nil {
			return err
		} else if c != text[i] {
			return errBad
		}
	}
	return nil
}

var lengthSoFar = regexp.MustCompile(`^(-?|-?[0-9]+)$`)

// length reads a number and its line end.
func (p *parser) length(nullable bool) (int, error) {
	text := ""
	for {
		c, err := p.next()
		if err != nil {
			return 0, err
		}
		if c == '\r' {
			break
		}
		text += string(rune(c))
		if !lengthSoFar.MatchString(text) {
			return 0, errBad
		}
		if n, err := strconv.Atoi(text); errors.Is(err, strconv.ErrRange) || n == math.MinInt {
			return 0, errBad
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, errBad
	}
	if err := p.expect("\n"); err != nil {
		return 0, err
	}
	if text[0] == '-' && (n != -1 || !nullable) {
		return 0, errBad
	}
	return n, nil
}

// FuzzReader feeds a Reader in random pieces, which must not matter. What it read,
// sent again as arrays, must read the same.
func FuzzReader(f *testing.F) {
	for i, stream := range []string{
		"PING\r\n*2\r\n$4\r\nECHO\r\n$1\r\nx\r\n", "*0\r\n*-1\r\n\r\nGET \"a\\x41\" 'b'\n", "*1\r\n$0\r\n\r\n*1\r\n:",
		"*2147483648\r\n", "SET 'a'b\n", "PI\x00NG\r\n", "*1\rx$1\rxaxx",
	} {
		f.Add([]byte(stream), uint64(i))
	}
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		requests, err := readAll(stream, whole)
		got, gotErr := readAll(stream, randomly(rand.New(rand.NewPCG(seed, 0))))
		require.Equal(t, requests, got)
		require.Equal(t, err, gotErr)

		var again []byte
		for _, args := range requests {
			again = resp.AppendArray(again, len(args))
			for _, arg := range args {
				again = resp.AppendBulk(again, arg)
			}
		}
		got, gotErr = readAll(again, whole)
		require.Equal(t, io.EOF, gotErr)
		require.Equal(t, requests, got)
	})
}
