package slotmap_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/slotmap"
)

// gate is a Source whose answers the test gives: each call waits for one.
type gate struct {
	calls   atomic.Int32
	answers chan answer
}

type answer struct {
	m   *slotmap.Map
	err error
}

func newGate() *gate { return &gate{answers: make(chan answer)} }

func (g *gate) source(ctx context.Context) (*slotmap.Map, error) {
	g.calls.Add(1)
	select {
	case a := <-g.answers:
		return a.m, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// answer ends the call that is waiting, and returns when all that follows from it
// has happened.
func (g *gate) answer(m *slotmap.Map, err error) {
	g.answers <- answer{m, err}
	synctest.Wait()
}

// always is a Source that answers at once, with the same Map.
func always(m *slotmap.Map, calls *atomic.Int32) slotmap.Source {
	return func(context.Context) (*slotmap.Map, error) {
		if calls != nil {
			calls.Add(1)
		}
		return m, nil
	}
}

// loaded returns a Cache behind a gate that holds m already.
func loaded(t *testing.T, m *slotmap.Map) (*slotmap.Cache, *gate) {
	t.Helper()
	g := newGate()
	c := slotmap.NewCache(g.source, slotmap.CacheOptions{Period: -1, Timeout: -1})
	t.Cleanup(c.Close)
	begin(c)
	g.answer(m, nil)
	require.NotNil(t, c.Load())
	return c, g
}

// begin makes a refresh begin, if none is running, and returns its error when it
// has ended.
func begin(c *slotmap.Cache) <-chan error {
	ended := make(chan error, 1)
	go func() { ended <- c.Refresh(context.Background()) }()
	synctest.Wait()
	return ended
}

func TestMovedIsVisibleAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := loaded(t, three(t))
		from := c.Load()
		require.True(t, c.Moved(5, "b:7000", from))
		require.Equal(t, "b:7000", c.Load().Master(5))
		require.Equal(t, "a:7000", c.Load().Master(6))
		require.Equal(t, "a:7000", from.Master(5))

		require.True(t, c.Moved(100, "d:7000", from), "a slot that nobody served, an unknown node")
		require.True(t, c.Moved(6, "a1:7001", from), "other slots changed since, this one did not")
	})
}

func TestMovedThatSaysNothingNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := loaded(t, three(t))
		m := c.Load()
		require.False(t, c.Moved(5, "a:7000", m))
		require.False(t, c.Moved(5, "", m))
		require.False(t, c.Moved(16384, "b:7000", m))
		require.Same(t, m, c.Load())
	})
}

// Many replies are one change; of those about one slot the first counts, also when it
// only confirms.
func TestMovedAllIsOneChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := loaded(t, three(t))
		changes := 0
		c.Subscribe(func(slotmap.Delta) { changes++ })
		changes = 0
		from := c.Load()
		other := from.Master(16383)
		require.Equal(t, 2, c.MovedAll([]slotmap.Moved{
			{Slot: 1, Addr: other}, {Slot: 2, Addr: other}, {Slot: 2, Addr: "late:1"},
			{Slot: 3, Addr: from.Master(3)}, {Slot: 3, Addr: "late:1"}, {Slot: 20000, Addr: other}, {Slot: 4},
		}, from))
		require.Equal(t, 1, changes)
		require.Equal(t, other, c.Load().Master(1))
		require.Equal(t, other, c.Load().Master(2))
		require.Equal(t, from.Master(3), c.Load().Master(3))
		require.Zero(t, c.MovedAll([]slotmap.Moved{{Slot: 1, Addr: from.Master(1)}}, from), "late")
	})
}

func TestMovedBeforeAnythingIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		c := slotmap.NewCache(g.source, slotmap.CacheOptions{})
		defer c.Close()
		require.False(t, c.Moved(5, "b:7000", nil))
		require.Nil(t, c.Load())
	})
}

func TestLateMovedIsIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g := loaded(t, three(t))
		old := c.Load()
		require.True(t, c.Moved(5, "b:7000", old))
		require.False(t, c.Moved(5, "c:7000", old), "the slot changed since by a MOVED")

		begin(c)
		g.answer(three(t).WithMoved(7, "b:7000"), nil)
		require.False(t, c.Moved(7, "c:7000", old), "the slot changed since by a refresh")
		require.Equal(t, "b:7000", c.Load().Master(7))
		require.True(t, c.Moved(7, "c:7000", c.Load()), "who was routed by the new map knows better")
	})
}

func TestLateMovedIsIgnoredWhenTheSlotCameBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := loaded(t, three(t))
		old := c.Load()
		require.True(t, c.Moved(5, "b:7000", old))
		require.True(t, c.Moved(5, "a:7000", c.Load()))
		require.Equal(t, old.Master(5), c.Load().Master(5))
		require.False(t, c.Moved(5, "b:7000", old), "it tells of the way there, not of the way back")
		require.Equal(t, "a:7000", c.Load().Master(5))
	})
}

func TestMovedFromAForeignMap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := loaded(t, three(t))
		require.False(t, c.Moved(5, "b:7000", nil), "routed by nothing, but the slot is served")
		require.False(t, c.Moved(5, "c:7000", three(t).WithMoved(5, "b:7000")))
		require.True(t, c.Moved(100, "b:7000", nil), "routed by nothing, and the slot is not served")
		require.True(t, c.Moved(5, "b:7000", three(t)))
	})
}

func TestRefreshCannotUndoAMovedSinceItBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g := loaded(t, three(t))
		before := three(t).WithMoved(9, "c:7000") // what the cluster was when the refresh began

		ended := begin(c)
		require.True(t, c.Moved(5, "b:7000", c.Load()))
		require.True(t, c.Moved(6, "a1:7001", c.Load()))
		require.True(t, c.Moved(7, "d:7000", c.Load()))
		g.answer(before, nil)
		require.NoError(t, <-ended)
		m := c.Load()
		requireSound(t, m)
		require.Equal(t, []string{"b:7000", "a1:7001", "d:7000"}, []string{m.Master(5), m.Master(6), m.Master(7)})
		require.Equal(t, "c:7000", m.Master(9), "of other slots the refresh knows more")
		require.Equal(t, "idb", m.Shard(5).Master.ID)

		begin(c)
		g.answer(before, nil)
		require.Equal(t, "a:7000", c.Load().Master(5), "a refresh that began after the MOVED overrides it")
	})
}

func TestRefreshCannotUndoWhatAMovedConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g := loaded(t, three(t))
		old := c.Load()
		require.True(t, c.Moved(5, "b:7000", old))
		begin(c)
		require.False(t, c.Moved(5, "b:7000", old), "a second command meets the same MOVED")
		g.answer(three(t), nil)
		require.Equal(t, "b:7000", c.Load().Master(5))
	})
}

func TestFailedRefreshChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g := loaded(t, three(t))
		begin(c)
		require.True(t, c.Moved(5, "b:7000", c.Load()))
		m := c.Load()
		g.answer(nil, errors.New("no node answers"))
		require.Same(t, m, c.Load())

		begin(c)
		g.answer(three(t), nil)
		require.Equal(t, "a:7000", c.Load().Master(5), "what was told during the failed one is not held against the next")
	})
}

func TestRefreshWithoutNewsKeepsTheMap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g := loaded(t, three(t))
		m := c.Load()
		c.Subscribe(func(d slotmap.Delta) { require.Nil(t, d.From) })
		begin(c)
		g.answer(three(t), nil)
		require.Same(t, m, c.Load())
	})
}

func TestSubscribersSeeEveryChangeInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		c := slotmap.NewCache(g.source, slotmap.CacheOptions{Period: -1})
		defer c.Close()
		var seen []slotmap.Delta
		c.Subscribe(func(d slotmap.Delta) {
			require.Same(t, d.From, c.Load(), "Load follows the subscribers")
			seen = append(seen, d)
		})
		require.Empty(t, seen, "nothing is known yet")

		begin(c)
		g.answer(mustParse(t), nil)
		require.Len(t, seen, 1, "the first map is news even if it is empty")
		begin(c)
		g.answer(three(t), nil)
		require.True(t, c.Moved(5, "b:7000", seen[1].To), "what a subscriber was given is good for Moved")
		require.False(t, c.Moved(5, "c:7000", seen[1].To))
		begin(c)
		g.answer(mustParse(t, entry(0, 16383, node("a", 7000, "ida"), node("r", 1, "idr"))), nil)
		begin(c)
		g.answer(mustParse(t, entry(0, 16383, node("a", 7000, "other"), node("r", 1, "idr"))), nil)
		require.Len(t, seen, 5)

		require.Nil(t, seen[0].From)
		for i := 1; i < len(seen); i++ {
			require.Same(t, seen[i-1].To, seen[i].From)
		}
		require.Equal(t, "5: a:7000 to b:7000", seen[2].String())
		require.False(t, seen[4].Empty(), "a node that is another one at the same address is a change")
		require.Same(t, seen[4].To, c.Load())
	})
}

func TestSubscribeTellsWhatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := loaded(t, three(t))
		var first, second []slotmap.Delta
		cancel := c.Subscribe(func(d slotmap.Delta) { first = append(first, d) })
		require.Len(t, first, 1)
		require.Nil(t, first[0].From)
		require.Same(t, c.Load(), first[0].To)

		c.Subscribe(func(d slotmap.Delta) { second = append(second, d) })
		cancel()
		cancel()
		c.Moved(5, "b:7000", c.Load())
		require.Len(t, first, 1, "not called after cancel")
		require.Len(t, second, 2)
	})
}

func TestCloseEndsChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := loaded(t, three(t))
		changes := 0
		c.Subscribe(func(slotmap.Delta) { changes++ })
		c.Close()
		require.False(t, c.Moved(5, "b:7000", c.Load()))
		require.Equal(t, "a:7000", c.Load().Master(5), "the last map stays")
		require.Equal(t, 1, changes)
	})
}

func TestNewCacheNeedsASource(t *testing.T) {
	require.Panics(t, func() { slotmap.NewCache(nil, slotmap.CacheOptions{}) })
}

// Everything at once, for the race detector; the cluster flips one slot at a time.
func TestCacheUnderConcurrency(t *testing.T) {
	maps := []*slotmap.Map{three(t), three(t).WithMoved(5, "b:7000"), three(t).WithMoved(5, "c:7000").WithMoved(6, "d:7000")}
	var asked atomic.Int64
	c := slotmap.NewCache(func(context.Context) (*slotmap.Map, error) {
		return maps[asked.Add(1)%3], nil
	}, slotmap.CacheOptions{MinInterval: time.Millisecond, Period: time.Millisecond})
	var last *slotmap.Map
	c.Subscribe(func(d slotmap.Delta) {
		if d.From != last {
			t.Error("a change was left out")
		}
		last = d.To
	})
	require.NoError(t, c.Refresh(t.Context()))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 200 {
				from := c.Load()
				c.RefreshSoon()
				c.Moved(uint16(5+i%2), from.Master(uint16(10923*(i%3)/2)), from)
				if i%50 == 0 {
					c.Subscribe(func(slotmap.Delta) {})()
					if err := c.Refresh(t.Context()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	c.Close()
	requireSound(t, c.Load())
	require.Same(t, last, c.Load())
}
