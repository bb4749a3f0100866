// Package batch runs one command over many keys that lie anywhere in the cluster,
// and tells what happened to each of them.
//
// A cluster node refuses a command whose keys lie in more than one slot. The
// functions of this package cut such a command into a Plan: the keys by node, and
// for each node by slot. A slot with several keys is asked with one native MGET,
// MSET or DEL, a slot with one key with GET, SET or DEL. A Strategy says how the
// requests travel:
//
//	strategy    what is sent                                   network waits
//	Serial      one request per key, one after the other       one per key
//	Pipelined   one pipeline per node, node after node         one per node
//	Parallel    one pipeline per node, all nodes at once       one
//
// Keys that share a hash tag, as in {user:1}:name and {user:1}:mail, share a slot. A
// call whose keys all share one is a single native command, whatever the strategy,
// and as atomic as Redis makes it. A call over several slots is not atomic: others
// may see some of its keys written and some not, and when it fails some may stay
// so. Each key has an outcome that says which.
package batch

import (
	"context"
	"errors"
	"fmt"

	"github.com/slotmesh/slotmesh/routing"
	"github.com/slotmesh/slotmesh/slotmap"
)

// Executor runs the ops of a batch. *slotmesh.Client and *routing.Router do. If it has
// Router's method Hold too, a call of several rounds is not cut by Shutdown.
type Executor interface {
	// SlotMap returns the current slot map.
	SlotMap() *slotmap.Map
	// Run sends ops to the nodes of their slots and gives each its result. It must not keep
	// any of them.
	Run(ctx context.Context, ops []*routing.Op) error
}

// ErrNoKeys means that a call named no key. Nothing was sent.
var ErrNoKeys = errors.New("no keys")

// Pair is a key and the value to set it to.
type Pair struct{ Key, Value string }

// Option changes how one call runs.
type Option func(*options)

type options struct{ strategy Strategy }

// WithStrategy chooses how the requests of a call travel. The default is Parallel.
func WithStrategy(s Strategy) Option {
	return func(o *options) { o.strategy = s }
}

// MGet reads the values of keys. The result has one entry per key, in the order of
// keys, duplicates included; a key that does not exist, or holds no string, is
// missing and no error, as with Redis's MGET. If the value of some key could not be
// read, the error is a *PartialError and the rest is there. keys must not be changed
// while the result is in use.
func MGet(ctx context.Context, x Executor, keys []string, opts ...Option) (*Values, error) {
	o, err := settings(ctx, x, "mget", len(keys), opts)
	if err != nil {
		return nil, err
	}
	v := newValues(keys)
	err = run(ctx, x, keys, o.strategy, &reads{v})
	return v, err
}

// MSet sets each key to its value. It is atomic only if all keys share a slot. Of
// several pairs for one key the last one counts, for all of them. If some key was
// not set, or may not have been, the error is a *PartialError. pairs must not be
// changed before MSet returns.
func MSet(ctx context.Context, x Executor, pairs []Pair, opts ...Option) (*Results, error) {
	o, err := settings(ctx, x, "mset", len(pairs), opts)
	if err != nil {
		return nil, err
	}
	keys := make([]string, len(pairs))
	for i := range pairs {
		keys[i] = pairs[i].Key
	}
	r := newResults(keys)
	w := &writes{val: func(i int) any { return &pairs[i].Value }, results: r}
	err = run(ctx, x, keys, o.strategy, w)
	return r, err
}

// Del deletes keys. Results.Count is how many of them existed. If some key was not
// deleted, or may not have been, the error is a *PartialError. keys must not be
// changed while the result is in use.
func Del(ctx context.Context, x Executor, keys []string, opts ...Option) (*Results, error) {
	o, err := settings(ctx, x, "del", len(keys), opts)
	if err != nil {
		return nil, err
	}
	r := newResults(keys)
	err = run(ctx, x, keys, o.strategy, &deletes{r})
	return r, err
}

// settings checks the arguments of a call and applies its options.
func settings(ctx context.Context, x Executor, op string, keys int, opts []Option) (options, error) {
	o := options{strategy: Parallel}
	for _, opt := range opts {
		opt(&o)
	}
	switch {
	case ctx == nil:
		return o, fmt.Errorf("%s: nil context", op)
	case x == nil:
		return o, fmt.Errorf("%s: nil executor", op)
	case keys == 0:
		return o, fmt.Errorf("%s: %w", op, ErrNoKeys)
	case !o.strategy.valid():
		return o, fmt.Errorf("%s: unknown strategy %d", op, o.strategy)
	}
	return o, nil
}
