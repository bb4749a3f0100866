package wire

import "time"

// A yield decides whether a writer should let others run before it writes, so that their
// requests leave in the same Write. It pays where many callers are about to submit; beside
// goroutines that compute it costs a time slice of theirs. So it is measured: after several
// in a row that brought nothing, or one that took too long for what it brought, some writes
// go without, twice as many each time.
type yield struct {
	skip      int // writes to go without
	penalty   int
	fruitless int // yields in a row that brought nothing
}

const (
	shortYield   = 100 * time.Microsecond
	perExchange  = 20 * time.Microsecond // that it may take for each that others submit
	maxFruitless = 8
	minPenalty   = 16
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
	case gained > 0 && took <= max(shortYield, time.Duration(gained)*perExchange):
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
