package wire

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A lateness is what Late was told.
type lateness struct {
	turn int64
	at   time.Time
}

// connectLate returns a connection whose Late is noted.
func connectLate(t *testing.T, opts Options) (*Conn, *peer, chan lateness) {
	told := make(chan lateness, 16)
	opts.Late = func(_ *Conn, turn int64) { told <- lateness{turn, time.Now()} }
	c, p := connect(t, opts)
	return c, p, told
}

// A sent exchange is one whose caller waits in a goroutine.
type sent struct {
	x   *Exchange
	err chan error
}

// send submits an exchange, and waits for it elsewhere. When it returns the caller waits.
func send(t *testing.T, c *Conn, x *Exchange) *sent {
	t.Helper()
	require.NoError(t, c.Submit(x))
	s := &sent{x, make(chan error, 1)}
	go func() { s.err <- c.Wait(t.Context(), x) }()
	synctest.Wait()
	return s
}

func movable(texts ...string) *Exchange {
	x := exchange(texts...)
	x.Movable = true
	return x
}

// stays requires that the caller waits still.
func (s *sent) stays(t *testing.T) {
	t.Helper()
	synctest.Wait()
	select {
	case err := <-s.err:
		require.Fail(t, "it does not wait", "%v", err)
	default:
	}
}

// gets requires that the caller has got this, and waits no more.
func (s *sent) gets(t *testing.T, reply string) {
	t.Helper()
	synctest.Wait()
	select {
	case err := <-s.err:
		require.NoError(t, err)
		require.Equal(t, reply, string(s.x.Reply(0)))
	default:
		require.Fail(t, "it still waits")
	}
}

// left requires that the caller was sent away.
func (s *sent) left(t *testing.T) {
	t.Helper()
	synctest.Wait()
	select {
	case err := <-s.err:
		require.ErrorIs(t, err, ErrHeldUp)
	default:
		require.Fail(t, "it still waits")
	}
}

func TestAReplyIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p, told := connectLate(t, Options{ReadTimeout: time.Minute})
		start := time.Now()
		first := send(t, c, exchange("a"))
		behind := send(t, c, movable("b"))
		late := <-told
		require.Equal(t, lateAfter, late.at.Sub(start))
		require.True(t, c.StillLate(late.turn))
		time.Sleep(10 * time.Second)
		require.Empty(t, told, "once is enough")
		require.True(t, c.Takes(true), "nobody has said that the node is well")

		p.request()
		p.reply(bulk("a"))
		first.gets(t, bulk("a"))
		require.False(t, c.StillLate(late.turn))
		c.HoldUp(late.turn)
		require.True(t, c.Takes(true), "that was about a reply that has come")
		behind.stays(t)

		second := <-told
		require.Equal(t, 10*time.Second+2*lateAfter, second.at.Sub(start))
		require.NotEqual(t, late.turn, second.turn)
	})
}

// Nobody is told of a reply that comes in time, of what nobody waits for, and of a node that
// is still being written to.
func TestWhatIsNotLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p, told := connectLate(t, Options{ReadTimeout: time.Minute})
		for range 20 {
			x := send(t, c, exchange("a"))
			time.Sleep(lateAfter * 9 / 10)
			p.request()
			p.reply(bulk("a"))
			x.gets(t, bulk("a"))
			time.Sleep(time.Second)
		}
		large := send(t, c, exchange(string(make([]byte, 4<<20))))
		for range 16 {
			time.Sleep(lateAfter * 9 / 10)
			_, _ = p.Read(make([]byte, 256<<10))
			synctest.Wait()
		}
		large.stays(t)
		require.Empty(t, told)
	})
}

func TestHoldUpSendsAwayWhatMayGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p, told := connectLate(t, Options{ReadTimeout: time.Minute})
		first, second, third := send(t, c, exchange("a")), send(t, c, movable("b")), send(t, c, exchange("c"))
		fourth, elsewhere := send(t, c, movable("d", "e")), movable("f")
		require.NoError(t, c.Submit(elsewhere), "its caller waits elsewhere")
		late := <-told

		c.HoldUp(late.turn)
		now := time.Now()
		second.left(t)
		fourth.left(t)
		require.ErrorIs(t, c.Wait(t.Context(), elsewhere), ErrHeldUp)
		require.Zero(t, time.Since(now))
		first.stays(t)
		third.stays(t)
		require.False(t, c.Unsent(second.x, 0), "it was written")
		require.False(t, c.Takes(true))
		require.True(t, c.Takes(false))
		require.False(t, c.Gone())

		go p.echo()
		synctest.Wait()
		first.gets(t, bulk("a"))
		third.gets(t, bulk("c"))
		require.Zero(t, second.x.Answered())
		require.True(t, c.Takes(true), "the next reply has relieved it")
		require.NoError(t, do(t.Context(), c, movable("g")))
	})
}

// What waits behind something that may be sent twice goes elsewhere, whatever it is.
func TestHoldUpByWhatMayBeSentTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p, told := connectLate(t, Options{ReadTimeout: time.Minute})
		first, second := send(t, c, movable("a")), send(t, c, movable("b"))
		c.HoldUp((<-told).turn)
		first.stays(t) // to ask again what takes long would make it take longer
		second.left(t)
		require.False(t, c.Takes(true))
		require.False(t, c.Takes(false))

		p.request()
		p.reply(bulk("a"))
		first.gets(t, bulk("a"))
		require.True(t, c.Takes(true))
	})
}

// The first reply to an exchange of several relieves the connection: the node goes on.
func TestAnyReplyRelieves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p, told := connectLate(t, Options{ReadTimeout: time.Minute})
		first := send(t, c, exchange("a", "b"))
		turn := (<-told).turn
		c.HoldUp(turn)
		p.request()
		p.reply("$1\r\n")
		synctest.Wait()
		require.False(t, c.Takes(true))
		p.reply("a\r\n")
		synctest.Wait()
		require.True(t, c.Takes(true))
		c.HoldUp(turn)
		require.True(t, c.Takes(true), "that is over")
		first.stays(t)
	})
}

// The one who reads for all is among those who leave; another reads on.
func TestHoldUpSendsTheReaderAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p, told := connectLate(t, Options{ReadTimeout: time.Minute})
		first := exchange("a")
		require.NoError(t, c.Submit(first))
		reader, behind := send(t, c, movable("b")), send(t, c, exchange("c"))
		waiting := make(chan error, 1)
		go func() { waiting <- c.Wait(t.Context(), first) }()
		turn := (<-told).turn
		synctest.Wait() // it reads on
		c.HoldUp(turn)
		now := time.Now()
		reader.left(t)
		require.Zero(t, time.Since(now))
		behind.stays(t)
		go p.echo()
		require.NoError(t, <-waiting)
		behind.gets(t, bulk("c"))
	})
}

// Those that are still queued are not sent at all when they leave.
func TestHoldUpTakesBackWhatIsQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p, told := connectLate(t, Options{})
		first := send(t, c, exchange(string(make([]byte, 1<<20)))) // more than the connection holds
		queued, behind := send(t, c, movable("queued")), send(t, c, exchange("behind"))
		c.HoldUp((<-told).turn)
		queued.left(t)
		require.True(t, c.Unsent(queued.x, 0))
		require.Len(t, p.request()[1], 1<<20)
		require.Equal(t, "behind", p.request()[1])
		p.reply("+A\r\n+B\r\n")
		first.gets(t, "+A\r\n")
		behind.gets(t, "+B\r\n")
	})
}

// A huge reply holds up as a missing one does.
func TestAHugeReplyHoldsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p, told := connectLate(t, Options{ReadTimeout: time.Minute})
		first, second := send(t, c, exchange("a")), send(t, c, movable("b"))
		huge := bulk(strings.Repeat("h", 1<<20))
		go func() {
			for part := huge; len(part) > 0; part = part[min(4096, len(part)):] {
				time.Sleep(time.Millisecond)
				p.reply(part[:min(4096, len(part))])
			}
		}()
		c.HoldUp((<-told).turn)
		second.left(t)
		require.NoError(t, <-first.err)
		require.Equal(t, huge, string(first.x.Reply(0)))
	})
}

// Whoever is sent away just when its reply comes has either left or has its reply, and what
// comes for others is theirs. It may use its exchange again at once if it has its reply.
func TestHoldUpWhileTheRepliesCome(t *testing.T) {
	for range 300 {
		synctest.Test(t, func(t *testing.T) {
			c, p, told := connectLate(t, Options{ReadTimeout: time.Minute})
			first := send(t, c, exchange("first"))
			ends := make(chan error, 32)
			for i := range cap(ends) {
				x := movable(fmt.Sprint(i))
				require.NoError(t, c.Submit(x))
				go func() { ends <- again(t.Context(), c, x, fmt.Sprint(i)) }()
			}
			turn := (<-told).turn
			go c.HoldUp(turn)
			go p.echo()
			require.NoError(t, <-first.err)
			for range cap(ends) {
				require.NoError(t, <-ends)
			}
			last := exchange("last")
			require.NoError(t, do(t.Context(), c, last))
			require.Equal(t, bulk("last"), string(last.Reply(0)))
			require.Zero(t, c.Unanswered())
		})
	}
}

// again waits for an exchange that asks for a text, and uses it once more if it has its reply.
func again(ctx context.Context, c *Conn, x *Exchange, text string) error {
	for range 2 {
		switch err := c.Wait(ctx, x); {
		case errors.Is(err, ErrHeldUp):
			return nil
		case err != nil:
			return err
		case string(x.Reply(0)) != bulk(text):
			return fmt.Errorf("%q, not %q", x.Reply(0), text)
		}
		x.Reset()
		x.Request = append(x.Request, exchange(text).Request...)
		if err := c.Submit(x); err != nil {
			return err
		}
	}
	return c.Wait(ctx, x)
}
