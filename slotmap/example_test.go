package slotmap_test

import (
	"context"
	"fmt"
	"log"

	"github.com/slotmesh/slotmesh/slotmap"
)

// twoShards is a reply as client.Do(ctx, "cluster", "slots").Slice() gives it.
var twoShards = []any{
	[]any{int64(0), int64(8191),
		[]any{"10.0.0.1", int64(7000), "b7a736504f9a0dea639cd07a4c0d38bf6990db67", []any{}},
		[]any{"10.0.0.2", int64(7000), "5754b1d6f0fc15783bffd151988cacd0c367c318", []any{}}},
	[]any{int64(8192), int64(16383),
		[]any{nil, int64(7000), "6b8a0a5646b040410bfc0d398e0c66b625628f6b", []any{}}},
}

func ExampleParse() {
	m, err := slotmap.Parse(twoShards, "10.0.0.3:7000")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m)
	for _, shard := range m.Shards() {
		fmt.Println(shard.Ranges, shard.Master.Addr, len(shard.Replicas))
	}
	fmt.Println(m.Master(12182)) // its host was NULL: that of the node that answered
	// Output:
	// 2 shards, 3 nodes, all slots served
	// [0-8191] 10.0.0.1:7000 1
	// [8192-16383] 10.0.0.3:7000 0
	// 10.0.0.3:7000
}

func ExampleMap_WithMoved() {
	m, err := slotmap.Parse(twoShards, "10.0.0.3:7000")
	if err != nil {
		log.Fatal(err)
	}
	// A command for slot 5061 was answered by "MOVED 5061 10.0.0.2:7000": the
	// replica was promoted.
	moved := m.WithMoved(5061, "10.0.0.2:7000")
	fmt.Println(m.Master(5061), moved.Master(5061), moved.Master(5062))
	// Output: 10.0.0.1:7000 10.0.0.2:7000 10.0.0.1:7000
}

func ExampleDiff() {
	m, err := slotmap.Parse(twoShards, "10.0.0.3:7000")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(slotmap.Diff(m, m.WithMoved(5061, "10.0.0.4:7000")))
	// Output: 5061: 10.0.0.1:7000 to 10.0.0.4:7000; joined 10.0.0.4:7000
}

func ExampleCache() {
	ask := func(context.Context) (*slotmap.Map, error) {
		return slotmap.Parse(twoShards, "10.0.0.3:7000")
	}
	cache := slotmap.NewCache(ask, slotmap.CacheOptions{})
	defer cache.Close()
	cache.Subscribe(func(d slotmap.Delta) { fmt.Println(d) })

	if err := cache.Refresh(context.Background()); err != nil {
		log.Fatal(err)
	}
	routedBy := cache.Load()
	fmt.Println(cache.Moved(5061, "10.0.0.3:7000", routedBy))
	fmt.Println(cache.Moved(5061, "10.0.0.1:7000", routedBy)) // too late: 5061 changed since
	// Output:
	// 0-8191: nobody to 10.0.0.1:7000, 8192-16383: nobody to 10.0.0.3:7000; joined 10.0.0.1:7000, 10.0.0.3:7000, 10.0.0.2:7000
	// 5061: 10.0.0.1:7000 to 10.0.0.3:7000
	// true
	// false
}
