package slotmesh_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/batch"
)

// A resharder is one caller under load. Its calls must all succeed.
type resharder struct {
	*resharding
	client *slotmesh.Client
	random *rand.Rand
	own    []*movingSlot
	calls  atomic.Int64   // made
	made   map[string]int // by kind
	texts  int            // that it has stored
}

var reshardKinds = []struct {
	name string
	call func(*resharder, context.Context) error
}{
	{"GET", (*resharder).get},
	{"INCR", (*resharder).incr},
	{"100-key MGET", (*resharder).mget},
	{"100-key MSET", (*resharder).mset},
	{"pipeline", (*resharder).pipeline},
	{"transaction", (*resharder).transaction},
	{"native MSET", (*resharder).native},
	{"native MGET", (*resharder).pair},
}

// work makes calls until it is to stop, or one fails.
func (w *resharder) work(ctx context.Context) error {
	for !w.stop.Load() {
		kind := reshardKinds[w.random.IntN(len(reshardKinds))]
		call, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := kind.call(w, call)
		cancel()
		if err != nil {
			return fmt.Errorf("%s: %w", kind.name, err)
		}
		w.made[kind.name]++
		w.calls.Add(1)
		w.resharding.calls.Add(1)
	}
	return nil
}

// any returns a slot, one time in thirty one that is under way.
func (w *resharder) any() *movingSlot {
	if s := w.current.Load(); s != nil && w.random.IntN(30) == 0 {
		return s.slots[w.random.IntN(len(s.slots))]
	}
	return w.slots[w.random.IntN(len(w.slots))]
}

// mine returns n of the worker's own slots, one time in eight one that is under way among
// them.
func (w *resharder) mine(n int) (slots []*movingSlot) {
	if s := w.current.Load(); s != nil && w.random.IntN(8) == 0 {
		for _, slot := range s.slots {
			if slot.owner == w && len(slots) == 0 {
				slots = append(slots, slot)
			}
		}
	}
	for len(slots) < n {
		slot := w.own[w.random.IntN(len(w.own))]
		if !slices.Contains(slots, slot) {
			slots = append(slots, slot)
		}
	}
	return slots
}

func (w *resharder) get(ctx context.Context) error {
	key, there := w.any().value(w.random)
	return wantValue(w.client.Get(ctx, key), there)
}

// wantValue checks the reply to GET of a key whose value is its name.
func wantValue(cmd *redis.StringCmd, there bool) error {
	got, err := cmd.Result()
	if err == redis.Nil && !there {
		return nil
	}
	if key := cmd.Args()[1]; err == nil && got != key {
		err = fmt.Errorf("%v: got %q", key, got)
	}
	return err
}

// wantCount checks the reply to INCR.
func wantCount(cmd *redis.IntCmd, want int) error {
	got, err := cmd.Result()
	if err == nil && got != int64(want) {
		err = fmt.Errorf("%v: got %d, want %d", cmd.Args()[1], got, want)
	}
	return err
}

func (w *resharder) incr(ctx context.Context) error {
	s := w.mine(1)[0]
	s.n++
	return wantCount(w.client.Incr(ctx, s.key("n", 0)), s.n)
}

func (w *resharder) mget(ctx context.Context) error {
	keys, want := make([]string, 100), make([]string, 100)
	for i := range keys {
		key, there := w.any().value(w.random)
		if keys[i] = key; there {
			want[i] = key
		}
	}
	return w.read(ctx, keys, want)
}

// read reads keys with batch.MGet and checks them; "" is a key that is missing.
func (w *resharder) read(ctx context.Context, keys, want []string) error {
	values, err := batch.MGet(ctx, w.client, keys)
	if err != nil {
		return err
	}
	for i, key := range keys {
		if got, ok := values.At(i); got != want[i] || ok != (want[i] != "") {
			return fmt.Errorf("%s: got %q, %v, want %q", key, got, ok, want[i])
		}
	}
	return nil
}

// text returns a value that was never stored before.
func (w *resharder) text() string {
	w.texts++
	return fmt.Sprint("text ", w.texts)
}

func (w *resharder) mset(ctx context.Context) error {
	text := w.text()
	var keys []string
	var pairs []batch.Pair
	for _, s := range w.mine(100 / reshardWritten) {
		s.text = text
		for _, key := range s.written() {
			keys, pairs = append(keys, key), append(pairs, batch.Pair{Key: key, Value: text})
		}
	}
	if _, err := batch.MSet(ctx, w.client, pairs); err != nil {
		return err
	}
	return w.read(ctx, keys, slices.Repeat([]string{text}, len(keys)))
}

// pipeline sends INCRs and GETs, of slots that differ.
func (w *resharder) pipeline(ctx context.Context) error {
	type get struct {
		cmd   *redis.StringCmd
		there bool
	}
	var (
		incrs []*redis.IntCmd
		gets  []get
	)
	slots := w.mine(16)
	_, err := w.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, s := range slots {
			if i%2 == 0 {
				incrs = append(incrs, p.Incr(ctx, s.key("n", 0)))
				continue
			}
			key, there := s.value(w.random)
			gets = append(gets, get{p.Get(ctx, key), there})
		}
		return nil
	})
	if err != nil && err != redis.Nil {
		return err
	}
	for i, cmd := range incrs {
		slots[2*i].n++
		if err := wantCount(cmd, slots[2*i].n); err != nil {
			return err
		}
	}
	for _, g := range gets {
		if err := wantValue(g.cmd, g.there); err != nil {
			return err
		}
	}
	return nil
}

func (w *resharder) transaction(ctx context.Context) error {
	s := w.mine(1)[0]
	cmds, err := w.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Incr(ctx, s.key("pair", 0))
		p.Incr(ctx, s.key("pair", 1))
		return nil
	})
	s.pair++
	for _, cmd := range cmds {
		if err == nil {
			err = wantCount(cmd.(*redis.IntCmd), s.pair)
		}
	}
	return err
}

// native writes and reads the keys of one slot, each in one command of the server.
func (w *resharder) native(ctx context.Context) error {
	s := w.mine(1)[0]
	s.text = w.text()
	var pairs []any
	for _, key := range s.written() {
		pairs = append(pairs, key, s.text)
	}
	if err := w.client.MSet(ctx, pairs...).Err(); err != nil {
		return err
	}
	return w.read(ctx, s.written(), slices.Repeat([]string{s.text}, reshardWritten))
}

// pair reads what a transaction writes, of any worker: it is never seen half done.
func (w *resharder) pair(ctx context.Context) error {
	s := w.any()
	values, err := w.client.MGet(ctx, s.key("pair", 0), s.key("pair", 1)).Result()
	if err == nil && values[0] != values[1] {
		err = fmt.Errorf("a transaction in slot %d seen half done: %v", s.slot, values)
	}
	return err
}

// settled checks what is there in the end against what was told.
func (w *resharder) settled(ctx context.Context) error {
	var keys, want []string
	add := func(key string, n int) {
		keys, want = append(keys, key), append(want, "")
		if n > 0 {
			want[len(want)-1] = strconv.Itoa(n)
		}
	}
	for _, s := range w.slots {
		add(s.key("n", 0), s.n)
		add(s.key("pair", 0), s.pair)
		add(s.key("pair", 1), s.pair)
		for i := range s.values {
			keys, want = append(keys, s.key("value", i)), append(want, s.key("value", i))
		}
		for _, key := range s.written() {
			keys, want = append(keys, key), append(want, s.text)
		}
	}
	return w.read(ctx, keys, want)
}
