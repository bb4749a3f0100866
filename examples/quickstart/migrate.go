package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/batch"
	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/routing"
)

// redirects keeps the redirections that the client followed.
type redirects struct {
	mu   sync.Mutex
	list []routing.Redirect
}

func (r *redirects) add(x routing.Redirect) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, x)
}

func (r *redirects) take() []routing.Redirect {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.list
	r.list = nil
	return list
}

// migration moves the slot of the hash-tagged keys to another node and back while all
// keys are read, and shows the redirections that a client follows meanwhile.
func (t *tour) migration(ctx context.Context) error {
	slot := hashtag.Slot(t.group[0].Key)
	home := t.client.SlotMap().Master(slot)
	away := ""
	for _, shard := range t.client.SlotMap().Shards() {
		if shard.Master.Addr != home {
			away = shard.Master.Addr
		}
	}
	if away == "" {
		return errors.New("a slot can be moved only if there are two masters")
	}
	fmt.Fprintf(t.out, "\n  Slot %d moves from %s to %s and back.\n  Its %d keys are read at each step:\n\n", slot, home, away, groupCount)

	load := t.startLoad(ctx)
	for _, leg := range []struct{ name, from, to string }{{"there", home, away}, {"back", away, home}} {
		// Once begun, a move is finished and taken back: no signal leaves a slot half-way.
		if err := t.move(context.WithoutCancel(ctx), load, slot, leg.name, leg.from, leg.to); err != nil {
			_, loadErr := load.end()
			return errors.Join(fmt.Errorf("moving slot %d from %s to %s: %w; it may be open, which redis-cli --cluster fix %s repairs",
				slot, leg.from, leg.to, err, leg.from), loadErr)
		}
	}
	rounds, err := load.end()
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "\n  Meanwhile all %d keys were read %d times: no error, no wrong value.\n", keyCount+groupCount, rounds)
	return nil
}

// move moves slot and its keys, reading the group half-way and after, and letting the
// load read all keys each time.
func (t *tour) move(ctx context.Context, load *load, slot uint16, leg, from, to string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	w, err := t.newWitness(ctx, from)
	if err != nil {
		return err
	}
	defer w.client.Close()
	m := newMover(slot, from, to, t.client.SlotMap(), t.opts)
	defer m.close()
	if err := m.begin(ctx); err != nil {
		return err
	}
	if err := m.keys(ctx, keysOf(t.group[:groupCount/2])); err != nil {
		return err
	}
	if err := w.read(ctx, leg, "half its keys moved"); err != nil {
		return err
	}
	load.whole()
	if err := m.rest(ctx); err != nil {
		return err
	}
	if err := m.finish(ctx); err != nil {
		return err
	}
	if err := w.read(ctx, "", "slot moved"); err != nil {
		return err
	}
	load.whole()
	return nil
}

// witness reads the keys of the group while their slot moves, with a client of its own,
// whose redirections are those of these reads.
type witness struct {
	tour   *tour
	client *slotmesh.Client
	seen   redirects
}

// newWitness returns a witness that knows what the node at addr does, and learns more
// only from redirections. The refresh that follows its first MOVED may come at any time,
// so after that the next one is for a new witness.
func (t *tour) newWitness(ctx context.Context, addr string) (*witness, error) {
	w := &witness{tour: t}
	opts := t.opts
	opts.Addrs, opts.RefreshInterval = []string{addr}, -1
	opts.Trace = &routing.Trace{Redirect: w.seen.add}
	var err error
	w.client, err = slotmesh.New(ctx, opts)
	return w, err
}

// read reads each key of the group and prints the redirections.
func (w *witness) read(ctx context.Context, leg, step string) error {
	for _, p := range w.tour.group {
		got, err := w.client.Get(ctx, p.Key).Result()
		if err != nil {
			return fmt.Errorf("reading %s: %w", p.Key, err)
		}
		if got != p.Value {
			return wrongValue(p, got)
		}
	}
	type hop struct{ kind, from, to string }
	times := make(map[hop]int)
	var hops []hop
	for _, r := range w.seen.take() {
		h := hop{"MOVED", r.From, r.To}
		if r.Ask {
			h.kind = "ASK"
		}
		if times[h]++; times[h] == 1 {
			hops = append(hops, h)
		}
	}
	for i, h := range hops {
		if i > 0 {
			leg, step = "", ""
		}
		fmt.Fprintf(w.tour.out, "  %-6s %-20s %2d x %-5s  %s -> %s\n", leg, step, times[h], h.kind, h.from, h.to)
	}
	return nil
}

// load reads all keys until it is told to end.
type load struct {
	cancel context.CancelFunc
	round  chan struct{} // a value at the end of each round that somebody waits for
	done   chan struct{}
	rounds int   // once done
	err    error // once done
}

func (t *tour) startLoad(ctx context.Context) *load {
	ctx, cancel := context.WithCancel(ctx)
	l := &load{cancel: cancel, round: make(chan struct{}), done: make(chan struct{})}
	all := append(append([]batch.Pair{}, t.pairs...), t.group...)
	go func() {
		defer close(l.done)
		for ctx.Err() == nil {
			values, err := batch.MGet(context.WithoutCancel(ctx), t.client, keysOf(all))
			if err == nil {
				err = verify(values, all)
			}
			if err != nil {
				l.err = err
				return
			}
			l.rounds++
			select {
			case l.round <- struct{}{}:
			default:
			}
		}
	}()
	return l
}

// whole waits until the load has read all keys in a round that began after the call, or
// has failed.
func (l *load) whole() {
	for range 2 { // the first to end may have begun before
		select {
		case <-l.round:
		case <-l.done:
		}
	}
}

// end stops the load and returns how many times it read all keys.
func (l *load) end() (rounds int, err error) {
	l.cancel()
	<-l.done
	return l.rounds, l.err
}
