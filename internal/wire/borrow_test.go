package wire

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBorrowedConnectionsAreUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, p := newNode(t, PeerOptions{})
		a, b, c := mustBorrow(t, p), mustBorrow(t, p), mustBorrow(t, p)
		require.NotSame(t, a, b)
		require.NotSame(t, b, c)
		require.Equal(t, Counts{Open: 3, Dials: 3}, p.Counts())
		p.GiveBack(b)
		p.GiveBack(c)
		p.GiveBack(a)
		require.Equal(t, Counts{Open: 3, Idle: 3, Dials: 3}, p.Counts())
		require.Same(t, a, mustBorrow(t, p), "the one used last")
		require.Same(t, c, mustBorrow(t, p))
		require.Same(t, b, mustBorrow(t, p))
		require.EqualValues(t, 3, n.dials.Load())
		require.NotSame(t, a, mustShare(t, p, true), "it is the borrower's alone")
	})
}

func TestBorrowedConnectionsThatEndedAreNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, p := newNode(t, PeerOptions{})
		a, b := mustBorrow(t, p), mustBorrow(t, p)
		p.GiveBack(a)
		require.NoError(t, n.conns[0].Close())
		<-a.ended
		require.Equal(t, Counts{Open: 1, Dials: 2}, p.Counts())
		require.NoError(t, n.conns[1].Close())
		<-b.ended
		p.GiveBack(b)
		c := mustBorrow(t, p)
		require.NotSame(t, a, c)
		require.NotSame(t, b, c)
		require.Equal(t, Counts{Open: 1, Dials: 3}, p.Counts())
	})
}

// Of those that nobody borrows only some stay open.
func TestIdleConnectionsAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p := newNode(t, PeerOptions{})
		var all []*Conn
		for range 2 * maxIdle {
			all = append(all, mustBorrow(t, p))
		}
		for _, c := range all {
			p.GiveBack(c)
		}
		require.Equal(t, Counts{Open: maxIdle, Idle: maxIdle, Dials: 2 * maxIdle}, p.Counts())
	})
}

func TestTooManyAreBorrowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, p := newNode(t, PeerOptions{MaxBorrowed: 2, BorrowTimeout: time.Second})
		a := mustBorrow(t, p)
		mustBorrow(t, p)
		start := time.Now()
		_, err := borrowed(t.Context(), p)
		require.ErrorIs(t, err, ErrCrowded)
		require.Equal(t, time.Second, time.Since(start))
		require.Equal(t, Counts{Open: 2, Dials: 2, Crowded: 1}, p.Counts())

		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		_, err = borrowed(ctx, p)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second*3/2, time.Since(start))

		time.AfterFunc(time.Second/4, func() { p.GiveBack(a) })
		require.Same(t, a, mustBorrow(t, p), "it gets what is given back")
		require.Equal(t, time.Second*7/4, time.Since(start))
		require.EqualValues(t, 2, n.dials.Load())
		synctest.Wait()
		require.EqualValues(t, 1, p.Counts().Crowded)
	})
}

// Without a timeout whoever waits waits as long as it takes, in the order of coming.
func TestWaitingToBorrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p := newNode(t, PeerOptions{MaxBorrowed: 1})
		c := mustBorrow(t, p)
		var got []int
		var callers sync.WaitGroup
		for i := range 5 {
			callers.Go(func() {
				mine, err := borrowed(t.Context(), p)
				if err != nil || mine != c {
					t.Error(err, "not what was given back")
				}
				got = append(got, i)
				p.GiveBack(mine)
			})
			synctest.Wait()
		}
		time.Sleep(time.Hour)
		p.GiveBack(c)
		callers.Wait()
		require.Equal(t, []int{0, 1, 2, 3, 4}, got)
	})
}

// What a caller would have got who has left is somebody else's.
func TestLeavingBeforeTheConnectionIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, p := newNode(t, PeerOptions{MaxBorrowed: 1})
		a := mustBorrow(t, p)
		ctx, cancel := context.WithCancel(t.Context())
		_, opening := p.Borrow()
		p.GiveBack(a) // to who waits
		synctest.Wait()
		cancel()
		c, err := opening.Wait(ctx)
		if err != nil { // it had both
			require.ErrorIs(t, err, context.Canceled)
			require.Equal(t, Counts{Open: 1, Idle: 1, Dials: 1}, p.Counts())
			c = mustBorrow(t, p)
		}
		require.Same(t, a, c)
		p.GiveBack(c)

		// the dialer does not obey, and brings something in the end
		require.NoError(t, n.conns[0].Close())
		<-a.ended
		slow := make(chan struct{})
		n.dialsLike(func(context.Context) (net.Conn, error) { <-slow; return n.open(), nil })
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = borrowed(ctx, p)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		close(slow)
		synctest.Wait()
		mustBorrow(t, p) // there is a seat
	})
}

// One that is given back while replies are to come cannot be used again.
func TestGivingBackTooEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, p := newNode(t, PeerOptions{})
		n.does(func(c *peer) { c.request(); time.Sleep(time.Minute) })
		c := mustBorrow(t, p)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, do(ctx, c, exchange("a")), context.DeadlineExceeded)
		p.GiveBack(c)
		require.ErrorIs(t, c.Err(), ErrClosed)
		require.Equal(t, Counts{Dials: 1}, p.Counts())
		n.does((*peer).echo)
		require.NotSame(t, c, mustBorrow(t, p))
		time.Sleep(time.Hour)
	})
}

// Many callers who borrow, give up and give back never have more than is allowed, nor one
// connection twice; in the end all seats are free.
func TestBorrowingAtRandom(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			const most = 5
			n, p := newNode(t, PeerOptions{MaxBorrowed: most, BorrowTimeout: 20 * time.Millisecond})
			n.dialsLike(func(ctx context.Context) (net.Conn, error) {
				time.Sleep(time.Duration(rand.Int64N(int64(10 * time.Millisecond))))
				if rand.IntN(10) == 0 {
					return refused(ctx)
				}
				return n.open(), nil
			})
			var held sync.Map
			var lent atomic.Int32
			var callers sync.WaitGroup
			for range 24 {
				callers.Go(func() {
					for range 50 {
						ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.Int64N(int64(40*time.Millisecond))))
						c, err := borrowed(ctx, p)
						if err == nil {
							if _, twice := held.LoadOrStore(c, true); twice || lent.Add(1) > most {
								t.Error("more is lent than there is")
							}
							switch rand.IntN(5) {
							case 0:
								_ = do(ctx, c, exchange("a"))
							case 1:
								c.Retire()
							default:
								time.Sleep(time.Duration(rand.Int64N(int64(5 * time.Millisecond))))
							}
							held.Delete(c)
							lent.Add(-1)
							p.GiveBack(c)
						}
						var failed *ConnectError
						if err != nil && !errors.Is(err, ErrCrowded) && !errors.As(err, &failed) && ctx.Err() == nil {
							t.Error(err)
						}
						cancel()
					}
				})
			}
			callers.Wait()
			time.Sleep(time.Second)
			n.dialsLike(nil)
			p.mu.Lock()
			taken, given := len(p.seats), len(p.lent)
			p.mu.Unlock()
			require.Zero(t, taken)
			require.Zero(t, given)
			for range most {
				mustBorrow(t, p)
			}
			require.Equal(t, most, p.Counts().Open)
		})
	}
}
