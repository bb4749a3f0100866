package slotmap

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slotmesh/slotmesh/hashtag"
)

// Source asks the cluster for its slots. It must return soon after ctx has ended.
// It is never called twice at the same time by one Cache.
type Source func(ctx context.Context) (*Map, error)

// CacheOptions tunes a [Cache]. The zero value is good.
type CacheOptions struct {
	// MinInterval is the least time between the start of a refresh and the start
	// of one in the background after it; up to a quarter is added at random.
	// Defaults to 200 ms, which allows five in the first second of trouble.
	// -1 disables.
	MinInterval time.Duration
	// Period is the time after a refresh at which the next one starts although
	// nobody asked for it; up to a tenth is added at random. Defaults to 60 s.
	// -1 disables.
	Period time.Duration
	// Timeout bounds one refresh. Defaults to 5 s. -1 disables.
	Timeout time.Duration
	// OnRefresh, if not nil, is told about each refresh: the Map that is current
	// after it, how long the Source took, and the error, with which the Map is
	// nil. It runs on the goroutine of the Cache before those who wait for the
	// refresh return; it must not block, nor call Refresh or Close.
	OnRefresh func(*Map, time.Duration, error)
}

func (o CacheOptions) withDefaults() CacheOptions {
	o.MinInterval = orDefault(o.MinInterval, 200*time.Millisecond)
	o.Period = orDefault(o.Period, time.Minute)
	o.Timeout = orDefault(o.Timeout, 5*time.Second)
	return o
}

// orDefault returns what an option means; 0 is off.
func orDefault(d, normal time.Duration) time.Duration {
	if d == 0 {
		return normal
	}
	return max(d, 0)
}

// Cache holds the current Map of a cluster. It is safe for concurrent use.
//
// What it holds never goes backwards. A refresh shows the cluster as it was at
// some time after the refresh began, so it overrides all that was known by then,
// and nothing that a MOVED told since. A MOVED tells how the cluster was when a
// command was answered, so it counts unless the slot's master changed since that
// command was routed.
type Cache struct {
	source  Source
	opts    CacheOptions
	current atomic.Pointer[Map]

	// mu makes changes happen one after the other, subscribers included. It is
	// never held while the Source is asked.
	mu          sync.Mutex
	version     uint64                // of the current Map
	changed     [hashtag.Slots]uint64 // version at which the slot's master last changed
	told        map[uint16]bool       // slots that a MOVED told of in this refresh; nil between refreshes
	patched     map[uint16]time.Time  // slots that a MOVED told of, and when
	subscribers []*subscriber

	refresher
}

type subscriber struct {
	fn func(Delta)
}

// NewCache returns an empty Cache that asks source. It starts a goroutine, which
// [Cache.Close] ends. It does not ask at once: [Cache.Refresh] does.
func NewCache(source Source, opts CacheOptions) *Cache {
	if source == nil {
		panic("slotmap: NewCache needs a Source")
	}
	c := &Cache{source: source, opts: opts.withDefaults()}
	c.start()
	return c
}

// Load returns the current Map, or nil before the first refresh that succeeded.
// It only reads a pointer. After Close it still returns the last Map.
func (c *Cache) Load() *Map { return c.current.Load() }

// Moved takes in the reply "MOVED slot addr" to a command that was routed by
// from, a Map that this Cache gave out, and reports whether the current Map
// changed. If it is true, every subscriber has seen the change.
//
// The reply counts only if the slot's master is the same as in from, all the time
// since: otherwise the reply may be older than what is known now. A refresh that
// runs meanwhile does not undo it, nor does it undo what a MOVED merely confirms.
// While nothing is known there is nothing to correct.
//
// Moved corrects one slot. More may have moved with it, so let [Cache.RefreshSoon]
// follow. Of a from that is nil or that another Cache gave out only the address of
// the slot's master is compared.
func (c *Cache) Moved(slot uint16, addr string, from *Map) bool {
	return c.MovedAll([]Moved{{Slot: slot, Addr: addr}}, from) > 0
}

// Moved is a reply "MOVED Slot Addr".
type Moved struct {
	Slot uint16
	Addr string
}

// MovedAll is [Cache.Moved] for many replies at once, all to commands that were
// routed by from. It returns how many slots changed; subscribers see one change. Of
// several replies about one slot the first counts.
func (c *Cache) MovedAll(replies []Moved, from *Map) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	current := c.current.Load()
	if current == nil || c.closed() {
		return 0
	}
	var d *draft
	changed := 0
	seen := make(map[uint16]bool, len(replies))
	for _, r := range replies {
		if r.Addr == "" || r.Slot >= hashtag.Slots || seen[r.Slot] {
			continue
		}
		seen[r.Slot] = true
		switch {
		case current.Master(r.Slot) == r.Addr:
			c.tell(r.Slot)
		case c.unchanged(r.Slot, from):
			c.tell(r.Slot)
			changed++
			if d == nil {
				d = current.draft()
			}
			d.assign(r.Slot, Node{Addr: r.Addr})
		}
	}
	if d != nil {
		c.publish(d.build())
	}
	return changed
}

// gossip is how long it takes at most until all nodes know what one knows, unless some are
// cut off: twice the node timeout that Redis has by default.
const gossip = 30 * time.Second

// Patched returns the slots that a MOVED told of within the last 30 s: nodes that say
// otherwise may not have heard of it yet.
func (c *Cache) Patched() map[uint16]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	slots := make(map[uint16]bool)
	for slot, at := range c.patched {
		if time.Since(at) < gossip {
			slots[slot] = true
		} else {
			delete(c.patched, slot)
		}
	}
	return slots
}

// tell notes that a refresh which is running now knows less about slot than the
// current Map.
func (c *Cache) tell(slot uint16) {
	if c.told != nil {
		c.told[slot] = true
	}
	if c.patched == nil {
		c.patched = make(map[uint16]time.Time)
	}
	c.patched[slot] = time.Now()
}

func (c *Cache) unchanged(slot uint16, from *Map) bool {
	if from == nil || from.cache != c {
		return from.Master(slot) == c.current.Load().Master(slot)
	}
	return c.changed[slot] <= from.version
}

// Subscribe arranges for fn to be called for every change, in order and one at a
// time. If a Map is known already, fn is called for it before Subscribe returns,
// with a Delta from nil; so is it for the first Map otherwise. The To of each
// Delta is the From of the next.
//
// fn is called before [Cache.Load] shows the new Map, and before Moved or Refresh
// return. Who keeps something in step with the Map, such as connections by
// [Map.Index], builds it from Delta.To in fn, publishes both together, and reads
// only that: it is never behind what anybody else sees. Such a Map may be given to
// Moved at once.
//
// All changes wait for fn, so it must not block, and of the Cache it must call
// nothing but Load and RefreshSoon. cancel ends the calls, waiting for one that is
// running.
func (c *Cache) Subscribe(fn func(Delta)) (cancel func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &subscriber{fn}
	if current := c.current.Load(); current != nil {
		fn(Diff(nil, current))
	}
	c.subscribers = append(c.subscribers, s)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.subscribers = slices.DeleteFunc(c.subscribers, func(other *subscriber) bool { return other == s })
	}
}

// store takes in what a refresh brought and returns the Map that is current then.
// The Map stays the same one if the refresh has no news.
func (c *Cache) store(m *Map, err error) (*Map, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	told := c.told
	c.told = nil
	if err != nil {
		return nil, err
	}
	if c.closed() {
		return nil, ErrClosed
	}
	current := c.current.Load()
	m = m.corrected(told, current)
	if current == nil || !m.same(current) {
		c.publish(m)
	}
	return c.current.Load(), nil
}

// publish makes a copy of m the current Map. The copy, for it is marked, and m may
// belong to others.
func (c *Cache) publish(m *Map) {
	next := *m
	c.version++
	next.cache, next.version = c, c.version
	delta := Diff(c.current.Load(), &next)
	for _, move := range delta.Moves {
		for slot := int(move.First); slot <= int(move.Last); slot++ {
			c.changed[slot] = c.version
		}
	}
	for _, s := range c.subscribers {
		s.fn(delta)
	}
	c.current.Store(&next)
}
