package routing

import (
	"time"

	"github.com/slotmesh/slotmesh/slotmap"
)

// Trace is a set of hooks that a Router calls as things happen. Any may be nil.
// They are called on the goroutine that does the work, possibly by many at once, so
// they must be quick, safe for concurrent use, and must not call the client.
type Trace struct {
	// Redirect is called for each MOVED and ASK that is followed.
	Redirect func(Redirect)
	// Retry is called when a command is about to be sent again after a pause.
	Retry func(Retry)
	// Refresh is called after each attempt to load the slot map.
	Refresh func(Refresh)
	// MapChanged is called when the slot map has changed, one change at a time; the first,
	// in New, has no From.
	MapChanged func(slotmap.Delta)
}

// Redirect is one MOVED or ASK.
type Redirect struct {
	Op   string // lower-case name of the command
	Slot uint16 // slot that the node named
	Ask  bool   // ASK, not MOVED
	From string // address of the node that answered
	To   string // address that it named
	Hop  int    // 1 for the first; one to a node that could not be reached does not count
}

// Retry is one repetition of a command.
type Retry struct {
	Op    string        // lower-case name of the command
	Slot  int           // slot of its keys, or AnySlot
	Addr  string        // node that was asked; "" if there was none
	Fault Fault         // what went wrong
	Err   error         // the error behind it
	Pause time.Duration // until the command is sent again
	Retry int           // 1 for the first repetition
}

// Refresh is one attempt to load the slot map.
type Refresh struct {
	Map  *slotmap.Map  // the map in use after it; nil on failure
	Took time.Duration // how long asking took
	Err  error
}

func (t *Trace) redirect(r Redirect) {
	if t != nil && t.Redirect != nil {
		t.Redirect(r)
	}
}

func (t *Trace) retry(r Retry) {
	if t != nil && t.Retry != nil {
		t.Retry(r)
	}
}

func (t *Trace) refresh(r Refresh) {
	if t != nil && t.Refresh != nil {
		t.Refresh(r)
	}
}

func (t *Trace) mapChanged(d slotmap.Delta) {
	if t != nil && t.MapChanged != nil {
		t.MapChanged(d)
	}
}
