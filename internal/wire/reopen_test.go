package wire

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// What follows goes over new connections; what is under way ends on the old one.
func TestReopen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, p := newNode(t, PeerOptions{})
		n.does(func(c *peer) { c.request(); time.Sleep(lateAfter / 2); c.reply(bulk("a")); c.echo() })
		first := mustShare(t, p, true)
		x := send(t, first, exchange("a"))
		idle, lent := mustBorrow(t, p), mustBorrow(t, p)
		p.GiveBack(idle)
		n.does((*peer).echo)

		p.Reopen()
		second := mustShare(t, p, true)
		require.NotSame(t, first, second)
		third := mustBorrow(t, p)
		require.NotSame(t, idle, third)
		p.GiveBack(third)
		p.GiveBack(lent)
		require.NotSame(t, lent, mustBorrow(t, p), "one that was lent is not lent again")
		require.NoError(t, first.Err())
		require.NoError(t, <-x.err)
		require.ErrorIs(t, first.Err(), ErrClosed)
		require.NoError(t, do(t.Context(), second, exchange("b")))
	})
}

// However often it is asked for, it is done once a second.
func TestReopenIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, p := newNode(t, PeerOptions{})
		for range 10 {
			before := n.dials.Load()
			for range 100 {
				p.Reopen()
				mustShare(t, p, true)
			}
			require.LessOrEqual(t, n.dials.Load()-before, int32(2))
			time.Sleep(reopenEvery) // fake
		}
		require.GreaterOrEqual(t, n.dials.Load(), int32(10))
	})
}

// A connection for which the name was resolved before is not used afterwards.
func TestReopenWhileOneIsOpened(t *testing.T) {
	for name, get := range map[string]func(context.Context, *Peer) (*Conn, error){
		"shared":   func(ctx context.Context, p *Peer) (*Conn, error) { return shared(ctx, p, true) },
		"borrowed": borrowed,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, p := newNode(t, PeerOptions{})
				old := make(chan struct{})
				n.dialsLike(func(context.Context) (net.Conn, error) { <-old; return n.open(), nil })
				got := make(chan *Conn, 1)
				go func() {
					c, _ := get(t.Context(), p)
					got <- c
				}()
				synctest.Wait()
				p.Reopen()
				n.dialsLike(nil)
				close(old)
				require.True(t, (<-got).Gone())
				c, err := get(t.Context(), p)
				require.NoError(t, err)
				require.NoError(t, do(t.Context(), c, exchange("a")))
			})
		})
	}
}
