package wire

import (
	"context"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A stall holds back replies on one connection while the node is well.
type stall chan struct{}

// serve replies to nothing until the stall is over.
func (s stall) serve(c *peer) {
	<-s
	c.echo()
}

// stalled returns a peer whose first shared connection is held up by this exchange.
func stalled(t *testing.T, opts PeerOptions, by *Exchange) (*node, *Peer, *Conn, *sent, stall) {
	t.Helper()
	n, p := newNode(t, opts)
	over := make(stall)
	n.does(over.serve)
	first := mustShare(t, p, true)
	n.does((*peer).echo)
	return n, p, first, send(t, first, by), over
}

// What may go elsewhere does while the first connection is held up, and comes back.
func TestASecondConnectionWhileTheFirstIsHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, p, first, blocked, over := stalled(t, PeerOptions{ReadTimeout: time.Minute}, exchange("a"))
		waiting := send(t, first, movable("b"))
		time.Sleep(lateAfter)
		waiting.left(t)
		require.EqualValues(t, 2, n.dials.Load(), "one to ask whether the node answers")
		require.Same(t, first, mustShare(t, p, false), "what waits for the same thing need not go elsewhere")

		second := mustShare(t, p, true)
		require.NotSame(t, first, second)
		require.NoError(t, do(t.Context(), second, movable("b")))
		require.Same(t, second, mustShare(t, p, true))
		require.EqualValues(t, 3, n.dials.Load())
		require.Equal(t, 3, p.Counts().Open)

		blocked.stays(t)
		close(over)
		require.NoError(t, <-blocked.err)
		require.Same(t, first, mustShare(t, p, true), "it is free again")
		require.EqualValues(t, 3, n.dials.Load())
	})
}

// All go elsewhere if what holds it up may be sent twice itself: it is nothing that the
// server keeps from writes.
func TestNothingIsSentOverAConnectionThatIsJammed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p, first, blocked, over := stalled(t, PeerOptions{ReadTimeout: time.Minute}, movable("a"))
		time.Sleep(lateAfter)
		synctest.Wait()
		second := mustShare(t, p, false)
		require.NotSame(t, first, second)
		require.Same(t, second, mustShare(t, p, true))
		close(over)
		require.NoError(t, <-blocked.err)
		require.Same(t, first, mustShare(t, p, false))
	})
}

// If all are held up there are no more than so many: the last one takes what comes.
func TestAllConnectionsAreHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, p := newNode(t, PeerOptions{ReadTimeout: time.Minute})
		over := make(stall)
		n.does(func(c *peer) { // a PING is answered, an ECHO is not
			for args := c.request(); args != nil; args = c.request() {
				if args[0] == "ECHO" {
					<-over
				}
				c.reply(bulk(args[len(args)-1]))
			}
		})
		var all []*Conn
		var waiting []*sent
		for range maxShared {
			c := mustShare(t, p, true)
			require.False(t, slices.Contains(all, c))
			all, waiting = append(all, c), append(waiting, send(t, c, movable("a")))
			time.Sleep(lateAfter)
			synctest.Wait()
		}
		require.Same(t, all[maxShared-1], mustShare(t, p, true))
		require.Equal(t, maxShared+1, p.Counts().Open)
		close(over)
		for _, s := range waiting {
			require.NoError(t, <-s.err)
		}
		require.Same(t, all[0], mustShare(t, p, true))
	})
}

// A node that answers nowhere is busy or away: nothing is gained by going elsewhere. It is
// asked again until it answers.
func TestANodeThatAnswersNowhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _, first, blocked, over := stalled(t, PeerOptions{ReadTimeout: time.Minute}, exchange("a"))
		var pings atomic.Int32
		n.does(func(c *peer) {
			if pings.Add(1) < 4 {
				_, _ = io.Copy(io.Discard, c)
				return
			}
			c.echo()
		})
		waiting := send(t, first, movable("b"))
		time.Sleep(3 * time.Second)
		waiting.stays(t)
		require.True(t, first.Takes(true))
		time.Sleep(time.Second)
		waiting.left(t)
		require.EqualValues(t, 4, pings.Load())
		close(over)
		require.NoError(t, <-blocked.err)
	})
}

func TestAProbeThatCannotDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, p, first, blocked, over := stalled(t, PeerOptions{ReadTimeout: time.Minute}, exchange("a"))
		n.dialsLike(refused)
		time.Sleep(10 * time.Second)
		blocked.stays(t)
		require.True(t, first.Takes(true))
		require.NotZero(t, p.Counts().Failures)
		close(over)
		require.NoError(t, <-blocked.err)
		time.Sleep(time.Second)
		asked := n.dials.Load()
		time.Sleep(time.Hour)
		require.Equal(t, asked, n.dials.Load(), "it is asked no more when the reply has come")
	})
}

// However often replies are late, a node of which no answer is to be had is asked by one at a
// time.
func TestProbesDoNotPileUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, p := newNode(t, PeerOptions{ReadTimeout: time.Minute})
		n.does(func(c *peer) {
			for args := c.request(); args != nil; args = c.request() {
				time.Sleep(2 * lateAfter)
				c.reply(bulk(args[len(args)-1]))
			}
		})
		c := mustShare(t, p, true)
		var dialling atomic.Int32
		n.dialsLike(func(ctx context.Context) (net.Conn, error) {
			defer dialling.Add(-1)
			if dialling.Add(1) > 1 {
				t.Error("it is asked twice at once")
			}
			<-ctx.Done()
			return nil, ctx.Err()
		})
		for range 100 {
			require.NoError(t, do(t.Context(), c, exchange("a")))
		}
	})
}

// A probe does not hold up Close.
func TestCloseEndsProbes(t *testing.T) {
	for _, dials := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			n, p, _, blocked, over := stalled(t, PeerOptions{}, exchange("a"))
			n.does(over.serve)
			if dials {
				n.dialsLike(func(ctx context.Context) (net.Conn, error) { <-over; return nil, io.EOF })
			}
			time.Sleep(lateAfter + time.Millisecond)
			start := time.Now()
			p.Close()
			require.ErrorIs(t, <-blocked.err, ErrClosed)
			require.LessOrEqual(t, time.Since(start), 2*patience)
			require.Zero(t, p.Counts().Open)
			close(over)
		})
	}
}
