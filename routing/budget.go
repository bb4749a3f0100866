package routing

import (
	"sync"
	"time"
)

// A budget bounds the retries of all callers together, so that a cluster in trouble is not
// kept in trouble by them: a token bucket that holds what a second brings. Who finds it empty
// reserves the token of a later moment.
type budget struct {
	mu   sync.Mutex
	rate float64   // tokens per second; 0: no bound
	left float64   // tokens; negative: so many are reserved
	at   time.Time // when that was so
}

// maxReserved is how far ahead tokens are reserved.
const maxReserved = 2 * time.Second

// NoBudget is the wait of an op for which the client has no retry left.
const NoBudget time.Duration = -1

func newBudget(perSecond int) *budget {
	rate := float64(max(perSecond, 0))
	return &budget{rate: rate, left: rate, at: time.Now()}
}

// wait returns how long it takes until a retry is allowed, NoBudget if that is too long.
func (b *budget) wait(now time.Time) time.Duration {
	if b.rate == 0 {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(now)
	if b.left >= 1 {
		return 0
	}
	d := time.Duration((1 - b.left) / b.rate * float64(time.Second))
	if d > maxReserved {
		return NoBudget
	}
	return d
}

// take takes a token, or reserves one.
func (b *budget) take() {
	if b.rate == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left--
}

// fill adds what has come since the last time. b.mu is held.
func (b *budget) fill(now time.Time) {
	if since := now.Sub(b.at); since > 0 {
		b.left = min(b.left+since.Seconds()*b.rate, b.rate)
		b.at = now
	}
}
