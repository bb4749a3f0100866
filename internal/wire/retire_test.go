package wire

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A connection that is retired takes nothing more, and ends when the last one has its reply.
func TestRetire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connect(t, Options{ReadTimeout: time.Minute})
		first, second := send(t, c, exchange("a")), send(t, c, exchange("b"))
		c.Retire()
		require.True(t, c.Gone())
		require.False(t, c.Takes(true))
		require.False(t, c.Takes(false))
		require.ErrorIs(t, c.Submit(exchange("c")), ErrClosed)
		time.Sleep(10 * time.Second)
		require.NoError(t, c.Err())
		first.stays(t)

		p.request()
		p.reply(bulk("a"))
		first.gets(t, bulk("a"))
		require.NoError(t, c.Err())
		p.request()
		p.reply(bulk("b"))
		second.gets(t, bulk("b"))
		require.ErrorIs(t, c.Err(), ErrClosed)
		require.Nil(t, p.request(), "nothing else was sent")
	})
}

func TestRetireWhileIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connect(t, Options{})
		go p.echo()
		require.NoError(t, do(t.Context(), c, exchange("a")))
		c.Retire()
		require.ErrorIs(t, c.Err(), ErrClosed)
		c.Retire()
	})
}

// It ends as well when the last one gives up, or nobody waits any more already.
func TestRetireWhereNobodyWaits(t *testing.T) {
	for _, before := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			c, _ := connect(t, Options{})
			ctx, cancel := context.WithCancel(t.Context())
			first, second := waitFor(ctx, c, exchange("a")), waitFor(ctx, c, exchange("b"))
			time.Sleep(time.Second)
			if before {
				cancel()
				synctest.Wait()
				require.NoError(t, c.Err())
			}
			c.Retire()
			cancel()
			require.ErrorIs(t, (<-first).err, context.Canceled)
			require.ErrorIs(t, (<-second).err, context.Canceled)
			require.ErrorIs(t, c.Err(), ErrClosed)
		})
	}
}

// What is queued still is written and answered.
func TestRetireWritesWhatIsQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connect(t, Options{})
		large, behind := send(t, c, exchange(string(make([]byte, 1<<20)))), send(t, c, exchange("behind"))
		c.Retire()
		require.Len(t, p.request()[1], 1<<20)
		require.Equal(t, "behind", p.request()[1])
		p.reply("+A\r\n+B\r\n")
		large.gets(t, "+A\r\n")
		behind.gets(t, "+B\r\n")
		require.ErrorIs(t, c.Err(), ErrClosed)
	})
}

// A huge reply that nobody wants is not read to its end: a new connection costs less.
func TestAHugeReplyThatNobodyWants(t *testing.T) {
	for _, size := range []int{huge / 2, 64 * huge} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := connect(t, Options{ReadTimeout: time.Minute})
				ctx, cancel := context.WithCancel(t.Context())
				gaveUp := waitFor(ctx, c, exchange("a"))
				time.Sleep(time.Second)
				cancel()
				require.ErrorIs(t, (<-gaveUp).err, context.Canceled)
				behind := send(t, c, exchange("b"))
				p.request()
				p.reply(fmt.Sprintf("$%d\r\nabc", size))
				synctest.Wait()
				require.Equal(t, size > huge, c.Gone())
				require.NoError(t, c.Err(), "others wait still")
				behind.stays(t)

				rest := make([]byte, size-3)
				go func() {
					_, _ = p.Write(rest)
					p.reply("\r\n" + bulk("b"))
				}()
				require.NoError(t, <-behind.err)
				require.Equal(t, bulk("b"), string(behind.x.Reply(0)))
				if size > huge {
					require.ErrorIs(t, c.Err(), ErrClosed)
				} else {
					require.NoError(t, c.Err())
				}
			})
		})
	}
}

// It is left at once when nobody waits behind it.
func TestAHugeReplyThatNobodyWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connect(t, Options{ReadTimeout: time.Minute})
		ctx, cancel := context.WithCancel(t.Context())
		gaveUp := waitFor(ctx, c, exchange("a"))
		p.request()
		p.reply(fmt.Sprintf("$%d\r\nabc", 64*huge))
		time.Sleep(time.Second)
		cancel()
		require.ErrorIs(t, (<-gaveUp).err, context.Canceled)
		go func() { _, _ = p.Write(make([]byte, 64*huge)) }()
		<-c.ended
		require.ErrorIs(t, c.Err(), ErrClosed)
	})
}
