package hashtag_test

import (
	"strings"
	"testing"

	"github.com/slotmesh/slotmesh/hashtag"
)

var benchKeys = []struct{ name, key string }{
	{"short", "user:1000"},
	{"tagged", "user:{1000}:followers"},
	{"long", strings.Repeat("k", 256)},
}

func BenchmarkSlot(b *testing.B) {
	for _, bb := range benchKeys {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(bb.key)))
			for b.Loop() {
				hashtag.Slot(bb.key)
			}
		})
	}
}

func BenchmarkSlotBytes(b *testing.B) {
	for _, bb := range benchKeys {
		key := []byte(bb.key)
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(key)))
			for b.Loop() {
				hashtag.SlotBytes(key)
			}
		})
	}
}

func BenchmarkForSlot(b *testing.B) {
	b.ReportAllocs()
	hashtag.ForSlot(0)
	for b.Loop() {
		hashtag.ForSlot(12182)
	}
}
