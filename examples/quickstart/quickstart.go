package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/batch"
	"github.com/slotmesh/slotmesh/hashtag"
)

const (
	keyCount   = 1000
	groupCount = 10
	runs       = 5 // of each measurement
)

// tour is one run: a client, and keys under a prefix that nobody else uses.
type tour struct {
	client *slotmesh.Client
	out    io.Writer
	opts   slotmesh.Options
	pairs  []batch.Pair // all over the cluster
	group  []batch.Pair // in one slot
}

func quickstart(ctx context.Context, opts slotmesh.Options, migrate bool, out io.Writer) (err error) {
	t := &tour{out: out, opts: opts}
	if t.client, err = slotmesh.New(ctx, opts); err != nil {
		return err
	}
	defer t.client.Close()

	prefix := "quickstart:" + strings.ToLower(rand.Text()[:8])
	for i := range keyCount {
		t.pairs = append(t.pairs, batch.Pair{Key: fmt.Sprintf("%s:%d", prefix, i), Value: fmt.Sprintf("value %d", i)})
	}
	for i := range groupCount {
		t.group = append(t.group, batch.Pair{Key: fmt.Sprintf("{%s}:%d", prefix, i), Value: fmt.Sprintf("member %d", i)})
	}
	fmt.Fprintf(out, "%d keys %s:0 ... and %d keys {%s}:0 ..., deleted at the end\n", keyCount, prefix, groupCount, prefix)

	defer func() { err = errors.Join(err, t.clean(context.WithoutCancel(ctx))) }()
	t.nodes()
	steps := []func(context.Context) error{t.strategies, t.hashTag}
	if migrate {
		steps = append(steps, t.migration)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	fmt.Fprintln(out, "\nEvery value was right.")
	return nil
}

// nodes shows which node holds how many of the keys.
func (t *tour) nodes() {
	fmt.Fprintf(t.out, "\n  %-24s %6s %6s\n", "node", "slots", "keys")
	held := make(map[string]int)
	for _, g := range batch.NewPlan(t.client.SlotMap(), keysOf(t.pairs)).Groups() {
		for _, p := range g.Parts {
			held[g.Addr] += len(p.Keys)
		}
	}
	for _, shard := range t.client.SlotMap().Shards() {
		fmt.Fprintf(t.out, "  %-24s %6d %6d\n", shard.Master.Addr, shard.Slots(), held[shard.Master.Addr])
	}
}

// strategies sets the keys and reads them back in each way.
func (t *tour) strategies(ctx context.Context) error {
	keys := keysOf(t.pairs)
	plan := batch.NewPlan(t.client.SlotMap(), keys)
	fmt.Fprintf(t.out, "\n  %-18s %5s %9s %6s %10s\n", "", "keys", "requests", "waits", "time")
	err := t.measure("MSET parallel", keyCount, plan.Waits(batch.Parallel), func() error {
		_, err := batch.MSet(ctx, t.client, t.pairs, batch.WithStrategy(batch.Parallel))
		return err
	})
	if err != nil {
		return err
	}
	for _, s := range []batch.Strategy{batch.Serial, batch.Pipelined, batch.Parallel} {
		err := t.measure("MGET "+s.String(), keyCount, plan.Waits(s), t.read(ctx, t.pairs, s))
		if err != nil {
			return err
		}
	}
	return nil
}

// hashTag sets and reads the keys that share a slot.
func (t *tour) hashTag(ctx context.Context) error {
	if _, err := batch.MSet(ctx, t.client, t.group); err != nil {
		return err
	}
	if err := t.measure("MGET one hash tag", groupCount, 1, t.read(ctx, t.group, batch.Parallel)); err != nil {
		return err
	}
	slot := hashtag.Slot(t.group[0].Key)
	fmt.Fprintf(t.out, "\n  requests: commands sent, counted; keys that share a slot share one. waits: round trips,\n"+
		"  one after the other, as planned. time: median of %d. The %d keys with the hash tag are in\n"+
		"  slot %d on %s: one native MGET, atomic.\n",
		runs, groupCount, slot, t.client.SlotMap().Master(slot))
	return nil
}

// read returns a function that reads pairs and compares every value.
func (t *tour) read(ctx context.Context, pairs []batch.Pair, s batch.Strategy) func() error {
	return func() error {
		values, err := batch.MGet(ctx, t.client, keysOf(pairs), batch.WithStrategy(s))
		if err != nil {
			return err
		}
		return verify(values, pairs)
	}
}

// measure runs f a few times and prints what one run took.
func (t *tour) measure(what string, keys, waits int, f func() error) error {
	var times [runs]time.Duration
	before := t.client.Stats().Commands
	for i := range times {
		start := time.Now()
		if err := f(); err != nil {
			return err
		}
		times[i] = time.Since(start)
	}
	requests := (t.client.Stats().Commands - before) / runs
	slices.Sort(times[:])
	fmt.Fprintf(t.out, "  %-18s %5d %9d %6d %7.2f ms\n", what, keys, requests, waits, float64(times[runs/2].Microseconds())/1000)
	return nil
}

// clean deletes every key that the tour may have set.
func (t *tour) clean(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	gone, err := batch.Del(ctx, t.client, append(keysOf(t.pairs), keysOf(t.group)...))
	if err != nil {
		return fmt.Errorf("keys are left: deleting them: %w", err)
	}
	fmt.Fprintf(t.out, "Deleted %d keys.\n", gone.Count())
	return nil
}

// verify compares what was read with what was set.
func verify(values *batch.Values, want []batch.Pair) error {
	for i, p := range want {
		switch got, ok := values.At(i); {
		case !ok:
			return fmt.Errorf("wrong value: key %s is missing, want %q", p.Key, p.Value)
		case got != p.Value:
			return wrongValue(p, got)
		}
	}
	return nil
}

func wrongValue(p batch.Pair, got string) error {
	return fmt.Errorf("wrong value: key %s holds %q, want %q", p.Key, got, p.Value)
}

func keysOf(pairs []batch.Pair) []string {
	keys := make([]string, len(pairs))
	for i, p := range pairs {
		keys[i] = p.Key
	}
	return keys
}
