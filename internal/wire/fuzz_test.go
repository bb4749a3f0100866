package wire

import (
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// FuzzReplies answers some exchanges with arbitrary bytes in arbitrary pieces, which must
// not matter: each has the replies that a Scanner finds in the whole, and the connection
// ends with an error where they end to make sense.
func FuzzReplies(f *testing.F) {
	push := ">1\r\n+p\r\n"
	for i, stream := range []string{
		"", "+OK\r\n", "+OK\r\n:1\r\n$3\r\nabc\r\n*2\r\n+a\r\n_\r\n", push + "+OK\r\n" + push + ":1\r\n", "$5\r\nhe", "+OK\n", "$?\r\n",
		"|1\r\n+k\r\n+v\r\n" + push + "+OK\r\n", "|1\r\n+k\r\n+v\r\n+OK\r\n|1\r\n+k\r\n+v\r\n" + push,
	} {
		f.Add([]byte(stream), uint64(i))
		f.Add([]byte(stream+stream+"-ERR\r\n"), uint64(i+100))
	}
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		synctest.Test(t, func(t *testing.T) { feed(t, stream, rand.New(rand.NewPCG(seed, 0))) })
	})
}

func feed(t *testing.T, stream []byte, r *rand.Rand) {
	late := rand.New(rand.NewPCG(r.Uint64(), 0))
	c, p := connect(t, Options{Late: func(c *Conn, turn int64) {
		if late.IntN(2) == 0 {
			c.HoldUp(turn)
		}
	}})
	defer p.Close()
	var all []*Exchange
	asked := 0
	errs := make(chan error, 4)
	for range 1 + r.IntN(4) {
		x := exchangeFor(t, r)
		asked += len(x.Ends)
		all = append(all, x)
		require.NoError(t, c.Submit(x))
		go func() { errs <- c.Wait(t.Context(), x) }()
	}
	synctest.Wait()
	for range asked {
		p.request() // what is unread would reset the connection
	}
	for rest := stream; len(rest) > 0; {
		n := 1 + r.IntN(len(rest))
		p.reply(string(rest[:n]))
		rest = rest[n:]
		if r.IntN(4) > 0 {
			time.Sleep(time.Duration(r.Int64N(int64(200 * time.Millisecond))))
			synctest.Wait()
		}
	}
	require.NoError(t, p.Conn.(interface{ CloseWrite() error }).CloseWrite())
	for range all {
		<-errs
	}
	synctest.Wait()
	time.Sleep(time.Second) // for the watcher
	compare(t, c, all, stream, asked)
}

// exchangeFor returns an exchange of some requests, which may have been used before.
func exchangeFor(t *testing.T, r *rand.Rand) *Exchange {
	x := exchange([]string{"a", "b", "c"}[:1+r.IntN(3)]...)
	if r.IntN(2) == 0 {
		receive(t, x, strings.Repeat("+used\r\n", len(x.Ends)))
		requests, ends := x.Request, x.Ends
		x.Reset()
		x.Request, x.Ends = requests, ends
	}
	x.Movable, x.Prompt = r.IntN(2) == 0, r.IntN(2) == 0
	return x
}

// compare compares what exchanges have got with what a Scanner finds.
func compare(t *testing.T, c *Conn, all []*Exchange, stream []byte, asked int) {
	want, bad := parse(stream, asked)
	for _, x := range all {
		n := min(len(want), len(x.Ends))
		if x.moved.Load() {
			require.LessOrEqual(t, x.Answered(), n)
		} else {
			require.Equal(t, n, x.Answered())
		}
		for i := range x.Answered() {
			require.Equal(t, want[i], string(x.Reply(i)))
		}
		want = want[n:]
	}
	require.Empty(t, want)
	if got := c.Err(); !unasked(got) || !unasked(bad) { // which of both depends on the pieces
		require.Equal(t, bad, got)
	}
}

// unasked reports whether an error may be that of what nobody has asked for.
func unasked(err error) bool { return errors.Is(err, errUnasked) || errors.Is(err, resp.ErrMalformed) }

// parse returns the replies in a stream, pushes left out, and how it ends.
func parse(stream []byte, asked int) (replies []string, end error) {
	var s resp.Scanner
	for len(stream) > 0 {
		n, complete, err := s.Scan(stream)
		switch push := s.Kind() == resp.Push; {
		case err == nil && s.Kind() != 0 && !push && len(replies) == asked:
			return replies, errUnasked
		case err != nil:
			return replies, err
		case complete && !push:
			replies = append(replies, string(stream[:n]))
		}
		stream = stream[n:]
	}
	return replies, io.EOF
}
