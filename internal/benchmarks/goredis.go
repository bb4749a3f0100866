package main

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// goRedisKV is go-redis's ClusterClient as it comes.
type goRedisKV struct{ client *redis.ClusterClient }

func openGoRedis(_ context.Context, addrs []string) (*goRedisKV, error) {
	return &goRedisKV{redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs})}, nil
}

func (g *goRedisKV) get(ctx context.Context, key string) (string, error) {
	return g.client.Get(ctx, key).Result()
}

func (g *goRedisKV) set(ctx context.Context, key, value string) error {
	return g.client.Set(ctx, key, value, 0).Err()
}

func (g *goRedisKV) reads(keys []string) readCall {
	return func(ctx context.Context, visit func(key, value string)) error {
		pipe := g.client.Pipeline()
		commands := make([]*redis.StringCmd, len(keys))
		for i, key := range keys {
			commands[i] = pipe.Get(ctx, key)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
		return visitAll(keys, commands, visit)
	}
}

// visitAll waits for the commands, if they are of the asynchronous auto-pipeliner.
func visitAll(keys []string, commands []*redis.StringCmd, visit func(key, value string)) error {
	for i, command := range commands {
		value, err := command.Result()
		if err != nil {
			return err
		}
		visit(keys[i], value)
	}
	return nil
}

func (g *goRedisKV) writes(keys, values []string) writeCall {
	return func(ctx context.Context) error {
		pipe := g.client.Pipeline()
		for i, key := range keys {
			pipe.Set(ctx, key, values[i], 0)
		}
		_, err := pipe.Exec(ctx)
		return err
	}
}

func (g *goRedisKV) blpop(ctx context.Context, key string) error {
	return g.client.BLPop(ctx, 0, key).Err()
}

func (g *goRedisKV) close() { _ = g.client.Close() }
