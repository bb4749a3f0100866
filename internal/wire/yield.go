package wire

import (
	"runtime"
	"time"
)

// A yield decides whether a writer or a reader should let others run first, so that their
// requests leave in the same Write, and one Read brings more replies. It pays where many
// callers are about to submit; beside goroutines that compute it costs a time slice of
// theirs. So it is measured: after several in a row that brought nothing, or one that took
// too long for what it brought, it is gone without some times, twice as many each time.
type yield struct {
	skip      int // times to go without
	penalty   int
	fruitless int // yields in a row that brought nothing
}

const (
	yields       = 2 // in a row
	shortYield   = 100 * time.Microsecond
	longYield    = time.Millisecond
	perExchange  = 20 * time.Microsecond // that it may take for each that others submit
	maxFruitless = 64
	minPenalty   = 8
	maxPenalty   = 4096
)

// worth reports whether to yield now.
func (y *yield) worth() bool {
	if y.skip > 0 {
		y.skip--
	}
	return y.skip == 0
}

// learn takes what a yield has brought: how much others have submitted, and what it took.
func (y *yield) learn(gained int64, took time.Duration) {
	switch {
	case gained > 0 && took <= max(longYield, time.Duration(gained)*perExchange):
		y.fruitless, y.penalty = 0, 0
		return
	case took <= shortYield:
		if y.fruitless++; y.fruitless < maxFruitless {
			return
		}
	}
	y.fruitless = 0
	y.penalty = min(max(2*y.penalty, minPenalty), maxPenalty)
	y.skip = y.penalty
}

// gather lets callers run that may be about to submit. c.mu is held before and after.
func (c *Conn) gather(y *yield) {
	if !y.worth() {
		return
	}
	start := time.Now()
	if c.opts.Crowd.is(start) {
		return
	}
	before := c.submits
	c.mu.Unlock()
	for range yields {
		runtime.Gosched()
	}
	took := time.Since(start)
	c.mu.Lock()
	y.learn(c.submits-before, took)
	c.opts.Crowd.learn(took, c.submits-before)
}
