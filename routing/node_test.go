package routing

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/slotmap"
)

// A node that left the map keeps its connections until its last command has ended, and
// closes them then.
func TestNodeThatLeavesIsDrained(t *testing.T) {
	m := newMesh(t, 2)
	r := m.router(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	m.nodes[1].on(func(heard) string { close(arrived); <-release; return usual })
	running := make(chan error, 1)
	cmd := incr(m.key(1))
	go func() { running <- r.Process(context.Background(), cmd) }()
	<-arrived

	m.setOwner(1, 0)
	require.NoError(t, r.Refresh(t.Context()))
	require.NoError(t, r.Process(t.Context(), incr(m.key(1))), "new commands go to the new owner")
	require.Len(t, m.nodes[0].requests(), 1)
	require.Positive(t, m.nodes[1].connections())
	require.Empty(t, running)

	close(release)
	require.NoError(t, <-running)
	require.EqualValues(t, 1, cmd.Val())
	require.Eventually(t, func() bool { return m.nodes[1].connections() == 0 }, 5*time.Second, time.Millisecond)
}

// However often the map is refreshed, and whether or not it changes again, a node that
// left is let go of and asked nothing more.
func TestNodeThatLeftIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newPipeMesh(t, 2)
		opts := m.options()
		opts.Refresh = slotmap.CacheOptions{} // as it comes
		r := open(t, opts)
		require.NoError(t, r.Process(t.Context(), incr(m.key(1))))
		m.setOwner(1, 0)
		require.NoError(t, r.Refresh(t.Context()))
		time.Sleep(5 * time.Minute) // fake
		synctest.Wait()
		asked := m.nodes[1].mapsAsked()
		require.Zero(t, m.nodes[1].connections())
		time.Sleep(5 * time.Minute) // fake
		require.Equal(t, asked, m.nodes[1].mapsAsked())
	})
}

// The target of an ASK is in no map; a while after the last ASK it is let go of with the
// next change of the map.
func TestAskTargetIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newPipeMesh(t, 3)
		m.setOwner(2, 0) // node 2 serves nothing
		opts := m.options()
		opts.Refresh = slotmap.CacheOptions{}
		r := open(t, opts)
		m.nodes[0].says(askTo(m.slot(0), m.nodes[2]))
		require.NoError(t, r.Process(t.Context(), incr(m.key(0))))
		require.Len(t, m.nodes[2].requests(), 1)
		require.Positive(t, m.nodes[2].connections())
		time.Sleep(10 * time.Minute) // fake
		m.setOwner(1, 0)
		require.NoError(t, r.Refresh(t.Context()))
		synctest.Wait()
		require.Zero(t, m.nodes[2].connections())
	})
}

// After Close nothing of the router is left, not even after failures, transactions,
// blocked commands and refreshes.
func TestCloseLeavesNoGoroutine(t *testing.T) {
	m := newMesh(t, 3)
	before := runtime.NumGoroutine()
	for range 5 {
		opts := readTimeout(m.options(), 50*time.Millisecond)
		r, err := New(t.Context(), opts)
		require.NoError(t, err)
		m.nodes[0].says(movedTo(m.slot(0), m.nodes[1]))
		m.nodes[1].says(drop, usual)
		m.nodes[2].on(func(q heard) string {
			if q.name == "blpop" {
				return silence
			}
			return usual
		})
		_ = r.ProcessPipeline(t.Context(), []redis.Cmder{get(m.key(0)), get(m.key(1)), get(m.key(2))})
		_ = r.ProcessPipeline(t.Context(), transact(incr(m.key(0))))
		blocked := make(chan error, 1)
		go func() { blocked <- r.Process(context.Background(), do("blpop", m.key(2), 0)) }()
		require.Eventually(t, func() bool {
			for _, q := range m.nodes[2].received() {
				if q.name == "blpop" {
					return true
				}
			}
			return false
		}, 5*time.Second, time.Millisecond)
		require.NoError(t, r.Refresh(t.Context()))
		r.Close()
		require.ErrorIs(t, <-blocked, ErrClosed)
		m.nodes[2].mu.Lock()
		m.nodes[2].got = nil
		m.nodes[2].mu.Unlock()
	}
	for _, n := range m.nodes {
		require.Eventually(t, func() bool { return n.connections() == 0 }, 5*time.Second, time.Millisecond)
	}
	// Eventually itself runs the condition on a goroutine of its own.
	left := func() bool { return runtime.NumGoroutine() <= before+1 }
	require.Eventually(t, left, 5*time.Second, time.Millisecond, "%d goroutines before, now %v", before, stacks{})
}

// The same within a bubble, where a goroutine left at the end fails the test.
func TestBubbleIsEmptyAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newPipeMesh(t, 2)
		r := open(t, m.options())
		m.nodes[0].says(movedTo(m.slot(0), m.nodes[1]), drop)
		require.NoError(t, r.Process(t.Context(), get(m.key(0))))
		require.NoError(t, r.ProcessPipeline(t.Context(), []redis.Cmder{get(m.key(0)), get(m.key(1))}))
		r.Close()
	})
}

// stacks prints the goroutines there are when it is printed.
type stacks struct{}

func (stacks) String() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

// A connection that the node authenticates no more is replaced, and the command sent again,
// once.
func TestNoAuthOnALiveConnection(t *testing.T) {
	const refused = "-NOAUTH Authentication required.\r\n"
	m := newMesh(t, 1)
	r := m.router(t)
	require.NoError(t, r.Process(t.Context(), incr(m.key(0))))
	m.nodes[0].says(refused)
	require.NoError(t, r.Process(t.Context(), incr(m.key(0))))
	got := m.nodes[0].received()
	require.Len(t, got, 3)
	require.NotEqual(t, got[1].conn, got[2].conn)

	m.nodes[0].says(refused, refused, refused)
	err := r.Process(t.Context(), incr(m.key(0)))
	require.EqualError(t, err, "NOAUTH Authentication required.")
	require.Len(t, m.nodes[0].received(), 5)
}
