package transport

import (
	"slices"
	"sync"
	"time"
)

// Manual is a clock that stands still but for Advance.
type Manual struct {
	mu     sync.Mutex
	now    time.Time
	timers []*manualTimer // those to be called, by their time, then as they were set
}

// NewManual returns a clock that stands at start.
func NewManual(start time.Time) *Manual { return &Manual{now: start} }

// Now returns the time that Advance has come to.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// AfterFunc has f called by the Advance that comes to d from now. With d of 0 or
// less that is the next one, even Advance(0).
func (m *Manual) AfterFunc(d time.Duration, f func()) Timer {
	t := &manualTimer{clock: m, call: f}
	t.Reset(d)
	return t
}

// Advance moves the clock by d, 0 or more, and calls the funcs that are due by
// then, those too that they set, in the order of their times, those of one time as
// they were set. Each sees as Now when it was due. It returns when all of them
// have returned; calls of Advance do not overlap, nor nest.
func (m *Manual) Advance(d time.Duration) {
	until := m.Now().Add(d)
	for f := m.next(until); f != nil; f = m.next(until) {
		f()
	}
}

// next moves the clock to the first func that is due by until and returns it; or
// to until and nil.
func (m *Manual) next(until time.Time) func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.timers) == 0 || m.timers[0].at.After(until) {
		m.now = until
		return nil
	}
	first := m.timers[0]
	m.timers = slices.Delete(m.timers, 0, 1)
	if first.at.After(m.now) {
		m.now = first.at
	}
	return first.call
}

type manualTimer struct {
	clock *Manual
	call  func()
	at    time.Time // guarded by clock.mu
}

func (t *manualTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	return t.stop()
}

func (t *manualTimer) Reset(d time.Duration) bool {
	m := t.clock
	m.mu.Lock()
	defer m.mu.Unlock()
	pending := t.stop()
	t.at = m.now.Add(d)
	after := slices.IndexFunc(m.timers, func(other *manualTimer) bool { return other.at.After(t.at) })
	if after < 0 {
		after = len(m.timers)
	}
	m.timers = slices.Insert(m.timers, after, t)
	return pending
}

func (t *manualTimer) stop() bool {
	i := slices.Index(t.clock.timers, t)
	if i < 0 {
		return false
	}
	t.clock.timers = slices.Delete(t.clock.timers, i, i+1)
	return true
}
