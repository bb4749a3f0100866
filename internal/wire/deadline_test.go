package wire

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A waiter is the caller of an exchange, and when its Wait returned.
type waiter struct {
	err  error
	over time.Time
}

// waitFor waits for an exchange in a goroutine.
func waitFor(ctx context.Context, c *Conn, x *Exchange) <-chan waiter {
	over := make(chan waiter, 1)
	go func() {
		err := do(ctx, c, x)
		over <- waiter{err, time.Now()}
	}()
	return over
}

// A read that has lasted ends with the context of who reads, and one that has not a little
// later.
func TestAReadEndsWithItsContext(t *testing.T) {
	for _, after := range []time.Duration{0, time.Microsecond, patience - 1, patience, patience + 1, 2 * patience, 2*patience + 1, time.Second} {
		for _, busy := range []bool{false, true} { // the ticker goes already
			synctest.Test(t, func(t *testing.T) {
				c, p := connect(t, Options{ReadTimeout: time.Minute})
				if busy {
					go func() { p.request(); p.reply("+OK\r\n") }()
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					require.NoError(t, do(ctx, c, exchange("first")))
					time.Sleep(patience / 2)
				}
				ctx, cancel := context.WithCancel(t.Context())
				over := waitFor(ctx, c, exchange("a"))
				synctest.Wait()
				time.Sleep(after)
				ended := time.Now()
				cancel()
				w := <-over
				require.ErrorIs(t, w.err, context.Canceled)
				allowed := 2*patience - after
				if after >= 2*patience {
					allowed = 0
				}
				require.LessOrEqual(t, w.over.Sub(ended), allowed, "%v after it began, busy %t", after, busy)
				require.NoError(t, c.Err())
			})
		}
	}
}

// So does that of a deadline.
func TestAReadEndsAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := connect(t, Options{ReadTimeout: time.Minute})
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, do(ctx, c, exchange("a")), context.DeadlineExceeded)
		require.Equal(t, 50*time.Millisecond, time.Since(start))
	})
}

// Where replies take long a read ends with its context at once, however short it was.
func TestAReadOfSlowRepliesEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connect(t, Options{ReadTimeout: time.Minute})
		go func() {
			p.request()
			time.Sleep(long + 1)
			p.reply("+OK\r\n")
		}()
		require.NoError(t, do(t.Context(), c, exchange("slow")))
		for _, after := range []time.Duration{0, 1, patience / 2} {
			ctx, cancel := context.WithCancel(t.Context())
			over := waitFor(ctx, c, exchange("a"))
			synctest.Wait()
			time.Sleep(after)
			ended := time.Now()
			cancel()
			w := <-over
			require.ErrorIs(t, w.err, context.Canceled)
			require.Zero(t, w.over.Sub(ended))
		}
		require.NoError(t, c.Err())
	})
}

// Who takes the role over from one who was disturbed reads as long as it needs to.
func TestTheNextReaderIsNotDisturbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connect(t, Options{ReadTimeout: time.Minute})
		ctx, cancel := context.WithCancel(t.Context())
		reader := waitFor(ctx, c, exchange("a"))
		synctest.Wait()
		next := waitFor(t.Context(), c, exchange("b"))
		time.Sleep(time.Second)
		cancel()
		require.ErrorIs(t, (<-reader).err, context.Canceled)
		time.Sleep(50 * time.Second)
		go p.echo()
		require.NoError(t, (<-next).err)
	})
}

// A cancellation that comes late, when its caller has its reply, or another reads, never
// ends, shortens or fails the read of the next one.
func TestALateCancellationHitsNobodyElse(t *testing.T) {
	for range 300 {
		synctest.Test(t, func(t *testing.T) {
			c, p := connect(t, Options{ReadTimeout: time.Minute})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			first := waitFor(ctx, c, exchange("a"))
			time.Sleep(time.Second) // its read is to end with its context
			p.request()
			if rand.IntN(2) == 0 {
				go cancel()
				p.reply(bulk("a"))
			} else {
				go p.reply(bulk("a"))
				cancel()
			}
			second, start := exchange("b"), time.Now()
			next := waitFor(t.Context(), c, second)
			if err := (<-first).err; err != nil {
				require.ErrorIs(t, err, context.Canceled)
			}
			p.request()
			time.Sleep(59 * time.Second)
			p.reply(bulk("b"))
			require.NoError(t, (<-next).err)
			require.Equal(t, bulk("b"), string(second.Reply(0)))

			third := waitFor(t.Context(), c, exchange("c"))
			w := <-third
			require.ErrorIs(t, w.err, ErrSilent, "it is given up neither later")
			requireTook(t, 119*time.Second, w.over.Sub(start)) // nor earlier than any other
		})
	}
}

// The same of many, whose contexts end whenever they want.
func TestCancellationsHitNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connect(t, Options{ReadTimeout: time.Minute})
		go func() {
			for args := p.request(); args != nil; args = p.request() {
				if rand.IntN(8) == 0 {
					time.Sleep(time.Duration(rand.Int64N(int64(4 * patience))))
				}
				p.reply(bulk(args[1]))
			}
		}()
		var callers sync.WaitGroup
		for i := range 8 {
			callers.Go(func() {
				for j := range 200 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.Int64N(int64(8*patience))))
					err := do(ctx, c, exchange("x"))
					if err != nil && ctx.Err() == nil {
						t.Errorf("%d:%d: %v", i, j, err)
					}
					cancel()
					x, text := exchange(fmt.Sprint(i, j)), bulk(fmt.Sprint(i, j))
					if err := do(context.Background(), c, x); err != nil || string(x.Reply(0)) != text {
						t.Errorf("%d:%d: %v", i, j, err)
					}
				}
			})
		}
		callers.Wait()
		require.NoError(t, c.Err())
	})
}

// A deadline that was set for an earlier reader, and ends a read too early, ends nothing
// else.
func TestAnEarlierDeadlineDoesNotShortenALaterRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connect(t, Options{ReadTimeout: 3 * time.Second})
		for range 20 {
			pause := time.Duration(rand.Int64N(int64(2900 * time.Millisecond)))
			over := waitFor(t.Context(), c, exchange("a"))
			p.request()
			time.Sleep(pause)
			p.reply(bulk("a"))
			require.NoError(t, (<-over).err)
		}
		start := time.Now()
		require.ErrorIs(t, do(t.Context(), c, exchange("b")), ErrSilent)
		requireTook(t, 3*time.Second, time.Since(start))
	})
}

// Nor does it say that nothing has come, where nobody has looked.
func TestAnEarlierDeadlineIsNoSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connect(t, Options{ReadTimeout: 10 * time.Millisecond})
		go p.echo()
		require.NoError(t, do(t.Context(), c, exchange("a")))
		time.Sleep(15 * time.Millisecond)
		x := exchange("b")
		require.NoError(t, c.Submit(x))
		time.Sleep(15 * time.Millisecond)
		require.NoError(t, c.Wait(t.Context(), x))
	})
}

// What blocks on purpose may be silent for longer, or for ever.
func TestSilenceOnPurpose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connect(t, Options{ReadTimeout: 3 * time.Second})
		x := exchange("a")
		x.Block = -1
		over := waitFor(t.Context(), c, x)
		p.request()
		time.Sleep(24 * time.Hour)
		p.reply(bulk("a"))
		require.NoError(t, (<-over).err)

		start := time.Now()
		x = exchange("b")
		x.Block = time.Minute
		require.ErrorIs(t, do(t.Context(), c, x), ErrSilent)
		requireTook(t, time.Minute+3*time.Second, time.Since(start))
	})
}

// A Write that the peer does not take is given up, after the write timeout or up to half as
// long again.
func TestAWriteThatBlocksIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := connect(t, Options{WriteTimeout: 10 * time.Second})
		for _, x := range []*Exchange{exchange(string(make([]byte, 4<<20))), exchange("behind")} {
			require.NoError(t, c.Submit(x))
		}
		start := time.Now()
		<-c.ended
		require.ErrorIs(t, c.Err(), os.ErrDeadlineExceeded)
		took := time.Since(start)
		require.GreaterOrEqual(t, took, 10*time.Second)
		require.LessOrEqual(t, took, 15*time.Second)
	})
}
