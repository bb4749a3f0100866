package routing

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/slotmesh/slotmesh/slotmap"
)

// sources returns the addresses to ask for the slot map: a few masters, then a seed in
// case all that is known is gone, then the others, replicas last. Each group is in
// random order.
func (r *Router) sources() []string {
	seeds := shuffled(slices.Clone(r.opts.Seeds))
	var addrs []string
	if snap := r.snapshot.Load(); snap != nil {
		var masters, all []string
		for _, n := range snap.masters {
			masters = append(masters, n.addr)
		}
		for _, n := range snap.slots.Nodes() {
			all = append(all, n.Addr)
		}
		shuffled(masters)
		few := min(askedAtOnce, len(masters))
		addrs = slices.Concat(masters[:few], seeds[:1], masters[few:], seeds[1:], shuffled(all))
	} else {
		addrs = seeds
	}
	seen := make(map[string]bool, len(addrs))
	return slices.DeleteFunc(addrs, func(addr string) bool {
		again := seen[addr]
		seen[addr] = true
		return again
	})
}

func shuffled(addrs []string) []string {
	rand.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	return addrs
}

// askNode returns the slot map as the node at addr knows it.
func (r *Router) askNode(ctx context.Context, addr string) (*slotmap.Map, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	cmd := redis.NewSliceCmd(ctx, "cluster", "slots")
	if err := r.question(ctx, addr, cmd); err != nil {
		if strings.Contains(err.Error(), "cluster support disabled") {
			return nil, fmt.Errorf("%s: not a cluster node: %w", addr, err)
		}
		return nil, fmt.Errorf("%s: %w", addr, err)
	}
	slots, err := slotmap.Parse(cmd.Val(), addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", addr, err)
	}
	if len(slots.Shards()) == 0 {
		return nil, fmt.Errorf("%s: knows no node that serves a slot", addr)
	}
	return slots, nil
}

// question asks the node at addr itself, on a connection of its own: behind nothing that is
// stuck.
func (r *Router) question(ctx context.Context, addr string, cmd redis.Cmder) error {
	n := r.nodes.at(addr)
	if n == nil {
		return ErrClosed
	}
	op := &Op{Cmd: cmd, Slot: AnySlot, Flags: Repeatable | Exclusive}
	e := r.exchanges.get(r, n)
	e.ops = append(e.ops, op)
	e.start()
	e.finish(ctx, &r.replays)
	r.exchanges.put(e)
	return op.res.err
}

// askErrors is why no node answered with a slot map.
type askErrors []error

func (e askErrors) Error() string {
	var b strings.Builder
	b.WriteString("no node answered with a slot map: ")
	for i, err := range e {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(err.Error())
	}
	return b.String()
}

func (e askErrors) Unwrap() []error { return e }

// refreshed follows each attempt to load the slot map.
func (r *Router) refreshed(slots *slotmap.Map, took time.Duration, err error) {
	if err != nil {
		r.stats.refreshErrors.Add(1)
	} else {
		r.stats.refreshes.Add(1)
	}
	r.nodes.sweep()
	r.trace.refresh(Refresh{Map: slots, Took: took, Err: err})
}
