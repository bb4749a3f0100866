package slotmesh_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/batch"
	"github.com/slotmesh/slotmesh/internal/realcluster"
)

// What is large, or many, is right, and leaves no memory behind.
func TestLarge(t *testing.T) {
	valueSize, batchSize, callers := 64<<20, 100_000, 20_000
	if soaks() {
		valueSize, batchSize, callers = 512<<20, 1_000_000, 100_000
	}
	needMemory(t, uint64(8*valueSize))
	c := cluster{realcluster.Start(t, realcluster.Config{})}
	t.Run(fmt.Sprint("a value of ", valueSize), func(t *testing.T) { c.testLargeValue(t, valueSize) })
	t.Run(fmt.Sprint("a batch of ", batchSize), func(t *testing.T) { c.testLargeBatch(t, batchSize) })
	t.Run(fmt.Sprint(callers, " callers"), func(t *testing.T) { c.testManyCallers(t, callers) })
}

// needMemory skips the test if the machine has less to spare, as far as it tells.
func needMemory(t *testing.T, bytes uint64) {
	t.Helper()
	info, err := os.ReadFile("/proc/meminfo") // none but on Linux
	available := regexp.MustCompile(`MemAvailable: +(\d+) kB`).FindSubmatch(info)
	if err != nil || available == nil {
		return
	}
	if kb, _ := strconv.ParseUint(string(available[1]), 10, 64); kb<<10 < bytes {
		t.Skipf("it takes %d MB of memory, %d MB are available: run it where there is more, or without SLOTMESH_SOAK=1 at a smaller size", bytes>>20, kb>>10)
	}
}

func (c cluster) testLargeValue(t *testing.T, size int) {
	client := c.connect(t)
	everywhere(t, client)
	before := measure()
	func() {
		ctx, key := testContext(t), keyOn(1, "large")
		value := strings.Repeat("0123456789abcdef", size/16)
		require.NoError(t, client.Set(ctx, key, value, 0).Err())
		got, err := client.Get(ctx, key).Result()
		require.NoError(t, err)
		require.True(t, got == value, "%d bytes", len(got))
		require.NoError(t, client.Del(ctx, key).Err())
	}()
	requireLight(t, before)
	everywhere(t, client)
}

func (c cluster) testLargeBatch(t *testing.T, size int) {
	client := c.connect(t)
	everywhere(t, client)
	before := measure()
	func() {
		ctx := testContext(t)
		pairs, keys := make([]batch.Pair, size), make([]string, size)
		for i := range pairs {
			keys[i] = fmt.Sprint("large:", i)
			pairs[i] = batch.Pair{Key: keys[i], Value: "of " + keys[i]}
		}
		_, err := batch.MSet(ctx, client, pairs)
		require.NoError(t, err)
		values, err := batch.MGet(ctx, client, keys)
		require.NoError(t, err)
		for i, key := range keys {
			if got, ok := values.At(i); !ok || got != "of "+key {
				t.Fatalf("key %s: got %q", key, got)
			}
		}
		_, err = batch.Del(ctx, client, keys)
		require.NoError(t, err)
	}()
	requireLight(t, before)
}

func (c cluster) testManyCallers(t *testing.T, n int) {
	client := c.connect(t)
	everywhere(t, client)
	crowd(n, func(int) {}) // what the runtime has once known of so many goroutines it keeps
	before := measure()
	func() {
		ctx := testContext(t)
		wrong := make(chan error, n)
		crowd(n, func(i int) {
			key := fmt.Sprint("many:", i)
			err := client.Set(ctx, key, i, 0).Err()
			got, getErr := client.Get(ctx, key).Int()
			if err = errors.Join(err, getErr); err == nil && got != i {
				err = fmt.Errorf("key %s: got %d", key, got)
			}
			if err != nil {
				wrong <- err
			}
		})
		close(wrong)
		for err := range wrong {
			require.NoError(t, err)
		}
	}()
	requireLight(t, before)
}

// crowd calls f n times at once, and returns when all have returned.
func crowd(n int, f func(i int)) {
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	all.Wait()
}
