package wire

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// jam makes a connection of which nothing more is taken until its peer reads.
func jam(t *testing.T, c *Conn) *sent {
	return send(t, c, exchange(string(make([]byte, 1<<20))))
}

// unjam reads what jam has written, and replies to it.
func (p *peer) unjam(t *testing.T) {
	require.Len(t, p.request()[1], 1<<20)
	p.reply("+OK\r\n")
}

// Of requests of all sizes those whose callers give up are not sent, in whatever order they
// do; all others are, in their order.
func TestTakingBackAnyOfThem(t *testing.T) {
	for range 30 {
		synctest.Test(t, func(t *testing.T) {
			c, p := connect(t, Options{})
			jam(t, c)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			var dropped []*Exchange
			var kept []*sent
			var texts []string
			for i := range 200 {
				size := rand.IntN(100)
				if rand.IntN(20) == 0 {
					size = rand.IntN(300 << 10)
				}
				text := fmt.Sprint(i) + strings.Repeat("x", size)
				x := exchange(text)
				if rand.IntN(2) == 0 {
					require.NoError(t, c.Submit(x))
					dropped = append(dropped, x)
					continue
				}
				kept, texts = append(kept, send(t, c, x)), append(texts, text)
			}
			rand.Shuffle(len(dropped), func(i, j int) { dropped[i], dropped[j] = dropped[j], dropped[i] })
			for _, x := range dropped {
				before := string(x.Request)
				require.ErrorIs(t, c.Wait(ctx, x), context.Canceled)
				require.True(t, c.Unsent(x, 0))
				require.Equal(t, before, string(x.Request))
			}
			p.unjam(t)
			for i, text := range texts {
				require.True(t, text == p.request()[1])
				p.reply(fmt.Sprintf(":%d\r\n", i))
				kept[i].gets(t, fmt.Sprintf(":%d\r\n", i))
			}
			require.Zero(t, c.Unanswered())
			go p.echo()
			require.NoError(t, do(t.Context(), c, exchange("last")))
		})
	}
}

// Very many that are cancelled together are taken back in no time, though each of them waits
// in a goroutine of its own; those between them are sent.
func TestTakingBackVeryMany(t *testing.T) {
	const n, every = 100_000, 1000
	c, p := connect(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	filler := exchange(string(make([]byte, 1<<20)))
	require.NoError(t, c.Submit(filler))
	var cancelled, others sync.WaitGroup
	for i := range n {
		x := exchange(fmt.Sprint(i))
		require.NoError(t, c.Submit(x))
		if i%every == 0 {
			others.Go(func() {
				if err := c.Wait(t.Context(), x); err != nil || string(x.Reply(0)) != fmt.Sprintf(":%d\r\n", i) {
					t.Errorf("%d: %v", i, err)
				}
			})
			continue
		}
		cancelled.Go(func() {
			if err := c.Wait(ctx, x); err == nil || !c.Unsent(x, 0) {
				t.Errorf("%d: %v, but sent", i, err)
			}
		})
	}
	require.Eventually(t, func() bool { return waiting(c) >= n-1 }, 10*time.Second, time.Millisecond)

	start := time.Now()
	cancel()
	cancelled.Wait()
	took := time.Since(start)
	t.Logf("%d were taken back in %v", n-n/every, took)
	require.Less(t, took, 5*time.Second, "it takes half a second, or a minute if each looks at all others")

	require.Len(t, p.request()[1], 1<<20)
	p.reply("+OK\r\n")
	require.NoError(t, c.Wait(t.Context(), filler))
	for i := 0; i < n; i += every {
		require.Equal(t, fmt.Sprint(i), p.request()[1])
		p.reply(fmt.Sprintf(":%d\r\n", i))
	}
	others.Wait()
	require.Zero(t, c.Unanswered())
}

// waiting returns how many callers of a connection wait for another to wake them.
func waiting(c *Conn) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue.each(func(x *Exchange) bool {
		if x.waiting {
			n++
		}
		return true
	})
	return n
}

// Those whose contexts have ended before they wait, one after the other, are no slower: each
// of them could read for all, and none does.
func TestTakingBackVeryManyOneByOne(t *testing.T) {
	const n = 30_000
	start := time.Now()
	synctest.Test(t, func(t *testing.T) {
		c, _ := connect(t, Options{})
		require.NoError(t, c.Submit(exchange(string(make([]byte, 1<<20)))))
		var all []*Exchange
		for range n {
			x := exchange("a")
			require.NoError(t, c.Submit(x))
			all = append(all, x)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, x := range all {
			require.ErrorIs(t, c.Wait(ctx, x), context.Canceled)
		}
	})
	require.Less(t, time.Since(start), 2*time.Second, "for %d", n)
}
