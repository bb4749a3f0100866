package slotmesh_test

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// soaks reports whether tests are to take the time, and the memory, that they would like.
func soaks() bool { return os.Getenv("SLOTMESH_SOAK") == "1" }

// footprint is what a process holds.
type footprint struct {
	goroutines, files int
	heap              uint64
}

// measure measures once all that has ended is gone.
func measure() footprint {
	for range 2 {
		runtime.GC()
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	open, _ := os.ReadDir("/proc/self/fd") // none but on Linux
	return footprint{runtime.NumGoroutine(), len(open), stats.HeapAlloc}
}

// slack is how much heap belongs to nothing: what was collected may be counted still.
const slack = 4 << 20

// requireNoMore checks that soon the process holds no more than before.
func requireNoMore(t *testing.T, before footprint) {
	t.Helper()
	var now footprint
	require.Eventually(t, func() bool {
		now = measure()
		now.goroutines-- // the one that measures
		return now.goroutines <= before.goroutines && now.files <= before.files && now.heap <= before.heap+slack
	}, suiteTimeout/6, 50*time.Millisecond, "before %+v, after %+v: %v", before, &now, lazy(func() string {
		return started(nil, "slotmesh/")
	}))
	t.Logf("before %+v, after %+v", before, now)
}

// requireLight checks that soon the heap is what it was before.
func requireLight(t *testing.T, before footprint) {
	t.Helper()
	var now footprint
	require.Eventually(t, func() bool {
		now = measure()
		return now.heap <= before.heap+slack
	}, suiteTimeout/6, 50*time.Millisecond, "before %+v, after %+v", before, &now)
	t.Logf("before %+v, after %+v", before, now)
}
