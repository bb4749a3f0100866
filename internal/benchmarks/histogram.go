package main

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// histogram counts durations to within 3 percent. It is safe for concurrent use.
type histogram struct {
	counts [64 << fraction]atomic.Uint32
}

// fraction is how many bits below the highest one tell durations apart.
const fraction = 5

func (h *histogram) add(d time.Duration) { h.counts[bucket(uint64(max(d, 0)))].Add(1) }

func bucket(n uint64) int {
	if n < 1<<fraction {
		return int(n)
	}
	shift := bits.Len64(n) - 1 - fraction
	return (shift+1)<<fraction | int(n>>shift)&(1<<fraction-1)
}

// lowest returns the lowest duration of a bucket.
func lowest(bucket int) time.Duration {
	shift := bucket>>fraction - 1
	if shift < 0 {
		return time.Duration(bucket)
	}
	return time.Duration((1<<fraction | bucket&(1<<fraction-1)) << shift)
}

// quantile returns the duration that the share q of all is below, or 0 if there is none.
func (h *histogram) quantile(q float64) time.Duration {
	var total uint64
	for i := range h.counts {
		total += uint64(h.counts[i].Load())
	}
	rank := uint64(q * float64(total))
	for i := range h.counts {
		n := uint64(h.counts[i].Load())
		if n > rank {
			return lowest(i)
		}
		rank -= n
	}
	return 0
}
