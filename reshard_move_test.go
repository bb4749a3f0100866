package slotmesh_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/batch"
	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/slotmap"
)

// A movingSlot is a slot that moves, and what is in it. What is written there only its owner,
// one of the workers, writes.
type movingSlot struct {
	slot   uint16
	values int // keys whose value is their name; without any there is a missing one to read
	owner  *resharder

	n, pair int    // what the counters are at; those of a pair are one transaction
	text    string // what MSET has stored last; "" is nothing
}

func (s *movingSlot) key(name string, i int) string {
	return fmt.Sprintf("{%s}reshard:%s:%d", hashtag.ForSlot(s.slot), name, i)
}

// value returns one of the keys whose value is known, and whether it is there.
func (s *movingSlot) value(r *rand.Rand) (key string, there bool) {
	return s.key("value", r.IntN(max(1, s.values))), s.values > 0
}

func (s *movingSlot) written() (keys []string) {
	for i := range reshardWritten {
		keys = append(keys, s.key("text", i))
	}
	return keys
}

// A shift is a group of slots on its way between two masters, by position.
type shift struct {
	slots    []*movingSlot
	from, to int
}

// A resharding moves slots there and back, and counts what clients notice.
type resharding struct {
	addrs []string
	ids   []string
	nodes []*redis.Client
	slots []*movingSlot

	current atomic.Pointer[shift]
	goal    [hashtag.Slots]atomic.Pointer[string] // where the slot is, or is about to be
	calls   atomic.Int64
	stop    atomic.Bool
}

// newResharding picks n slots, as many at each master as at the others, in order.
func newResharding(t *testing.T, c cluster, n int) *resharding {
	r := &resharding{addrs: c.Masters()}
	for _, addr := range r.addrs {
		node := redis.NewClient(&redis.Options{Addr: addr})
		t.Cleanup(func() { require.NoError(t, node.Close()) })
		id, err := node.Do(t.Context(), "cluster", "myid").Text()
		require.NoError(t, err)
		r.nodes, r.ids = append(r.nodes, node), append(r.ids, id)
	}
	for i := range n {
		s := &movingSlot{slot: uint16(i * hashtag.Slots / n), values: 3}
		switch i % 32 {
		case 0, 8, 16, 24:
			s.values = 0
		case 1:
			s.values = 40
		}
		r.slots = append(r.slots, s)
	}
	return r
}

// fill stores the values that are known.
func (r *resharding) fill(ctx context.Context, client *slotmesh.Client) error {
	var pairs []batch.Pair
	for _, s := range r.slots {
		for i := range s.values {
			pairs = append(pairs, batch.Pair{Key: s.key("value", i), Value: s.key("value", i)})
		}
	}
	_, err := batch.MSet(ctx, client, pairs)
	return err
}

// shifts groups the slots by their master, and takes groups of all masters in turn, so that
// no master is ever without slots.
func (r *resharding) shifts(m *slotmap.Map) (all []shift) {
	groups := make([][][]*movingSlot, len(r.addrs))
	for i, addr := range r.addrs {
		own := slices.DeleteFunc(slices.Clone(r.slots), func(s *movingSlot) bool { return m.Master(s.slot) != addr })
		groups[i] = slices.Collect(slices.Chunk(own, reshardGroup))
	}
	for n := 0; ; n++ {
		before := len(all)
		for i := range groups {
			if n < len(groups[i]) {
				all = append(all, shift{groups[i][n], i, (i + 1 + n%2) % len(r.addrs)})
			}
		}
		if len(all) == before {
			return all
		}
	}
}

// thereAndBack moves all, and then all back.
func (r *resharding) thereAndBack(ctx context.Context, all []shift) error {
	for _, s := range all {
		if err := r.move(ctx, &s); err != nil {
			return err
		}
	}
	for _, s := range all {
		if err := r.move(ctx, &shift{s.slots, s.to, s.from}); err != nil {
			return err
		}
	}
	return nil
}

// move moves the slots of s. After each step clients work for a moment.
func (r *resharding) move(ctx context.Context, s *shift) error {
	r.current.Store(s)
	steps := []func(context.Context, *shift) error{r.open, r.moveHalf, r.moveRest, r.assign, r.awaitEpoch}
	for _, step := range steps {
		if err := step(ctx, s); err != nil {
			return fmt.Errorf("move slot %d and others from %s to %s: %w", s.slots[0].slot, r.addrs[s.from], r.addrs[s.to], err)
		}
		r.letWork(ctx)
	}
	return nil
}

func (r *resharding) open(ctx context.Context, s *shift) error {
	if err := r.setSlots(ctx, s.to, s, "importing", s.from); err != nil {
		return err
	}
	return r.setSlots(ctx, s.from, s, "migrating", s.to)
}

func (r *resharding) moveHalf(ctx context.Context, s *shift) error {
	_, err := r.moveKeys(ctx, s, 2)
	return err
}

// moveRest moves keys until none are left.
func (r *resharding) moveRest(ctx context.Context, s *shift) error {
	for {
		if moved, err := r.moveKeys(ctx, s, 1); moved == 0 || err != nil {
			return err
		}
	}
}

// assign tells the new owner first, then the old one: until then it answers ASK.
func (r *resharding) assign(ctx context.Context, s *shift) error {
	for _, slot := range s.slots {
		r.goal[slot.slot].Store(&r.addrs[s.to])
	}
	third := 3 - s.from - s.to // of the nodes 0, 1 and 2
	for _, node := range []int{s.to, s.from, third} {
		if err := r.setSlots(ctx, node, s, "node", s.to); err != nil {
			return err
		}
	}
	return nil
}

// setSlots tells a node the state of the slots, and the other node that it is about.
func (r *resharding) setSlots(ctx context.Context, node int, s *shift, state string, other int) error {
	_, err := r.nodes[node].Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, slot := range s.slots {
			p.Do(ctx, "cluster", "setslot", slot.slot, state, r.ids[other])
		}
		return nil
	})
	return err
}

// moveKeys moves the keys of each slot, or one of so many, and returns how many that were.
func (r *resharding) moveKeys(ctx context.Context, s *shift, oneOf int) (moved int, err error) {
	lists, err := r.nodes[s.from].Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, slot := range s.slots {
			p.ClusterGetKeysInSlot(ctx, int(slot.slot), 1000)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	host, port, err := net.SplitHostPort(r.addrs[s.to])
	if err != nil {
		return 0, err
	}
	_, err = r.nodes[s.from].Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, list := range lists {
			keys := list.(*redis.StringSliceCmd).Val()
			if len(keys) == 0 {
				continue
			}
			args := []any{"migrate", host, port, "", 0, 5000, "keys"}
			for _, key := range keys[:(len(keys)+oneOf-1)/oneOf] {
				args = append(args, key)
				moved++
			}
			p.Do(ctx, args...)
		}
		return nil
	})
	return moved, err
}

// letWork waits until each worker has made about one more call. It does not wait for long:
// some are stuck until the slots that are under way have arrived.
func (r *resharding) letWork(ctx context.Context) {
	enough := r.calls.Load() + reshardClients*reshardWorkers
	_ = poll(ctx, 30*time.Millisecond, func() (bool, error) { return r.calls.Load() >= enough, nil })
}

// awaitEpoch waits until all nodes know the same configuration epoch of the new owner: one
// that knows an older one could believe a late message of the old owner.
func (r *resharding) awaitEpoch(ctx context.Context, s *shift) error {
	return poll(ctx, 10*time.Second, func() (bool, error) {
		epochs := make(map[string]bool)
		for _, node := range r.nodes {
			nodes, err := node.ClusterNodes(ctx).Result()
			if err != nil {
				return false, err
			}
			for line := range strings.Lines(nodes) {
				if f := strings.Fields(line); len(f) > 6 && f[0] == r.ids[s.to] {
					epochs[f[6]] = true
				}
			}
		}
		return len(epochs) == 1, nil
	})
}

// poll waits until done reports true.
func poll(ctx context.Context, atMost time.Duration, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
