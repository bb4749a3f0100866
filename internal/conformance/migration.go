package conformance

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/batch"
	"github.com/slotmesh/slotmesh/hashtag"
)

// testMigration moves one slot after another there and back while clients work.
func testMigration(t *testing.T, c Cluster) {
	const (
		keyCount = 10_000
		incrs    = 100_000
		counters = 100
		callers  = 16
		slots    = 40
	)
	client, _ := connect(t, c)
	ctx := testContext(t)

	pairs := make([]batch.Pair, keyCount)
	keys := make([]string, keyCount)
	for i := range pairs {
		keys[i] = fmt.Sprintf("%s:%d", t.Name(), i)
		pairs[i] = batch.Pair{Key: keys[i], Value: strconv.Itoa(i)}
	}
	_, err := batch.MSet(ctx, client, pairs)
	require.NoError(t, err)

	// The counters are in the slots that move.
	moving := make([]uint16, slots)
	for i := range moving {
		moving[i] = hashtag.Slot(keys[i])
	}
	counter := make([]string, counters)
	for i := range counter {
		counter[i] = fmt.Sprintf("{%s}%s:count:%d", hashtag.ForSlot(moving[i%slots]), t.Name(), i)
	}
	_, err = batch.Del(ctx, client, counter)
	require.NoError(t, err)

	// A cluster that moves slots fast is not to keep the clients from their work: the next
	// move waits for some more of it.
	const share = incrs / (4 * slots)
	var moves atomic.Int64
	moved := make(chan error, 1)
	stop, turn := make(chan struct{}), make(chan struct{}, 1)
	next := func() {
		select {
		case turn <- struct{}{}:
		default: // it is its turn anyway
		}
	}
	go func() { moved <- migrateUntil(ctx, c, moving, turn, stop, &moves) }()

	var (
		work  sync.WaitGroup
		left  atomic.Int64
		added [counters]atomic.Int64
		reads atomic.Int64
	)
	left.Store(incrs)
	failed := make(chan error, callers+2)
	for range callers {
		work.Go(func() {
			for {
				n := left.Add(-1)
				if n < 0 {
					return
				}
				if n%share == 0 {
					next()
				}
				i := rand.IntN(counters)
				if err := client.Incr(ctx, counter[i]).Err(); err != nil {
					failed <- fmt.Errorf("incr %s: %w", counter[i], err)
					return
				}
				added[i].Add(1)
			}
		})
	}
	work.Go(func() {
		for left.Load() > 0 || moves.Load() < slots {
			if err := readAll(ctx, client, keys); err != nil {
				failed <- err
				return
			}
			reads.Add(1)
			if left.Load() <= 0 {
				next()
			}
		}
	})
	work.Wait()
	close(stop)
	require.NoError(t, <-moved)
	select {
	case err := <-failed:
		t.Fatal(err)
	default:
	}

	total := int64(0)
	for i, key := range counter {
		n, err := client.Get(ctx, key).Int64()
		if err != redis.Nil {
			require.NoError(t, err)
		}
		require.Equal(t, added[i].Load(), n, "neither lost nor doubled: %s", key)
		total += n
	}
	require.EqualValues(t, incrs, total)
	stats := client.Stats()
	t.Logf("%d slot moves under %d INCRs and %d MGETs of %d keys: %d MOVED, %d ASK, %d retries, %d splits",
		moves.Load(), total, reads.Load(), keyCount, stats.Moved, stats.Asked, stats.Retries, stats.Splits)
	require.GreaterOrEqual(t, moves.Load(), int64(slots))
	require.Positive(t, stats.Moved)
	require.Positive(t, stats.Asked)
}

// migrateUntil moves the slots, each to another master and back in the next round, until
// stop is closed, one at each turn, and leaves all where they were.
func migrateUntil(ctx context.Context, c Cluster, slots []uint16, turn, stop <-chan struct{}, moves *atomic.Int64) error {
	home := make(map[uint16]string)
	defer func() {
		for slot, addr := range home {
			_ = c.Migrate(context.WithoutCancel(ctx), slot, addr)
		}
	}()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return nil
		case <-turn:
		}
		slot := slots[i%len(slots)]
		from, err := c.Owner(ctx, slot)
		if err != nil {
			return err
		}
		to, away := home[slot]
		if away {
			delete(home, slot)
		} else {
			home[slot] = from
			to = another(c.Masters(), from, i)
		}
		if err := c.Migrate(ctx, slot, to); err != nil {
			return fmt.Errorf("slot %d from %s to %s: %w", slot, from, to, err)
		}
		moves.Add(1)
	}
}

func another(addrs []string, not string, n int) string {
	for ; ; n++ {
		if addr := addrs[n%len(addrs)]; addr != not {
			return addr
		}
	}
}

// readAll reads the keys, whose values are their positions, and checks every one.
func readAll(ctx context.Context, client *slotmesh.Client, keys []string) error {
	values, err := batch.MGet(ctx, client, keys)
	if err != nil {
		return err
	}
	for i, key := range keys {
		if got, ok := values.At(i); !ok || got != strconv.Itoa(i) {
			return fmt.Errorf("key %s: %q, present %v: want %d", key, got, ok, i)
		}
	}
	return nil
}
