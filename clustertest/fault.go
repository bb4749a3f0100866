package clustertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slotmesh/slotmesh/internal/refnode"
)

// A Selector says which requests a Fault or a Hold concerns: those that match all of its
// fields. The zero Selector matches every request to every node.
type Selector struct {
	Addr    string // of the node
	Command string // its name in any case, such as "get" or "cluster slots"
	Key     string // its first argument
	Client  string // the name that the client gave itself
}

// A FaultKind says what becomes of a request.
type FaultKind int

const (
	Pass       FaultKind = iota // nothing: it is executed and answered
	Answer                      // not executed; Fault.Reply is the answer
	Drop                        // not executed, and nothing more is answered on its connection
	DropReply                   // executed, and nothing more is answered on its connection
	Reset                       // not executed, and its connection is reset
	ResetReply                  // executed, and its connection is reset before the reply
	Garbage                     // executed, and answered with what is no RESP
)

// A Fault is what is to be done with the next requests that match.
type Fault struct {
	Match Selector
	Count int // how many requests; 0 means one, a negative number all
	Kind  FaultKind
	Delay time.Duration // before anything else

	// Reply is what Answer answers, in RESP: "-LOADING Redis is loading\r\n". Defaults to
	// "+OK\r\n".
	Reply string
}

// garbage is no reply of any kind.
const garbage = "\x00\xffgarbage\r\n"

// Fault makes requests fail. Of several faults that match, the oldest is taken. A fault
// ends when it was taken as often as its Count says, or is removed.
func (c *Cluster) Fault(f Fault) *Faulting {
	if f.Count == 0 {
		f.Count = 1
	}
	return c.addFault(f, nil)
}

func (c *Cluster) addFault(f Fault, until chan struct{}) *Faulting {
	h := &Faulting{fault: f, until: until, cluster: c, changed: make(chan struct{})}
	for _, m := range c.members {
		if f.Match.Addr == "" || f.Match.Addr == m.addr {
			m.faults.add(h)
		}
	}
	return h
}

// A Faulting is a Fault in effect. Its methods are safe for concurrent use.
type Faulting struct {
	fault   Fault
	until   chan struct{} // for Hold
	cluster *Cluster

	mu      sync.Mutex
	hits    int
	removed bool
	changed chan struct{} // closed at the next hit
}

// Hits returns how many requests it was applied to.
func (h *Faulting) Hits() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.hits
}

// Wait waits until it was applied to n requests.
func (h *Faulting) Wait(ctx context.Context, n int) error {
	for {
		h.mu.Lock()
		hits, changed := h.hits, h.changed
		h.mu.Unlock()
		if hits >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("clustertest: wait for %d requests, there were %d: %w", n, hits, ctx.Err())
		}
	}
}

// Remove ends it. What it is being applied to goes on.
func (h *Faulting) Remove() {
	h.mu.Lock()
	h.removed = true
	h.mu.Unlock()
	for _, m := range h.cluster.members {
		m.faults.remove(h)
	}
}

// take applies it to one more request, and reports false if it is over.
func (h *Faulting) take() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.removed || h.fault.Count >= 0 && h.hits >= h.fault.Count {
		return false
	}
	h.hits++
	close(h.changed)
	h.changed = make(chan struct{})
	return true
}

// action is what the node is to do.
func (h *Faulting) action() refnode.Action {
	a := refnode.Action{Delay: h.fault.Delay, Until: h.until}
	switch h.fault.Kind {
	case Answer:
		a.Skip, a.Reply = true, []byte(h.fault.Reply)
		if h.fault.Reply == "" {
			a.Reply = []byte("+OK\r\n")
		}
	case Drop, DropReply:
		a.Silent, a.Skip = true, h.fault.Kind == Drop
	case Reset, ResetReply:
		a.Reset, a.Skip = true, h.fault.Kind == Reset
	case Garbage:
		a.Reply = []byte(garbage)
	}
	return a
}

// Hold holds every request that matches until it is released: it is not executed before.
// Other requests go on, but for those behind it on the same connection.
func (c *Cluster) Hold(s Selector) *Held {
	until := make(chan struct{})
	return &Held{Faulting: c.addFault(Fault{Match: s, Count: -1}, until), until: until}
}

// A Held is a Hold in effect. Hits and Wait tell of the requests that it holds.
type Held struct {
	*Faulting
	until chan struct{}
	once  sync.Once
}

// Release lets the requests go that are held, and holds no more.
func (h *Held) Release() {
	h.Remove()
	h.once.Do(func() { close(h.until) })
}

// faults are those of one node.
type faults struct {
	mu  sync.RWMutex
	all []*Faulting
}

func (f *faults) add(h *Faulting) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, h)
}

func (f *faults) remove(h *Faulting) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = slices.DeleteFunc(f.all, func(x *Faulting) bool { return x == h })
}

// next returns what is to be done with a request.
func (f *faults) next(r refnode.Request) (a refnode.Action) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, h := range f.all {
		if h.fault.Match.matches(r) && h.take() {
			return h.action()
		}
	}
	return refnode.Action{}
}

func (s Selector) matches(r refnode.Request) bool {
	words := strings.Fields(s.Command)
	if len(words) > len(r.Args) {
		return false
	}
	for i, word := range words {
		if !strings.EqualFold(word, string(r.Args[i])) {
			return false
		}
	}
	first := max(len(words), 1)
	return (s.Key == "" || len(r.Args) > first && string(r.Args[first]) == s.Key) &&
		(s.Client == "" || s.Client == r.Client)
}

// intercept is what a node asks about each request.
func (m *member) intercept(r refnode.Request) refnode.Action {
	m.seen.add(r.Client, r.Args)
	return m.faults.next(r)
}
