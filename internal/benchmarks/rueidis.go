package main

import (
	"context"
	"time"

	"github.com/redis/rueidis"
)

// rueidisKV is rueidis without its client-side cache.
type rueidisKV struct {
	client rueidis.Client
	multi  bool // DoMulti for many keys, in place of the helpers MGet and MSet
}

func openRueidis(_ context.Context, addrs []string) (*rueidisKV, error) {
	return newRueidis(addrs, 0, false)
}

func openRueidisMulti(_ context.Context, addrs []string) (*rueidisKV, error) {
	return newRueidis(addrs, 0, true)
}

func openRueidisDelayed(_ context.Context, addrs []string) (*rueidisKV, error) {
	return newRueidis(addrs, 20*time.Microsecond, true)
}

func newRueidis(addrs []string, delay time.Duration, multi bool) (*rueidisKV, error) {
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress:   addrs,
		DisableCache:  true,
		MaxFlushDelay: delay,
	})
	if err != nil {
		return nil, err
	}
	return &rueidisKV{client, multi}, nil
}

func (r *rueidisKV) get(ctx context.Context, key string) (string, error) {
	return r.client.Do(ctx, r.client.B().Get().Key(key).Build()).ToString()
}

func (r *rueidisKV) set(ctx context.Context, key, value string) error {
	return r.client.Do(ctx, r.client.B().Set().Key(key).Value(value).Build()).Error()
}

func (r *rueidisKV) reads(keys []string) readCall {
	if r.multi {
		return r.multiReads(keys)
	}
	return func(ctx context.Context, visit func(key, value string)) error {
		values, err := rueidis.MGet(r.client, ctx, keys)
		if err != nil {
			return err
		}
		for key, message := range values {
			value, err := message.ToString()
			if err != nil {
				return err
			}
			visit(key, value)
		}
		return nil
	}
}

func (r *rueidisKV) multiReads(keys []string) readCall {
	return func(ctx context.Context, visit func(key, value string)) error {
		commands := make(rueidis.Commands, len(keys))
		for i, key := range keys {
			commands[i] = r.client.B().Get().Key(key).Build()
		}
		for i, result := range r.client.DoMulti(ctx, commands...) {
			value, err := result.ToString()
			if err != nil {
				return err
			}
			visit(keys[i], value)
		}
		return nil
	}
}

func (r *rueidisKV) writes(keys, values []string) writeCall {
	if r.multi {
		return r.multiWrites(keys, values)
	}
	pairs := make(map[string]string, len(keys))
	for i, key := range keys {
		pairs[key] = values[i]
	}
	return func(ctx context.Context) error {
		for _, err := range rueidis.MSet(r.client, ctx, pairs) {
			if err != nil {
				return err
			}
		}
		return nil
	}
}

func (r *rueidisKV) multiWrites(keys, values []string) writeCall {
	return func(ctx context.Context) error {
		commands := make(rueidis.Commands, len(keys))
		for i, key := range keys {
			commands[i] = r.client.B().Set().Key(key).Value(values[i]).Build()
		}
		for _, result := range r.client.DoMulti(ctx, commands...) {
			if err := result.Error(); err != nil {
				return err
			}
		}
		return nil
	}
}

func (r *rueidisKV) blpop(ctx context.Context, key string) error {
	return r.client.Do(ctx, r.client.B().Blpop().Key(key).Timeout(0).Build()).Error()
}

func (r *rueidisKV) close() { r.client.Close() }
