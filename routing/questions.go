package routing

import (
	"slices"
	"sync"
	"time"
)

// questions counts how often nodes are asked for the slot map, so that all clients of a
// cluster in trouble do not add to it: five times a second at most, but for what concerns
// nodes that cannot be reached.
type questions struct {
	unlimited bool

	mu    sync.Mutex
	asked []time.Time // in the last second
}

const (
	mostQuestions   = 5
	questionsWithin = time.Second
)

// recent forgets what is longer ago than questionsWithin. q.mu is held.
func (q *questions) recent(now time.Time) []time.Time {
	q.asked = slices.DeleteFunc(q.asked, func(t time.Time) bool { return now.Sub(t) >= questionsWithin })
	return q.asked
}

// note counts one.
func (q *questions) note() {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	q.asked = append(q.recent(now), now)
}

// forget takes one back that reached no node.
func (q *questions) forget() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if n := len(q.asked); n > 0 {
		q.asked = q.asked[:n-1]
	}
}

// pause returns how long it takes until one more may be asked.
func (q *questions) pause() time.Duration {
	if q.unlimited {
		return 0
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	asked := q.recent(now)
	if len(asked) < mostQuestions {
		return 0
	}
	return questionsWithin - now.Sub(asked[len(asked)-mostQuestions])
}
