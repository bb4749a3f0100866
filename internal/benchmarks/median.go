package main

import (
	"slices"
	"time"
)

type number interface{ ~int64 | ~float64 }

// sorted returns one field of all samples, in order.
func sorted[T number](samples []sample, field func(sample) T) []T {
	values := make([]T, len(samples))
	for i, s := range samples {
		values[i] = field(s)
	}
	slices.Sort(values)
	return values
}

// median returns what is in the middle of the samples: of an even number the mean of two.
func median[T number](samples []sample, field func(sample) T) T {
	values := sorted(samples, field)
	n := len(values)
	if n == 0 {
		return 0
	}
	return (values[(n-1)/2] + values[n/2]) / 2
}

// medians returns the median of each figure.
func medians(samples []sample) sample {
	return sample{
		Calls:   median(samples, func(s sample) float64 { return s.Calls }),
		Elapsed: median(samples, func(s sample) time.Duration { return s.Elapsed }),
		PerSec:  median(samples, perSec),
		P50:     median(samples, func(s sample) time.Duration { return s.P50 }),
		P99:     median(samples, func(s sample) time.Duration { return s.P99 }),
		CPU:     median(samples, func(s sample) time.Duration { return s.CPU }),
		Allocs:  median(samples, func(s sample) float64 { return s.Allocs }),
		Bytes:   median(samples, func(s sample) float64 { return s.Bytes }),
	}
}

func perSec(s sample) float64 { return s.PerSec }

// spread returns how far from the median of throughput half of the samples lie: half of
// the distance between the quartiles, as a share of the median.
func spread(samples []sample) float64 {
	values := sorted(samples, perSec)
	n := len(values)
	if n == 0 || values[n/2] == 0 {
		return 0
	}
	return (values[(3*n-1)/4] - values[n/4]) / 2 / median(samples, perSec)
}
