package main

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// autoPipelineKV is go-redis's auto-pipeliner over a ClusterClient. Each call of the
// blocking face waits for its reply; calls of the asynchronous face return at once, which
// is the way to send many keys.
type autoPipelineKV struct {
	client   *redis.ClusterClient
	blocking *redis.AutoPipeliner
	async    *redis.AutoPipeliner
}

func openHalfDuplex(_ context.Context, addrs []string) (*autoPipelineKV, error) {
	return newAutoPipeline(addrs, redis.DefaultBlockingAutoPipelineOptions(), redis.DefaultAutoPipelineOptions())
}

func openFullDuplex(_ context.Context, addrs []string) (*autoPipelineKV, error) {
	full := &redis.AutoPipelineOptions{FullDuplex: true}
	return newAutoPipeline(addrs, full, full)
}

func newAutoPipeline(addrs []string, blocking, async *redis.AutoPipelineOptions) (*autoPipelineKV, error) {
	a := &autoPipelineKV{client: redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs})}
	var err error
	if a.blocking, err = a.client.AutoPipelineWithOptions(blocking); err == nil {
		a.async, err = a.client.AsyncAutoPipelineWithOptions(async)
	}
	if err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

func (a *autoPipelineKV) get(ctx context.Context, key string) (string, error) {
	return a.blocking.Get(ctx, key).Result()
}

func (a *autoPipelineKV) set(ctx context.Context, key, value string) error {
	return a.blocking.Set(ctx, key, value, 0).Err()
}

func (a *autoPipelineKV) reads(keys []string) readCall {
	return func(ctx context.Context, visit func(key, value string)) error {
		commands := make([]*redis.StringCmd, len(keys))
		for i, key := range keys {
			commands[i] = a.async.Get(ctx, key)
		}
		return visitAll(keys, commands, visit)
	}
}

func (a *autoPipelineKV) writes(keys, values []string) writeCall {
	return func(ctx context.Context) error {
		commands := make([]*redis.StatusCmd, len(keys))
		for i, key := range keys {
			commands[i] = a.async.Set(ctx, key, values[i], 0)
		}
		for _, command := range commands {
			if err := command.Err(); err != nil {
				return err
			}
		}
		return nil
	}
}

func (a *autoPipelineKV) blpop(ctx context.Context, key string) error {
	return a.blocking.BLPop(ctx, 0, key).Err()
}

func (a *autoPipelineKV) close() { _ = a.client.Close() }
