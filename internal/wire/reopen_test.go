package wire

import (
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
