package slotmesh_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/internal/realcluster"
)

// A call is one command as its caller saw it.
type call struct {
	node       int
	write      bool
	begin, end time.Time
}

func (c *call) took() time.Duration { return c.end.Sub(c.begin) }

// A log of calls.
type callLog struct {
	mu  sync.Mutex
	all []call
}

func (l *callLog) add(c call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, c)
}

// longest returns how long the longest took of those that began in a time, and how many
// did. The zero Time is no limit.
func (l *callLog) longest(node int, write bool, from, to time.Time) (most time.Duration, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.all {
		if c.node == node && c.write == write && !c.begin.Before(from) && (to.IsZero() || c.begin.Before(to)) {
			most, n = max(most, c.took()), n+1
		}
	}
	return most, n
}

// await waits until n calls, on any node, are in the log.
func (l *callLog) await(t *testing.T, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.all) >= n
	}, suiteTimeout, pollEvery)
}

// load begins a read and a write on each node every millisecond, whatever became of those
// before, until stop is called, which waits for all.
func load(t *testing.T, client *slotmesh.Client, log *callLog) (stop func()) {
	var callers sync.WaitGroup
	ctx := testContext(t)
	going, end := context.WithCancel(ctx)
	callers.Go(func() {
		for going.Err() == nil {
			for i := range 6 {
				callers.Go(func() { log.call(ctx, t, client, call{node: i / 2, write: i%2 == 0}) })
			}
			time.Sleep(time.Millisecond)
		}
	})
	stop = func() {
		end()
		callers.Wait()
	}
	t.Cleanup(stop)
	return stop
}

// call makes a call, and notes it.
func (l *callLog) call(ctx context.Context, t *testing.T, client *slotmesh.Client, c call) {
	key, err := keyOn(c.node, t.Name()+"n"), error(nil)
	c.begin = time.Now()
	if c.write {
		err = client.Incr(ctx, key).Err()
	} else {
		err = client.Exists(ctx, key).Err()
	}
	c.end = time.Now()
	if l.add(c); err != nil {
		t.Error(err)
	}
}

// requireOnce checks that each write of the log has run once.
func (l *callLog) requireOnce(t *testing.T, client *slotmesh.Client) {
	t.Helper()
	for node := range 3 {
		_, n := l.longest(node, true, time.Time{}, time.Time{})
		require.Positive(t, n)
		got, err := client.Get(t.Context(), keyOn(node, t.Name()+"n")).Int()
		require.NoError(t, err)
		require.Equal(t, n, got, "writes to node %d", node)
	}
}

const (
	paused   = 800 * time.Millisecond // how long writes wait, as CLIENT PAUSE asks for
	noticed  = 100 * time.Millisecond // after which it is known that they do
	promised = 150 * time.Millisecond // until when reads are back
)

// While a node holds writes back, reads of it and commands for other nodes go on, and the
// writes wait, each once.
func TestPauseOfWrites(t *testing.T) {
	inBubble(t, func(s *scene) {
		s.warm()
		var log callLog
		stop := load(s.t, s.client, &log)
		for range 2 {
			time.Sleep(paused) // fake
			start := time.Now()
			_, err := s.Do(s.t.Context(), s.Masters()[0], "client", "pause", paused.Milliseconds(), "write")
			require.NoError(s.t, err)
			time.Sleep(2 * paused) // fake
			synctest.Wait()

			most, n := log.longest(0, false, start, start.Add(noticed))
			require.Positive(s.t, n)
			require.Positive(s.t, most, "the first reads are behind a write")
			require.LessOrEqual(s.t, most, noticed+2*time.Millisecond)
			most, n = log.longest(0, false, start.Add(promised), time.Time{})
			require.Zero(s.t, most, "reads are back, and stay so")
			require.Greater(s.t, n, 1000, "there is one every millisecond")
			most, _ = log.longest(0, true, start, time.Time{})
			require.LessOrEqual(s.t, most, paused, "writes wait no longer than the node makes them")
		}
		stop()
		for node := 1; node < 3; node++ {
			for _, write := range []bool{false, true} {
				most, _ := log.longest(node, write, time.Time{}, time.Time{})
				require.Zero(s.t, most, "other nodes feel nothing")
			}
		}
		log.requireOnce(s.t, s.client)
	})
}

// The same on real servers, where other processes take time too.
func TestPauseOfWritesReal(t *testing.T) {
	const busy = 250 * time.Millisecond // what a machine may take that has other things to do
	c := cluster{realcluster.Start(t, realcluster.Config{})}
	client := c.connect(t, func(o *slotmesh.Options) { o.RefreshInterval = -1 })
	var log callLog
	stop := load(t, client, &log)
	log.await(t, 600)
	start := time.Now()
	_, err := c.Do(testContext(t), c.Masters()[0], "client", "pause", paused.Milliseconds(), "write")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, again := log.longest(0, true, start.Add(paused), time.Time{})
		return again > 0
	}, suiteTimeout, pollEvery, "writes are back")
	stop()

	end := start.Add(paused)
	late, reads := log.longest(0, false, start, end)
	t.Logf("%d reads while writes were paused, the longest took %v", reads, late)
	require.Less(t, late, promised+busy)
	_, n := log.longest(0, false, start.Add(promised+busy), end)
	require.Positive(t, n, "reads are back before writes are")
	waited, writes := log.longest(0, true, start, end)
	t.Logf("%d writes, the longest took %v", writes, waited)
	require.Greater(t, waited, paused-busy, "writes were paused")
	require.Less(t, waited, paused+busy)
	for node := 1; node < 3; node++ {
		for _, write := range []bool{false, true} {
			most, n := log.longest(node, write, start, end)
			t.Logf("node %d, writes %v: %d meanwhile, the longest took %v", node, write, n, most)
			require.Less(t, most, busy)
			require.Greater(t, n, 100, "they do not stop")
		}
	}
	log.requireOnce(t, client)
}

// slowLink is a connection that takes a millisecond for each 64 KiB.
type slowLink struct{ net.Conn }

func (l slowLink) Read(p []byte) (int, error) {
	time.Sleep(time.Millisecond)
	return l.Conn.Read(p[:min(len(p), 64<<10)])
}

// slowed makes links slow that dial opens.
func slowed(dial func(ctx context.Context, network, addr string) (net.Conn, error)) func(*slotmesh.Options) {
	return func(o *slotmesh.Options) {
		o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dial(ctx, network, addr)
			return slowLink{conn}, err
		}
	}
}

// hugeSize takes 384 ms over a slow link.
const hugeSize = 24 << 20

// readHuge reads a huge value while others read and write, and returns what they saw.
func readHuge(t *testing.T, client *slotmesh.Client) (log *callLog, start time.Time) {
	ctx := testContext(t)
	log = new(callLog)
	stop := load(t, client, log)
	log.await(t, 60)
	start = time.Now()
	huge, err := client.Get(ctx, keyOn(0, "huge")).Result()
	took := time.Since(start)
	require.NoError(t, err)
	require.Len(t, huge, hugeSize)
	require.Equal(t, hugeSize, strings.Count(huge, "x"))
	require.Greater(t, took, 3*noticed, "it takes long")
	t.Logf("the huge one took %v", took)
	stop()
	log.requireOnce(t, client)
	return log, start
}

// A huge reply holds up what else is asked of its node for a moment only.
func TestHugeReply(t *testing.T) {
	inBubble(t, func(s *scene) {
		_, err := s.Do(s.t.Context(), s.Masters()[0], "SET", keyOn(0, "huge"), strings.Repeat("x", hugeSize))
		require.NoError(s.t, err)
		log, start := readHuge(s.t, s.connect(slowed(s.dial)))
		const hop = 10 * time.Millisecond // a few round trips, of a millisecond each
		most, _ := log.longest(0, false, start, time.Time{})
		require.LessOrEqual(s.t, most, noticed+hop)
		for _, write := range []bool{false, true} {
			most, n := log.longest(0, write, start.Add(promised), time.Time{})
			require.Positive(s.t, n)
			require.LessOrEqual(s.t, most, hop)
		}
	})
}

func TestHugeReplyReal(t *testing.T) {
	const busy = 250 * time.Millisecond
	c := cluster{realcluster.Start(t, realcluster.Config{})}
	_, err := c.Do(testContext(t), c.Masters()[0], "SET", keyOn(0, "huge"), strings.Repeat("x", hugeSize))
	require.NoError(t, err)
	log, start := readHuge(t, c.connect(t, slowed(new(net.Dialer).DialContext)))
	most, n := log.longest(0, false, start, time.Time{})
	t.Logf("%d reads, the longest took %v", n, most)
	require.Less(t, most, promised+busy)
	most, n = log.longest(0, true, start.Add(promised), time.Time{})
	t.Logf("%d writes that began later, the longest took %v", n, most)
	require.Less(t, most, promised+busy)
}
