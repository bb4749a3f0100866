package realcluster

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

const slotOfBar = 5061

func TestMigrationStepByStep(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	c := Start(t, Config{})
	from, to, third := c.Masters()[0], c.Masters()[1], c.Masters()[2]
	const keys = 250 // more than two batches
	fill(ctx, t, from, keys)

	_, err := c.MoveKeys(ctx, slotOfBar, 1)
	require.ErrorContains(t, err, "no migration")
	require.NoError(t, c.BeginMigration(ctx, slotOfBar, to))
	require.ErrorContains(t, c.BeginMigration(ctx, slotOfBar, third), "already")

	requireAnswer(ctx, t, c, from, "", "GET", "{bar}0")
	requireAnswer(ctx, t, c, from, "ASK 5061 "+to, "GET", "{bar}missing")
	requireAnswer(ctx, t, c, to, "MOVED 5061 "+from, "GET", "{bar}missing")
	requireOwner(t, c, slotOfBar, from)

	for _, want := range []int{1, 0, 120} {
		moved, err := c.MoveKeys(ctx, slotOfBar, want)
		require.NoError(t, err)
		require.Equal(t, want, moved)
	}
	require.EqualValues(t, keys-121, keysIn(ctx, t, c, from))
	require.EqualValues(t, 121, keysIn(ctx, t, c, to))
	require.ErrorContains(t, c.AbortMigration(ctx, slotOfBar), "already holds keys")

	moved, err := c.MoveKeys(ctx, slotOfBar, -1)
	require.NoError(t, err)
	require.Equal(t, keys-121, moved)
	requireAnswer(ctx, t, c, from, "ASK 5061 "+to, "GET", "{bar}0")

	require.NoError(t, c.FinishMigration(ctx, slotOfBar))
	requireAnswer(ctx, t, c, to, "", "GET", "{bar}0")
	requireAnswer(ctx, t, c, from, "MOVED 5061 "+to, "GET", "{bar}0")
	requireAnswer(ctx, t, c, third, "MOVED 5061 "+to, "GET", "{bar}0")
	require.ErrorContains(t, c.FinishMigration(ctx, slotOfBar), "no migration")
	require.NoError(t, c.WaitReady(ctx))

	require.NoError(t, c.Migrate(ctx, slotOfBar, third))
	require.NoError(t, c.Migrate(ctx, slotOfBar, third), "it is there already")
	require.EqualValues(t, keys, keysIn(ctx, t, c, third))
	requireOwner(t, c, slotOfBar, third)
}

func TestAbortMigration(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	c := Start(t, Config{Masters: 2})
	from, to := c.Masters()[0], c.Masters()[1]

	require.ErrorContains(t, c.AbortMigration(ctx, slotOfBar), "no migration")
	require.NoError(t, c.BeginMigration(ctx, slotOfBar, to))
	require.NoError(t, c.AbortMigration(ctx, slotOfBar))
	requireAnswer(ctx, t, c, from, "redis: nil", "GET", "bar")
	for _, addr := range c.Addrs() {
		nodes, err := c.Do(ctx, addr, "CLUSTER", "NODES")
		require.NoError(t, err)
		require.NotContains(t, nodes, "[", "%s still has an open slot", addr)
	}

	require.Error(t, c.BeginMigration(ctx, slotOfBar, from), "the owner cannot import")
	require.Error(t, c.BeginMigration(ctx, slots, to), "no such slot")
	require.Error(t, c.BeginMigration(ctx, slotOfBar, "127.0.0.1:1"), "no such node")
	require.NoError(t, c.Migrate(ctx, slotOfBar, to), "a failed BeginMigration leaves nothing behind")
}

// A target that dies takes the migration with it, not the slot.
func TestAbortMigrationWithoutTarget(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	c := Start(t, Config{Masters: 2, ConfigLines: []string{"cluster-require-full-coverage no"}})
	from, to := c.Masters()[0], c.Masters()[1]
	fill(ctx, t, from, 1)
	require.NoError(t, c.BeginMigration(ctx, slotOfBar, to))
	require.NoError(t, c.Kill(to))

	require.ErrorContains(t, c.FinishMigration(ctx, slotOfBar), "MIGRATE to "+from)
	require.NoError(t, c.AbortMigration(ctx, slotOfBar))
	requireAnswer(ctx, t, c, from, "redis: nil", "GET", "{bar}missing")
}

// The old owner of the last slot becomes a replica of the new one.
func TestMigrateLastSlot(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	c := Start(t, Config{Masters: 2})
	a, b := c.Masters()[0], c.Masters()[1]
	for _, addr := range []string{b, a} {
		_, err := c.Do(ctx, addr, "CLUSTER", "DELSLOTSRANGE", 8192, 16382)
		require.NoError(t, err)
	}
	_, err := c.Do(ctx, a, "CLUSTER", "ADDSLOTSRANGE", 8192, 16382)
	require.NoError(t, err)
	require.NoError(t, c.WaitReady(ctx))

	require.NoError(t, c.Migrate(ctx, 16383, a))
	require.NoError(t, c.WaitReady(ctx))
	role, err := c.Do(ctx, b, "ROLE")
	require.NoError(t, err)
	require.Equal(t, "slave", role.([]any)[0])
}

func TestConcurrentMigrations(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	c := Start(t, Config{Masters: 2, Replicas: 1})
	from, to := c.Masters()[0], c.Masters()[1]

	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			for j := range 5 {
				if err := c.Migrate(ctx, uint16(100*i+j), to); err != nil {
					errs[i] = err
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.NoError(t, c.WaitReady(ctx))
	for i := range len(errs) {
		requireOwner(t, c, uint16(100*i), to)
		requireOwner(t, c, uint16(100*i+5), from)
	}
}

// fill sets {bar}0, {bar}1 and so on at addr, the owner of their slot.
func fill(ctx context.Context, t *testing.T, addr string, keys int) {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer client.Close()
	_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range keys {
			p.Set(ctx, fmt.Sprintf("{bar}%d", i), strings.Repeat("x", i), 0)
		}
		return nil
	})
	require.NoError(t, err)
}

// requireAnswer checks the error reply that a node gives, "" for none.
func requireAnswer(ctx context.Context, t *testing.T, c *Cluster, addr, want string, args ...any) {
	t.Helper()
	_, err := c.Do(ctx, addr, args...)
	if want == "" {
		require.NoError(t, err)
	} else {
		require.EqualError(t, err, want)
	}
}

func keysIn(ctx context.Context, t *testing.T, c *Cluster, addr string) any {
	t.Helper()
	count, err := c.Do(ctx, addr, "CLUSTER", "COUNTKEYSINSLOT", slotOfBar)
	require.NoError(t, err)
	return count
}
