package main

import (
	"context"
	"errors"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/batch"
)

// slotmeshKV is our client as it comes.
type slotmeshKV struct{ client *slotmesh.Client }

func openSlotmesh(ctx context.Context, addrs []string) (*slotmeshKV, error) {
	client, err := slotmesh.New(ctx, slotmesh.Options{Addrs: addrs})
	if err != nil {
		return nil, err
	}
	return &slotmeshKV{client}, nil
}

func (s *slotmeshKV) get(ctx context.Context, key string) (string, error) {
	return s.client.Get(ctx, key).Result()
}

func (s *slotmeshKV) set(ctx context.Context, key, value string) error {
	return s.client.Set(ctx, key, value, 0).Err()
}

var errMissing = errors.New("a key is missing")

func (s *slotmeshKV) reads(keys []string) readCall {
	return func(ctx context.Context, visit func(key, value string)) error {
		values, err := batch.MGet(ctx, s.client, keys)
		if err != nil {
			return err
		}
		for i, key := range keys {
			value, ok := values.At(i)
			if !ok {
				return errMissing
			}
			visit(key, value)
		}
		return nil
	}
}

func (s *slotmeshKV) writes(keys, values []string) writeCall {
	pairs := make([]batch.Pair, len(keys))
	for i, key := range keys {
		pairs[i] = batch.Pair{Key: key, Value: values[i]}
	}
	return func(ctx context.Context) error {
		_, err := batch.MSet(ctx, s.client, pairs)
		return err
	}
}

func (s *slotmeshKV) blpop(ctx context.Context, key string) error {
	return s.client.BLPop(ctx, 0, key).Err()
}

func (s *slotmeshKV) close() { _ = s.client.Close() }
