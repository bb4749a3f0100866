package slotmesh_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/internal/realcluster"
	"github.com/slotmesh/slotmesh/routing"
)

const (
	reshardClients = 2
	reshardWorkers = 8  // per client, all on one connection per node
	reshardWritten = 5  // keys per slot that are written together
	reshardGroup   = 16 // slots that move at the same time

	// maxHops is how many MOVED a client may follow on average for a move that it meets: the
	// first, which corrects its map, and those to commands that are under way by then. Few
	// of its 8 workers have one for the same slot: 1.2 to 1.7 were measured, 6 with a map
	// that learns 20 ms late. That nothing but what was under way meets one is checked move
	// by move.
	maxHops = 2.5
)

// Slots move there and back under load, with SLOTMESH_SOAK=1 every one there is: no call
// fails, nothing is lost, nothing is doubled, and a client pays about one hop for each move.
func TestReshard(t *testing.T) {
	slots := 384 // no fewer: a worker writes 20 of its own at once
	if soaks() {
		slots = hashtag.Slots
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	c := cluster{realcluster.Start(t, realcluster.Config{})}
	r := newResharding(t, c, slots)
	clients := r.connect(t, c)
	require.NoError(t, r.fill(ctx, clients[0].workers[0].client))
	all := r.shifts(clients[0].workers[0].client.SlotMap())

	began := time.Now()
	require.NoError(t, r.under(ctx, clients, func(ctx context.Context) error { return r.thereAndBack(ctx, all) }))
	t.Logf("%d slots there and back in %v", slots, time.Since(began).Round(time.Millisecond))
	for _, h := range clients {
		require.NoError(t, h.workers[0].settled(ctx))
	}
	r.report(t, clients)
}

// connect connects the clients with their workers, and gives each slot an owner.
func (r *resharding) connect(t *testing.T, c cluster) (clients []*hops) {
	seed := rand.Uint64()
	t.Logf("the seed is %d", seed)
	var workers []*resharder
	for range reshardClients {
		h := &hops{r: r, to: make(map[hop]int), known: make(map[hop][]int64)}
		client := c.connect(t, func(o *slotmesh.Options) {
			o.Trace = &routing.Trace{Redirect: h.redirect, MapChanged: h.mapChanged}
		})
		for range reshardWorkers {
			random := rand.New(rand.NewPCG(seed, uint64(len(workers))))
			w := &resharder{resharding: r, client: client, random: random, made: make(map[string]int)}
			h.workers, workers = append(h.workers, w), append(workers, w)
		}
		clients = append(clients, h)
	}
	for i, s := range r.slots {
		s.owner = workers[i%len(workers)]
		s.owner.own = append(s.owner.own, s)
	}
	return clients
}

// under runs f while the workers work. The first error ends all.
func (r *resharding) under(ctx context.Context, clients []*hops, f func(context.Context) error) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var working sync.WaitGroup
	for _, h := range clients {
		for _, w := range h.workers {
			working.Go(func() {
				if err := w.work(ctx); err != nil {
					fail(err)
				}
			})
		}
	}
	if err := f(ctx); err != nil {
		fail(err)
	}
	r.stop.Store(true)
	working.Wait()
	return context.Cause(ctx)
}

// report prints what was counted, and checks it.
func (r *resharding) report(t *testing.T, clients []*hops) {
	made := make(map[string]int)
	for i, h := range clients {
		for _, w := range h.workers {
			for kind, n := range w.made {
				made[kind] += n
			}
		}
		moves := 2 * len(r.slots)
		mean, byNumber := h.perMove()
		stats := h.workers[0].client.Stats()
		t.Logf("client %d: %.2f MOVED per move, %.2f for each of the %d of %d that it met, moves by number: %v; %d late, %d astray, %d undone; %+v",
			i+1, float64(stats.Moved)/float64(moves), mean, len(h.to), moves, byNumber, h.late, h.astray, h.undone, stats)
		require.Greater(t, len(h.to), moves/2, "refreshes do not hide the moves")
		require.Positive(t, stats.Asked)
		require.Less(t, mean, maxHops)
		require.Zero(t, h.late, "a MOVED corrects the map at once")
		require.Zero(t, h.astray)
		require.Zero(t, h.undone, "the map does not go backwards")
	}
	t.Logf("%d calls: %v", r.calls.Load(), made)
	require.Len(t, made, len(reshardKinds))
}
