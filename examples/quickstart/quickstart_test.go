package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/realcluster"
)

func TestQuickstart(t *testing.T) {
	c := realcluster.Start(t, realcluster.Config{})
	for name, args := range map[string][]string{
		"read":    {"-addrs", strings.Join(c.Masters()[:2], ",")},
		"migrate": {"-migrate", "-addrs", "redis://" + c.Masters()[0]},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var out, errs bytes.Buffer
			require.Equal(t, 0, run(ctx, args, &out, &errs), errs.String())
			t.Log("\n" + out.String())
			requireTour(t, out.String())
			if name == "migrate" {
				requireMigration(t, out.String())
			}
			for _, addr := range c.Masters() {
				require.Contains(t, out.String(), addr)
				left, err := c.Do(ctx, addr, "dbsize")
				require.NoError(t, err)
				require.Zero(t, left, "keys left on %s", addr)
			}
		})
	}
	t.Run("a wrong value is named", func(t *testing.T) {
		// Another client, one that overwrites keys of the tour as they appear.
		other := redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.Addrs()})
		defer other.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		done := make(chan struct{})
		go func() {
			defer close(done)
			for ctx.Err() == nil {
				_ = other.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
					key, err := node.RandomKey(ctx).Result()
					if err == nil {
						node.Set(ctx, key, "something else", 0)
					}
					return nil
				})
			}
		}()
		var out, errs bytes.Buffer
		code := run(ctx, []string{"-addrs", c.Addrs()[0]}, &out, &errs)
		cancel()
		<-done
		require.Equal(t, 1, code, out.String())
		require.Contains(t, errs.String(), "wrong value: key ")
		require.Contains(t, errs.String(), `holds "something else"`)
	})
}

// requireTour requires that out is what the program prints if all is well.
func requireTour(t *testing.T, out string) {
	t.Helper()
	for _, want := range []string{"MGET serial", "MGET pipelined", "MGET parallel", "one native MGET", "Every value was right", "Deleted 1010 keys"} {
		require.Contains(t, out, want)
	}
}

// requireMigration requires that out shows the redirections of a slot that moves.
func requireMigration(t *testing.T, out string) {
	t.Helper()
	require.Equal(t, 2, strings.Count(out, "5 x ASK"), "half of the ten keys, there and back")
	require.Equal(t, 2, strings.Count(out, "1 x MOVED"), "one for the slot, there and back")
}

func TestBadArguments(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		code int
		text string
	}{
		"unknown flag":       {[]string{"-x"}, 2, "-x"},
		"blank in addresses": {[]string{"-addrs", "127.0.0.1:1,", "127.0.0.1:2"}, 2, "127.0.0.1:2"},
		"hold one of others": {[]string{"-hold", "-addrs", "127.0.0.1:1"}, 2, "-hold"},
		"no such node":       {[]string{"-addrs", "127.0.0.1:1"}, 1, "127.0.0.1:1"},
		"not an address":     {[]string{"-addrs", "localhost"}, 1, "localhost"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			require.Equal(t, tc.code, run(t.Context(), tc.args, &out, &errs))
			require.Contains(t, errs.String(), tc.text)
			require.Empty(t, out.String())
		})
	}
}
