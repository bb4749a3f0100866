package slotmap_test

import (
	"fmt"
	"testing"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/slotmap"
)

// bigReply is that of a cluster whose slots lie in runs of 64, dealt out to the
// shards in turn as after some rebalancing; each shard has one replica.
func bigReply(shards int) []any {
	var reply []any
	for first := int64(0); first < hashtag.Slots; first += 64 {
		i := first / 64 % int64(shards)
		reply = append(reply, entry(first, first+63,
			node(fmt.Sprintf("10.0.%d.1", i), 7000, fmt.Sprintf("m%039d", i)),
			node(fmt.Sprintf("10.0.%d.2", i), 7000, fmt.Sprintf("r%039d", i))))
	}
	return reply
}

func BenchmarkLookup(b *testing.B) {
	m := mustParse(b, bigReply(16)...)
	b.Run("Index", func(b *testing.B) {
		b.ReportAllocs()
		sum := 0
		for i := uint16(0); b.Loop(); i++ {
			sum += m.Index(i % hashtag.Slots)
		}
		_ = sum
	})
	b.Run("Master", func(b *testing.B) {
		b.ReportAllocs()
		n := 0
		for i := uint16(0); b.Loop(); i++ {
			n += len(m.Master(i % hashtag.Slots))
		}
		_ = n
	})
}

func BenchmarkParse(b *testing.B) {
	for _, shards := range []int{3, 100} {
		reply := bigReply(shards)
		b.Run(fmt.Sprintf("%d shards", shards), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := slotmap.Parse(reply, ""); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkWithMoved(b *testing.B) {
	for _, shards := range []int{3, 100} {
		m := mustParse(b, bigReply(shards)...)
		b.Run(fmt.Sprintf("%d shards", shards), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.WithMoved(0, "10.0.1.1:7000")
			}
		})
	}
}

func BenchmarkDiff(b *testing.B) {
	from := mustParse(b, bigReply(3)...)
	to := from.WithMoved(0, "10.0.1.1:7000")
	b.ReportAllocs()
	for b.Loop() {
		slotmap.Diff(from, to)
	}
}

func BenchmarkMoved(b *testing.B) {
	c := slotmap.NewCache(always(mustParse(b, bigReply(3)...), nil), slotmap.CacheOptions{Period: -1})
	defer c.Close()
	if err := c.Refresh(b.Context()); err != nil {
		b.Fatal(err)
	}
	targets := []string{"10.0.0.1:7000", "10.0.1.1:7000"}
	b.ReportAllocs()
	for i := 1; b.Loop(); i++ {
		if !c.Moved(0, targets[i%2], c.Load()) {
			b.Fatal("not applied")
		}
	}
}
