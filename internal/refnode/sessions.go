package refnode

import (
	"slices"
	"sync"
)

// sessions are the connections of a node. They have a lock of their own, since a node is
// closed while its lock may be held for long.
type sessions struct {
	mu     sync.Mutex
	byID   map[int64]*session
	closed bool
}

func newSessions() *sessions { return &sessions{byID: map[int64]*session{}} }

// add adds s and reports false if no more sessions are taken.
func (c *sessions) add(s *session) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.byID[s.id] = s
	return true
}

// unlessClosed calls f, unless no more sessions are taken. Close comes after it.
func (c *sessions) unlessClosed(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		f()
	}
	return !c.closed
}

func (c *sessions) remove(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byID, s.id)
}

func (c *sessions) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.byID)
}

// all returns the sessions, the oldest first.
func (c *sessions) all() []*session {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]*session, 0, len(c.byID))
	for _, s := range c.byID {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *session) int { return int(a.id - b.id) })
	return all
}

// close ends all sessions and takes no more.
func (c *sessions) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	for _, s := range c.all() {
		s.end()
	}
}
