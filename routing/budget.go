package routing

import (
	"sync"
	"time"
)

// A budget bounds the retries of all callers that concern one node, so that a node in trouble
// is not kept in trouble by them, and that no other node's callers pay for it: a token bucket
// that holds what a second brings. Who finds it empty reserves the token of a later moment.
type budget struct {
	mu   sync.Mutex
	rate float64   // tokens per second; 0: no bound
	left float64   // tokens; negative: so many are reserved
	at   time.Time // when that was so
}

// maxReserved is how far ahead tokens are reserved.
const maxReserved = 2 * time.Second

// NoBudget is the wait of an op that must not be retried any more, since too many others are.
const NoBudget time.Duration = -1

// newBudget returns a full one of so many tokens per second, 0 being no bound.
func newBudget(perSecond int) *budget {
	rate := float64(max(perSecond, 0))
	return &budget{rate: rate, left: rate, at: time.Now()}
}

// reserve takes a token, and returns how long it takes until that is there. It is NoBudget,
// and none is taken, if that is too long. nil has no bound.
func (b *budget) reserve(now time.Time) time.Duration {
	if b == nil || b.rate == 0 {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if since := now.Sub(b.at); since > 0 {
		b.left = min(b.left+since.Seconds()*b.rate, b.rate)
		b.at = now
	}
	wait := max(0, time.Duration((1-b.left)/b.rate*float64(time.Second)))
	if wait > maxReserved {
		return NoBudget
	}
	b.left--
	return wait
}

// giveBack returns a token that was not used.
func (b *budget) giveBack() {
	if b == nil || b.rate == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = min(b.left+1, b.rate)
}

// A reservation is what one round of a call has reserved with one node: what is sent again
// together is one retry.
type reservation struct {
	addr  string
	from  *budget
	wait  time.Duration
	spent bool
}

// reservation returns that of the round for the node at addr, which is made if need be.
func (v *verdict) reservation(ns *nodes, addr string) *reservation {
	for _, res := range v.reserved {
		if res.addr == addr {
			return res
		}
	}
	res := &reservation{addr: addr, from: ns.budget(addr)}
	res.wait = res.from.reserve(v.now)
	v.reserved = append(v.reserved, res)
	return res
}

// giveBack gives back what was reserved and not used.
func (v *verdict) giveBack() {
	for _, res := range v.reserved {
		if !res.spent && res.wait != NoBudget {
			res.from.giveBack()
		}
	}
}
