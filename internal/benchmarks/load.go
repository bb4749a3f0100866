package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"time"
)

// clientTarget puts load on a client.
type clientTarget struct {
	kv
	deck deck
}

// deadline is that of a caller's context: none of a client's waits is to reach it.
const deadline = time.Minute

// load prepares calls for random keys, of which the callers pick random ones: one for
// each key, or some thousand keys of calls for many.
func (t *clientTarget) load(_ context.Context, c cell) ([]caller, error) {
	names := t.deck.shuffled(c.Size)
	calls, call := len(names), t.oneKey(c, names)
	if c.many() {
		calls = min(max(16, 100_000/c.Keys), 2_500)
		call = t.manyKeys(c, names, calls)
	}
	callers := make([]caller, c.Callers)
	for i := range callers {
		callers[i] = repeat(c, calls, call)
	}
	return callers, nil
}

// repeat returns the caller that makes random ones of the calls.
func repeat(c cell, calls int, call func(ctx context.Context, i int) error) caller {
	every := choose(c.many(), 1, 8)
	rng := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	return func(count *counter) error {
		ctx, cancel := context.WithTimeout(context.Background(), deadline)
		defer cancel()
		for n := 0; count.running(); n++ {
			i := rng.IntN(calls)
			var err error
			if n%every == 0 {
				start := time.Now()
				err = call(ctx, i)
				count.took(time.Since(start))
			} else {
				err = call(ctx, i)
			}
			if err != nil {
				return err
			}
			count.done(c.Keys)
		}
		return nil
	}
}

func (t *clientTarget) oneKey(c cell, names []string) func(context.Context, int) error {
	if !c.reads() {
		value := valueOf(c.Size)
		return func(ctx context.Context, i int) error { return t.set(ctx, names[i], value) }
	}
	return func(ctx context.Context, i int) error {
		value, err := t.get(ctx, names[i])
		if err == nil && len(value) != c.Size {
			err = wrongSize(len(value), c.Size)
		}
		return err
	}
}

func wrongSize(got, want int) error { return fmt.Errorf("values of %d bytes, not of %d", got, want) }

// manyKeys prepares calls for random keys.
func (t *clientTarget) manyKeys(c cell, names []string, calls int) func(context.Context, int) error {
	if !c.reads() {
		prepared := make([]writeCall, calls)
		values := slices.Repeat([]string{valueOf(c.Size)}, c.Keys)
		for i := range prepared {
			prepared[i] = t.writes(draw(names, c.Keys), values)
		}
		return func(ctx context.Context, i int) error { return prepared[i](ctx) }
	}
	prepared := make([]readCall, calls)
	for i := range prepared {
		prepared[i] = t.reads(draw(names, c.Keys))
	}
	return func(ctx context.Context, i int) error {
		bytes := 0
		err := prepared[i](ctx, func(_, value string) { bytes += len(value) })
		if err == nil && bytes != c.Keys*c.Size {
			err = wrongSize(bytes, c.Keys*c.Size)
		}
		return err
	}
}

// verify writes values that tell their keys apart, in both ways, and reads them in both.
func verify(ctx context.Context, client kv) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	const n = 200
	keys, values := make([]string, n), make([]string, n)
	for round := range 2 {
		for i := range keys {
			keys[i] = fmt.Sprintf("bench:verify:%d:%d", os.Getpid(), i)
			values[i] = fmt.Sprintf("%d of %d", i, round)
		}
		if err := writeAll(ctx, client, keys, values, round == 1); err != nil {
			return err
		}
		if err := checkEach(ctx, client, keys, values); err != nil {
			return err
		}
		if err := checkMany(ctx, client, keys, values); err != nil {
			return err
		}
	}
	return nil
}

func writeAll(ctx context.Context, client kv, keys, values []string, many bool) error {
	if many {
		return client.writes(keys, values)(ctx)
	}
	for i, key := range keys {
		if err := client.set(ctx, key, values[i]); err != nil {
			return err
		}
	}
	return nil
}

func checkEach(ctx context.Context, client kv, keys, values []string) error {
	for i, key := range keys {
		value, err := client.get(ctx, key)
		if err != nil {
			return err
		}
		if value != values[i] {
			return fmt.Errorf("get %s: %q, not %q", key, value, values[i])
		}
	}
	return nil
}

func checkMany(ctx context.Context, client kv, keys, values []string) error {
	want := make(map[string]string, len(keys))
	for i, key := range keys {
		want[key] = values[i]
	}
	var wrong error
	err := client.reads(keys)(ctx, func(key, value string) {
		if expected, ok := want[key]; !ok || value != expected {
			wrong = fmt.Errorf("mget %s: %q, not %q", key, value, expected)
		}
		delete(want, key)
	})
	switch {
	case err != nil:
		return err
	case wrong != nil:
		return wrong
	case len(want) > 0:
		return fmt.Errorf("mget: %d values are missing", len(want))
	}
	return nil
}
