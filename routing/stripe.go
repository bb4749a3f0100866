package routing

import "sync/atomic"

// A stripe is a part of the counters of a router. Whoever counts uses one that came with
// something from a pool: so mostly one processor writes it, and none waits for another.
type stripe struct {
	inflight  atomic.Int64 // calls of Run
	exchanges atomic.Int64
	commands  atomic.Int64
	_         [40]byte // a cache line each
}

// stripes are all of them.
type stripes struct {
	all  [32]stripe
	next atomic.Uint32
}

// one returns a stripe, another one each time.
func (s *stripes) one() *stripe { return &s.all[s.next.Add(1)%uint32(len(s.all))] }

// sum adds up a counter over all stripes.
func (s *stripes) sum(counter func(*stripe) *atomic.Int64) (n int64) {
	for i := range s.all {
		n += counter(&s.all[i]).Load()
	}
	return n
}

// inflight returns how many calls of Run there are. Once none may begin, 0 means that all
// have ended.
func (s *stripes) inflight() int64 {
	return s.sum(func(s *stripe) *atomic.Int64 { return &s.inflight })
}
