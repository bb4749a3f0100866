package wire

import (
	"sync/atomic"
	"time"
)

// A yield decides whether a writer should let others run before it writes, so that their
// requests leave in the same Write. It pays where many callers are about to submit; beside
// goroutines that compute it costs a time slice of theirs. So it is measured, and given up
// for a while when it brings nothing or takes long: 16 writes at first, twice as many each
// time, up to 4096.
type yield struct {
	skip    atomic.Int64 // writes to go without
	penalty atomic.Int64
}

const (
	maxYield   = time.Millisecond
	minPenalty = 16
	maxPenalty = 4096
)

// worth reports whether to yield now.
func (y *yield) worth() bool { return y.skip.Load() == 0 || y.skip.Add(-1) == 0 }

// learn takes what a yield has brought: whether others submitted, and what it took.
func (y *yield) learn(gained bool, took time.Duration) {
	if gained && took <= maxYield {
		y.penalty.Store(0)
		return
	}
	penalty := min(max(2*y.penalty.Load(), minPenalty), maxPenalty)
	y.penalty.Store(penalty)
	y.skip.Store(penalty)
}
