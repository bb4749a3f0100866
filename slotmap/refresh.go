package slotmap

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// ErrClosed is the error of a refresh that [Cache.Close] ended or that was asked
// for afterwards.
var ErrClosed = errors.New("slot map cache is closed")

var errNoMap = errors.New("source returned no map")

// refresher is the part of a Cache that decides when to ask the Source. One
// goroutine does the asking, so there is one refresh at a time.
type refresher struct {
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine has ended
	wake   chan struct{} // of capacity 1: there may be something to do

	soon atomic.Bool // RefreshSoon was called since the last refresh began
	asks sync.Mutex
	next *round // guarded by asks; the refresh that has not begun yet

	// When to refresh in the background: if soon is set, and if it is not. Only
	// for the goroutine.
	soonest, periodic time.Time
}

// round is one refresh, shared by all who asked for it before it began.
type round struct {
	asked bool // guarded by refresher.asks
	done  chan struct{}
	err   error // valid when done is closed
}

func newRound() *round { return &round{done: make(chan struct{})} }

// Refresh asks the Source and stores the answer. A refresh that runs already may
// have seen the cluster before what made the caller ask, so the caller waits for
// the next, together with all who ask until that one begins. When ctx ends, only
// this caller stops waiting.
//
// The error is that of the Source, that of ctx, or [ErrClosed]; the Map is then
// what it was.
func (c *Cache) Refresh(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("refresh slot map: %w", err)
	}
	r := c.join()
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return fmt.Errorf("wait for slot map: %w", ctx.Err())
	case <-c.ctx.Done():
		return ErrClosed
	}
}

// RefreshSoon asks for a refresh in the background and never waits. All calls
// before that refresh begins count as one, and it begins no earlier than
// [CacheOptions].MinInterval after the one before, whoever asked for that. What
// became of it OnRefresh is told.
func (c *Cache) RefreshSoon() {
	if !c.soon.Load() && !c.soon.Swap(true) {
		c.poke()
	}
}

// Close ends the refresh that runs, with ErrClosed for those who wait, and
// returns when the goroutine has ended and the last subscriber was called. The
// Map stays as it is from then on. Close may be called more than once.
func (c *Cache) Close() {
	c.cancel()
	<-c.done
	c.mu.Lock()
	defer c.mu.Unlock()
	c.subscribers = nil
}

func (c *Cache) closed() bool { return c.ctx.Err() != nil }

func (c *Cache) start() {
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.done = make(chan struct{})
	c.wake = make(chan struct{}, 1)
	c.next = newRound()
	c.periodic = c.after(time.Now(), c.opts.Period, 10)
	go c.run()
}

func (c *Cache) run() {
	defer close(c.done)
	timer := time.NewTimer(c.pause())
	defer timer.Stop()
	for {
		select {
		case <-c.wake:
		case <-timer.C:
		case <-c.ctx.Done():
			return
		}
		for c.pause() <= 0 && !c.closed() {
			c.refresh()
		}
		timer.Reset(c.pause())
	}
}

// pause returns how long there is nothing to do.
func (c *Cache) pause() time.Duration {
	switch {
	case c.asked():
		return 0
	case c.soon.Load():
		return time.Until(c.soonest)
	case c.opts.Period > 0:
		return time.Until(c.periodic)
	default:
		return math.MaxInt64
	}
}

func (c *Cache) refresh() {
	r := c.begin()
	start := time.Now()
	m, err := c.fetch()
	took := time.Since(start)
	m, err = c.store(m, err)
	if c.opts.OnRefresh != nil {
		c.opts.OnRefresh(m, took, err)
	}
	r.err = err
	close(r.done)
}

// begin closes the round to those who ask from now on, and notes from now on what
// MOVED tells.
func (c *Cache) begin() *round {
	c.asks.Lock()
	r := c.next
	c.next = newRound()
	c.asks.Unlock()

	c.soon.Store(false)
	now := time.Now()
	c.soonest = c.after(now, c.opts.MinInterval, 4)
	c.periodic = c.after(now, c.opts.Period, 10)

	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = make(map[uint16]bool)
	return r
}

// fetch asks the Source within the time allowed.
func (c *Cache) fetch() (*Map, error) {
	ctx := c.ctx
	if c.opts.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.opts.Timeout)
		defer cancel()
	}
	m, err := c.source(ctx)
	switch {
	case c.closed():
		return nil, ErrClosed
	case err != nil:
		return nil, fmt.Errorf("refresh slot map: %w", err)
	case m == nil:
		return nil, fmt.Errorf("refresh slot map: %w", errNoMap)
	default:
		return m, nil
	}
}

// join returns the round that begins next and sees to it that it does.
func (c *Cache) join() *round {
	c.asks.Lock()
	defer c.asks.Unlock()
	if !c.next.asked {
		c.next.asked = true
		c.poke()
	}
	return c.next
}

func (c *Cache) asked() bool {
	c.asks.Lock()
	defer c.asks.Unlock()
	return c.next.asked
}

func (c *Cache) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// after returns a time d after now, plus at most a part-th of d, so that the
// clients of one cluster do not all ask it at once.
func (c *Cache) after(now time.Time, d time.Duration, part int64) time.Time {
	if d <= 0 {
		return now
	}
	return now.Add(d + rand.N(d/time.Duration(part)+1))
}
