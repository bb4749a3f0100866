package slotmap_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/slotmap"
)

// TestCacheNeverGoesBackwards lets a small cluster move slots while commands meet
// MOVED and refreshes run, each message as late as it likes, and compares the
// Cache with a model that knows how old every piece of knowledge is.
func TestCacheNeverGoesBackwards(t *testing.T) {
	for name, addr := range map[string]func(slot uint16, epoch int) string{
		// Every epoch of a slot has an address of its own, so that an old truth
		// can be told from a new one that looks the same.
		"owners never return": func(slot uint16, epoch int) string { return fmt.Sprintf("n%d-%d:1", slot, epoch) },
		"owners return":       func(slot uint16, epoch int) string { return fmt.Sprintf("n%d:1", (int(slot)+epoch)%3) },
	} {
		t.Run(name, func(t *testing.T) {
			for range 3 {
				seed := rand.Uint64()
				synctest.Test(t, func(t *testing.T) {
					t.Logf("seed %d", seed)
					newWorld(t, seed, addr).run(1000)
				})
			}
		})
	}
}

const slotsInPlay = 6

// world is the cluster, the messages under way, the Cache, and the model of what
// the Cache must hold.
type world struct {
	*testing.T
	rnd  *rand.Rand
	addr func(slot uint16, epoch int) string
	now  int // counts steps

	truth   [slotsInPlay]int // epoch of each slot
	flights []flight
	cache   *slotmap.Cache
	gate    *gate

	asking *[slotsInPlay]int // what the running refresh saw
	seen   bool              // asking is set
	known  [slotsInPlay]knowledge
	maps   []dated
	last   *slotmap.Map
}

// knowledge is what the Cache must know of a slot.
type knowledge struct {
	addr    string
	epoch   int  // of the truth that it learned
	changed int  // step at which addr last changed
	told    bool // by a MOVED since the running refresh began
}

// dated is a Map that commands may be routed by, and since when the Cache held it.
type dated struct {
	m  *slotmap.Map
	at int
}

// flight is a MOVED that has not reached the Cache yet.
type flight struct {
	slot  uint16
	epoch int
	from  dated
}

func newWorld(t *testing.T, seed uint64, addr func(uint16, int) string) *world {
	w := &world{T: t, rnd: rand.New(rand.NewPCG(seed, 0)), addr: addr, gate: newGate()}
	w.cache = slotmap.NewCache(w.gate.source, slotmap.CacheOptions{Period: -1, Timeout: -1})
	t.Cleanup(w.cache.Close)
	w.begin()
	w.finish()
	return w
}

func (w *world) run(steps int) {
	for w.now = 1; w.now <= steps; w.now++ {
		before := w.known
		switch w.rnd.IntN(8) {
		case 0:
			w.truth[w.rnd.IntN(slotsInPlay)]++
		case 1, 2:
			w.send()
		case 3, 4:
			w.deliver()
		case 5:
			w.remember()
		case 6:
			if w.asking == nil {
				w.begin()
			} else {
				w.see()
			}
		case 7:
			if w.asking != nil {
				w.finish()
			}
		}
		w.check(before)
	}
}

// send routes a command by some map and lets the cluster answer it.
func (w *world) send() {
	slot := uint16(w.rnd.IntN(slotsInPlay))
	from := w.maps[w.rnd.IntN(len(w.maps))]
	if from.m.Master(slot) != w.addr(slot, w.truth[slot]) {
		w.flights = append(w.flights, flight{slot, w.truth[slot], from})
	}
}

// deliver brings one of the answers under way to the Cache.
func (w *world) deliver() {
	if len(w.flights) == 0 {
		return
	}
	i := w.rnd.IntN(len(w.flights))
	f := w.flights[i]
	w.flights = append(w.flights[:i], w.flights[i+1:]...)

	k, addr := &w.known[f.slot], w.addr(f.slot, f.epoch)
	confirmed := k.addr == addr
	applies := !confirmed && k.changed <= f.from.at
	if confirmed || applies {
		k.told = w.asking != nil
	}
	if applies {
		k.addr, k.epoch, k.changed = addr, f.epoch, w.now
	}
	require.Equal(w, applies, w.cache.Moved(f.slot, addr, f.from.m))
}

// remember keeps the current map for commands to come; few are kept for long.
func (w *world) remember() {
	w.maps = append(w.maps, dated{w.cache.Load(), w.now})
	if len(w.maps) > 5 {
		i := w.rnd.IntN(len(w.maps))
		w.maps = append(w.maps[:i], w.maps[i+1:]...)
	}
}

func (w *world) begin() {
	begin(w.cache)
	w.asking, w.seen = new([slotsInPlay]int), false
	for slot := range w.known {
		w.known[slot].told = false
	}
}

// see is the moment at which the cluster is looked at in a refresh.
func (w *world) see() {
	if !w.seen {
		*w.asking, w.seen = w.truth, true
	}
}

func (w *world) finish() {
	w.see()
	var reply []any
	for slot, epoch := range w.asking {
		addr := w.addr(uint16(slot), epoch)
		reply = append(reply, entry(int64(slot), int64(slot), node(addr[:len(addr)-2], 1, "")))
		k := &w.known[slot]
		if k.told {
			continue
		}
		k.epoch = epoch
		if k.addr != addr {
			k.addr, k.changed = addr, w.now
		}
	}
	w.gate.answer(mustParse(w, reply...), nil)
	w.asking = nil
	w.remember()
}

func (w *world) check(before [slotsInPlay]knowledge) {
	if m := w.cache.Load(); m != w.last {
		requireSound(w, m)
		w.last = m
	}
	for slot, k := range w.known {
		require.Equal(w, k.addr, w.cache.Load().Master(uint16(slot)), "slot %d at step %d", slot, w.now)
		if w.addr(0, 0) != w.addr(0, 3) { // else an answer may be older than it looks
			require.GreaterOrEqual(w, k.epoch, before[slot].epoch, "slot %d at step %d", slot, w.now)
		}
	}
}
