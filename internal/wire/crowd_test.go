package wire

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Others are said to compute after three yields in a row that took a turn of theirs, for a
// second, and for longer when it turns out to be so again.
func TestCrowdLearns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c Crowd
		turn := func() { c.learn(20*time.Millisecond, 1) }
		turn()
		turn()
		require.False(t, c.is(time.Now()), "twice may be chance")
		c.learn(time.Microsecond, 0)
		turn()
		turn()
		require.False(t, c.is(time.Now()), "not in a row")
		turn()
		require.True(t, c.is(time.Now()))
		time.Sleep(minSpell - time.Nanosecond) // fake
		require.True(t, c.is(time.Now()))
		time.Sleep(time.Nanosecond) // fake
		require.False(t, c.is(time.Now()))

		turn()
		time.Sleep(2*minSpell - time.Nanosecond) // fake
		require.True(t, c.is(time.Now()), "longer the second time")
		time.Sleep(time.Nanosecond) // fake
		for range 20 {
			turn()
		}
		time.Sleep(maxSpell - time.Nanosecond) // fake
		require.True(t, c.is(time.Now()))
		time.Sleep(time.Nanosecond) // fake
		require.False(t, c.is(time.Now()), "and never longer than that")

		c.learn(time.Microsecond, 0)
		turn()
		turn()
		require.False(t, c.is(time.Now()), "forgotten")
	})
}

// A thousand callers that submit take their time, and are no crowd.
func TestCrowdIsNoneOfCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c Crowd
		for range 100 {
			c.learn(20*time.Millisecond, 300)
		}
		require.False(t, c.is(time.Now()))
	})
}

// In a crowd the watcher leaves the reader's role to callers, whom it would have to wake, and
// nobody yields.
func TestCrowdKeepsOthersAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crowd := new(Crowd)
		for range fewTurns {
			crowd.learn(time.Second, 0)
		}
		c, _ := connect(t, Options{Crowd: crowd})
		reads := func() bool {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.reading
		}
		time.Sleep(minSpell - quiet) // fake
		synctest.Wait()
		require.False(t, reads(), "the watcher, in a crowd")

		c.mu.Lock()
		yield := c.readYield
		c.gather(&c.readYield)
		require.Equal(t, yield, c.readYield, "nothing was tried, so nothing learned")
		c.mu.Unlock()

		time.Sleep(minSpell) // fake
		synctest.Wait()
		require.True(t, reads(), "nobody computes any more")
	})
}

// Also in a crowd a connection that is silent is given up although nobody waits any more: the
// next caller is not the one to find out.
func TestCrowdGivesUpOnSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crowd := new(Crowd)
		for range fewTurns {
			crowd.learn(time.Second, 0)
		}
		crowd.until.Store(time.Now().Add(time.Hour).UnixNano())
		c, _ := connect(t, Options{Crowd: crowd, ReadTimeout: time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		x := exchange("a")
		require.NoError(t, c.Submit(x))
		require.ErrorIs(t, c.Wait(ctx, x), context.DeadlineExceeded)
		time.Sleep(2 * time.Second) // fake
		require.ErrorIs(t, c.Submit(exchange("b")), ErrSilent)
	})
}

// Where replies take long nobody goes on looking for them: only now and then.
func TestCrowdDoesNotStandInVain(t *testing.T) {
	s := connectTCP(t, false)
	s.c.opts.Crowd.until.Store(time.Now().Add(time.Hour).UnixNano())
	stood := 0
	for turn := range int64(20 * tryVain) {
		s.c.mu.Lock()
		s.c.turns = turn
		stands := s.c.stands()
		s.c.mu.Unlock()
		if stands {
			s.c.vain++ // as stand does in the end
			stood++
		}
	}
	require.InDelta(t, mostVain+20, stood, 1)
	s.p.reply("+a\r\n")
	s.arrives(t, pendingBytes)
	s.c.stand()
	require.Zero(t, s.c.vain, "it pays again")
}
