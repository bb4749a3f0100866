package refnode

import (
	"container/heap"
	"time"
)

// deadlines says which key expires next.
type deadlines struct {
	byKey map[string]*deadline
	byAge deadlineHeap
}

type deadline struct {
	key   string
	at    time.Time
	index int // in byAge
}

func newDeadlines() *deadlines { return &deadlines{byKey: map[string]*deadline{}} }

// set sets when key expires; the zero Time means never.
func (d *deadlines) set(key string, at time.Time) {
	known, ok := d.byKey[key]
	switch {
	case ok && at.IsZero():
		heap.Remove(&d.byAge, known.index)
		delete(d.byKey, key)
	case ok:
		known.at = at
		heap.Fix(&d.byAge, known.index)
	case !at.IsZero():
		known = &deadline{key: key, at: at}
		d.byKey[key] = known
		heap.Push(&d.byAge, known)
	}
}

// due returns a key that is to expire by now.
func (d *deadlines) due(now time.Time) (key string, ok bool) {
	if len(d.byAge) == 0 || d.byAge[0].at.After(now) {
		return "", false
	}
	return d.byAge[0].key, true
}

// deadlineHeap is a heap, the next to come first.
type deadlineHeap []*deadline

func (h deadlineHeap) Len() int           { return len(h) }
func (h deadlineHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h deadlineHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *deadlineHeap) Push(x any) {
	d := x.(*deadline)
	d.index = len(*h)
	*h = append(*h, d)
}

func (h *deadlineHeap) Pop() any {
	last := len(*h) - 1
	d := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return d
}
