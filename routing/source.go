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

// askedAtOnce is how many nodes are asked for the slot map at the same time.
const askedAtOnce = 3

// askTimeout is how long one node has to answer with the slot map.
const askTimeout = 2 * time.Second

// ask returns the slot map as some node knows it: it asks the known nodes first and
// then the seeds, a few at a time, and takes the first good answer. That the nodes
// may disagree is not looked at.
func (r *Router) ask(ctx context.Context) (*slotmap.Map, error) {
	var errs askErrors
	for addrs := r.sources(); len(addrs) > 0; {
		n := min(askedAtOnce, len(addrs))
		slots, failed := r.askSome(ctx, addrs[:n])
		if slots != nil {
			return slots, nil
		}
		errs = append(errs, failed...)
		addrs = addrs[n:]
	}
	return nil, errs
}

// sources returns the addresses to ask for the slot map: the nodes of the current one,
// in random order, then the seeds.
func (r *Router) sources() []string {
	var addrs []string
	if snap := r.snapshot.Load(); snap != nil {
		for _, n := range snap.slots.Nodes() {
			addrs = append(addrs, n.Addr)
		}
	}
	rand.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	addrs = append(addrs, r.opts.Seeds...)
	seen := make(map[string]bool, len(addrs))
	return slices.DeleteFunc(addrs, func(addr string) bool {
		again := seen[addr]
		seen[addr] = true
		return again
	})
}

// askSome asks all addrs at once and returns the first good answer, or each error in
// the order of addrs.
func (r *Router) askSome(ctx context.Context, addrs []string) (*slotmap.Map, []error) {
	type answer struct {
		from  int
		slots *slotmap.Map
		err   error
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	answers := make(chan answer, len(addrs))
	errs := make([]error, len(addrs))
	for i, addr := range addrs {
		r.spawn(func() {
			slots, err := r.askNode(ctx, addr)
			answers <- answer{i, slots, err}
		})
	}
	for range addrs {
		select {
		case a := <-answers:
			if a.err == nil {
				return a.slots, nil
			}
			errs[a.from] = a.err
		case <-ctx.Done():
			for i, addr := range addrs {
				if errs[i] == nil {
					errs[i] = fmt.Errorf("%s: no answer: %w", addr, ctx.Err())
				}
			}
			return nil, errs
		}
	}
	return nil, errs
}

// askNode returns the slot map as the node at addr knows it.
func (r *Router) askNode(ctx context.Context, addr string) (*slotmap.Map, error) {
	n := r.nodes.at(addr)
	if n == nil {
		return nil, ErrClosed
	}
	defer n.release()
	cmd := redis.NewSliceCmd(ctx, "cluster", "slots")
	op := &Op{Cmd: cmd, Slot: AnySlot}
	n.exchange(ctx, []*Op{op})
	reply, err := cmd.Val(), op.res.err
	if err != nil {
		if strings.Contains(err.Error(), "cluster support disabled") {
			return nil, fmt.Errorf("%s: not a cluster node: %w", addr, err)
		}
		return nil, fmt.Errorf("%s: %w", addr, err)
	}
	slots, err := slotmap.Parse(reply, addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", addr, err)
	}
	if len(slots.Shards()) == 0 {
		return nil, fmt.Errorf("%s: knows no node that serves a slot", addr)
	}
	return slots, nil
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
