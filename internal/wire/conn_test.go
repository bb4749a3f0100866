package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// A peer is the node's side of a connection: it reads requests, and replies as it is told.
type peer struct {
	net.Conn
	in *resp.Reader
}

// connect returns a Conn and its peer.
func connect(t *testing.T, opts Options) (*Conn, *peer) {
	t.Helper()
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7000}
	client, server := transport.Pipe(addr, addr)
	c := NewConn(client, opts)
	t.Cleanup(func() {
		_ = server.Close()
		c.Close()
	})
	return c, &peer{server, resp.NewReader(server)}
}

// request returns the next request, nil if the connection has ended.
func (p *peer) request() []string {
	for {
		args, ok, err := p.in.Next()
		if err != nil {
			return nil
		}
		if ok {
			words := make([]string, len(args))
			for i, arg := range args {
				words[i] = string(arg)
			}
			return words
		}
		if p.in.Fill() != nil {
			return nil
		}
	}
}

func (p *peer) reply(text string) { _, _ = io.WriteString(p, text) }

// echo answers every request with its last argument, until the connection ends.
func (p *peer) echo() {
	for args := p.request(); args != nil; args = p.request() {
		p.reply(bulk(args[len(args)-1]))
	}
}

func bulk(text string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(text), text) }

// exchange returns an exchange of ECHO requests.
func exchange(texts ...string) *Exchange {
	x := &Exchange{}
	for _, text := range texts {
		x.Request, _ = resp.AppendRequest(x.Request, []any{"ECHO", text})
		x.Ends = append(x.Ends, len(x.Request))
	}
	return x
}

// do runs one exchange to its end.
func do(ctx context.Context, c *Conn, x *Exchange) error {
	if err := c.Submit(x); err != nil {
		return err
	}
	return c.Wait(ctx, x)
}

func TestEveryCallerGetsItsOwnReplies(t *testing.T) {
	c, p := connect(t, Options{ReadTimeout: time.Minute})
	go p.echo()
	var callers sync.WaitGroup
	for i := range 64 {
		callers.Go(func() {
			for j := range 200 {
				var texts []string
				for k := range rand.IntN(5) + 1 {
					texts = append(texts, fmt.Sprintf("%d:%d:%d", i, j, k))
				}
				x := exchange(texts...)
				if err := do(t.Context(), c, x); err != nil {
					t.Error(err)
					return
				}
				for k, text := range texts {
					if got := string(x.Reply(k)); got != bulk(text) {
						t.Errorf("%q, not %q", got, text)
					}
				}
			}
		})
	}
	callers.Wait()
	require.Zero(t, c.Unanswered())
}

// Whoever gives up loses nobody else a reply.
func TestCallersThatGiveUp(t *testing.T) {
	c, p := connect(t, Options{ReadTimeout: time.Minute})
	go p.echo()
	var callers sync.WaitGroup
	for i := range 32 {
		callers.Go(func() {
			for j := range 300 {
				ctx, cancel := context.WithCancel(t.Context())
				if rand.IntN(2) == 0 {
					go cancel()
				}
				text := fmt.Sprintf("%d:%d", i, j)
				x := exchange(text)
				err := do(ctx, c, x)
				cancel()
				switch {
				case err == nil && string(x.Reply(0)) != bulk(text):
					t.Errorf("%q, not %q", x.Reply(0), text)
				case err != nil && !errors.Is(err, context.Canceled):
					t.Error(err)
				}
			}
		})
	}
	callers.Wait()
	x := exchange("last")
	require.NoError(t, do(t.Context(), c, x))
	require.Equal(t, bulk("last"), string(x.Reply(0)))
}

func TestCancellingTakesNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connect(t, Options{ReadTimeout: time.Hour})
		reader, waiter := exchange("a"), exchange("b")
		start := time.Now()
		ends := make(chan error, 2)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { ends <- do(ctx, c, reader) }()
		synctest.Wait()
		go func() { ends <- do(ctx, c, waiter) }()
		time.Sleep(time.Minute)
		cancel()
		require.ErrorIs(t, <-ends, context.Canceled)
		require.ErrorIs(t, <-ends, context.Canceled)
		require.Equal(t, time.Minute, time.Since(start))
		require.False(t, c.Unsent(reader, 0), "it was sent")

		go p.echo()
		x := exchange("c")
		require.NoError(t, do(t.Context(), c, x))
		require.Equal(t, bulk("c"), string(x.Reply(0)), "the replies that nobody wants are dropped")
	})
}

// What is still queued when its caller gives up is not sent.
func TestGivingUpWhatIsQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connect(t, Options{})
		filler := exchange(string(make([]byte, 1<<20))) // more than the connection holds
		go func() { _ = do(t.Context(), c, filler) }()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		queued, behind := exchange("queued"), exchange("behind")
		require.NoError(t, c.Submit(queued))
		require.NoError(t, c.Submit(behind))
		cancel()
		require.ErrorIs(t, c.Wait(ctx, queued), context.Canceled)
		require.True(t, c.Unsent(queued, 0))

		go func() {
			require.Len(t, p.request()[1], 1<<20)
			require.Equal(t, "behind", p.request()[1], "the other is not sent")
			p.reply("+OK\r\n+BEHIND\r\n")
		}()
		require.NoError(t, c.Wait(t.Context(), behind))
		require.Equal(t, "+BEHIND\r\n", string(behind.Reply(0)))
	})
}

func TestASilentNodeIsGivenUp(t *testing.T) {
	for name, prepare := range map[string]func(*Conn){
		"at once":            func(*Conn) {},
		"after long silence": func(*Conn) { time.Sleep(time.Hour); synctest.Wait() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, _ := connect(t, Options{ReadTimeout: 3 * time.Second})
				prepare(c)
				start := time.Now()
				x := exchange("a")
				require.ErrorIs(t, do(t.Context(), c, x), ErrSilent)
				requireTook(t, 3*time.Second, time.Since(start))
				require.False(t, c.Unsent(x, 0))
				require.ErrorIs(t, c.Submit(exchange("b")), ErrSilent)
			})
		})
	}
}

// requireTook requires that a silence was noticed in time, or after a last glance.
func requireTook(t *testing.T, timeout, took time.Duration) {
	t.Helper()
	require.GreaterOrEqual(t, took, timeout)
	require.LessOrEqual(t, took, timeout+glance)
}

// A connection that ends while nobody uses it is noticed before somebody does.
func TestTheEndIsNoticedWhileIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connect(t, Options{})
		go p.echo()
		require.NoError(t, do(t.Context(), c, exchange("a")))
		time.Sleep(time.Second)
		require.NoError(t, p.Close())
		synctest.Wait()
		require.ErrorIs(t, c.Err(), io.EOF)
		x := exchange("b")
		require.ErrorIs(t, c.Submit(x), io.EOF, "nothing is sent")
	})
}

func TestPushesAreNoReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connect(t, Options{})
		push := ">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n"
		time.Sleep(time.Second)
		p.reply(push)
		synctest.Wait()
		require.NoError(t, c.Err())
		go func() {
			p.request()
			p.reply(push + "$1\r\na")
			time.Sleep(time.Second)
			p.reply("\r\n" + push)
		}()
		x := exchange("a")
		require.NoError(t, do(t.Context(), c, x))
		require.Equal(t, bulk("a"), string(x.Reply(0)))
		p.reply("+OK\r\n")
		time.Sleep(time.Second)
		synctest.Wait()
		require.ErrorIs(t, c.Err(), errUnasked)
	})
}

// Nor is what is said about a push, wherever it is cut.
func TestAttributesOfAPushAreNoReply(t *testing.T) {
	stream := "|1\r\n+k\r\n+v\r\n>1\r\n+p\r\n" + bulk("a")
	for cut := range len(stream) {
		synctest.Test(t, func(t *testing.T) {
			c, p := connect(t, Options{})
			x := exchange("a")
			require.NoError(t, c.Submit(x))
			p.request()
			go func() {
				p.reply(stream[:cut])
				time.Sleep(time.Millisecond)
				p.reply(stream[cut:])
			}()
			require.NoError(t, c.Wait(t.Context(), x))
			require.Equal(t, bulk("a"), string(x.Reply(0)))
		})
	}
}

func TestABrokenConnectionTellsWhatIsProven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connect(t, Options{})
		first := exchange("a", "b")
		go func() {
			p.request()
			p.reply(bulk("a"))
			require.NoError(t, p.Close())
		}()
		err := do(t.Context(), c, first)
		require.Error(t, err)
		require.Equal(t, 1, first.Answered())
		require.Equal(t, bulk("a"), string(first.Reply(0)))
		require.False(t, c.Unsent(first, 1), "it was handed over: it may have run")
	})
}

// Who gives up keeps what had come, and nobody writes to it any more.
func TestGivingUpKeepsWhatHasCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connect(t, Options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		x := exchange("a", "b", "c")
		go func() {
			p.request()
			p.reply(bulk("a") + "$1\r\n")
			time.Sleep(2 * time.Second)
			p.reply("b\r\n" + bulk("c"))
			p.request()
			p.request()
			p.echo()
		}()
		require.ErrorIs(t, do(ctx, c, x), context.DeadlineExceeded)
		require.Equal(t, 1, x.Answered())
		require.NoError(t, do(t.Context(), c, exchange("d")))
		require.Equal(t, 1, x.Answered())
		require.Equal(t, bulk("a"), string(x.Reply(0)))
	})
}

// A reply to what was not sent yet is no reply to it: those behind would get each other's.
func TestARequestIsNotAnsweredBeforeItIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connect(t, Options{})
		x := exchange(string(make([]byte, 1<<20)))
		require.NoError(t, c.Submit(x))
		synctest.Wait()
		p.reply("+OK\r\n")
		require.ErrorIs(t, c.Wait(t.Context(), x), errUnasked)
		require.Zero(t, x.Answered())
		require.True(t, c.Unsent(x, 0))
	})
}

// The connection is not silent whose reply is there, though nobody was there to read it.
func TestWaitingLateIsNoSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connect(t, Options{ReadTimeout: 10 * time.Millisecond})
		go p.echo()
		x := exchange("a")
		require.NoError(t, c.Submit(x))
		time.Sleep(quiet / 2)
		require.NoError(t, c.Wait(t.Context(), x))
	})
}

// Nor is it as long as the node reads what it is to answer.
func TestASlowUploadIsNoSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connect(t, Options{ReadTimeout: 3 * time.Second})
		x := exchange(string(make([]byte, 4<<20)))
		go func() {
			for range 16 {
				time.Sleep(time.Second)
				_, _ = io.CopyN(io.Discard, p, 256<<10)
			}
			_, _ = io.CopyN(io.Discard, p, int64(len(x.Request)-4<<20))
			p.reply("+OK\r\n")
		}()
		require.NoError(t, do(t.Context(), c, x))

		start := time.Now()
		require.ErrorIs(t, do(t.Context(), c, exchange("a")), ErrSilent)
		requireTook(t, 3*time.Second, time.Since(start))
	})
}

// The watcher reads what nobody waits for as fast as it comes.
func TestWhatNobodyWaitsForIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connect(t, Options{})
		x := exchange("a")
		require.NoError(t, c.Submit(x))
		p.request()
		start := time.Now()
		p.reply(bulk(string(make([]byte, 10<<20))))
		require.LessOrEqual(t, time.Since(start), 2*quiet)
		require.NoError(t, c.Wait(t.Context(), x))
	})
}

// The caller's bytes are the caller's, to be sent again elsewhere.
func TestGivingUpALargeRequestThatIsQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := connect(t, Options{})
		require.NoError(t, c.Submit(exchange(string(make([]byte, 1<<20)))))
		synctest.Wait()
		x := exchange(string(make([]byte, 100<<10)))
		before := string(x.Request)
		require.NoError(t, c.Submit(x))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, c.Wait(ctx, x), context.Canceled)
		require.True(t, c.Unsent(x, 0))
		require.Equal(t, before, string(x.Request))
	})
}

// A connection that takes nothing before its peer reads holds up nobody who submits.
func TestSubmittingOverAnUnbufferedConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		c := NewConn(client, Options{ReadTimeout: time.Minute, WriteTimeout: time.Minute, Unbuffered: true})
		defer func() { _ = server.Close(); c.Close() }()
		p := &peer{server, resp.NewReader(server)}
		var all []*Exchange
		for i := range 10 {
			x := exchange(fmt.Sprint(i))
			x.Prompt = i%2 == 0
			require.NoError(t, c.Submit(x))
			all = append(all, x)
		}
		go p.echo()
		for i, x := range all {
			require.NoError(t, c.Wait(t.Context(), x))
			require.Equal(t, bulk(fmt.Sprint(i)), string(x.Reply(0)))
		}
	})
}
