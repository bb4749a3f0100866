package batch_test

import (
	"fmt"
	"testing"

	"github.com/slotmesh/slotmesh/batch"
)

// BenchmarkNewPlan cuts random-looking keys over a cluster of three masters.
func BenchmarkNewPlan(b *testing.B) {
	for _, n := range []int{10, 1_000, 100_000} {
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			m := threeMasters(b)
			keys := make([]string, n)
			for i := range keys {
				keys[i] = fmt.Sprintf("user:%d", i)
			}
			b.ReportAllocs()
			for b.Loop() {
				batch.NewPlan(m, keys)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/key")
		})
	}
}
