package transport

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// A Gate is a switch that connections share, by a [Link]: while it is shut, nothing
// gets through. It is safe for concurrent use; the zero value and nil are open.
type Gate struct {
	shut atomic.Bool // written under mu

	mu     sync.Mutex
	opened chan struct{} // closed by Open; nil while the gate is open
	behind map[*gated]struct{}
}

// NewGate returns a gate that is open.
func NewGate() *Gate { return new(Gate) }

// Shut shuts the gate. What was sent before, and a Write that is under way, still
// arrive.
func (g *Gate) Shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened == nil {
		g.opened = make(chan struct{})
		g.shut.Store(true)
	}
}

// Open opens the gate: all that it held back goes on.
func (g *Gate) Open() {
	for _, conn := range g.open() {
		conn.gateOpened()
	}
}

// open opens the gate, and returns those who are to be told.
func (g *Gate) open() []*gated {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened == nil {
		return nil
	}
	close(g.opened)
	g.opened = nil
	g.shut.Store(false)
	return slices.Collect(maps.Keys(g.behind))
}

// IsShut says whether the gate is shut.
func (g *Gate) IsShut() bool { return g != nil && g.shut.Load() }

// Wait returns when the gate is open, or with the error of ctx when that is done.
func (g *Gate) Wait(ctx context.Context) error {
	for g.IsShut() {
		select {
		case <-g.opening():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// opening returns a channel that Open closes; it is closed if the gate is open.
func (g *Gate) opening() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened != nil {
		return g.opened
	}
	open := make(chan struct{})
	close(open)
	return open
}

// add has conn told when the gate opens, until remove.
func (g *Gate) add(conn *gated) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.behind == nil {
		g.behind = make(map[*gated]struct{})
	}
	g.behind[conn] = struct{}{}
}

func (g *Gate) remove(conn *gated) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.behind, conn)
}
