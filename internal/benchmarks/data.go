package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// keysFor is how many keys there are with values of size bytes.
func keysFor(size int) int {
	if size > 16<<10 {
		return 2_000
	}
	return 100_000
}

// keyNames returns the names of all keys with values of size bytes.
func keyNames(size int) []string {
	names := make([]string, keysFor(size))
	for i := range names {
		names[i] = fmt.Sprintf("bench:%s:%06d", sizeName(size), i)
	}
	return names
}

// deck is the names of all keys of one size.
type deck struct {
	size  int
	names []string
}

// shuffled returns the names in a random order, in the same slice each time.
func (d *deck) shuffled(size int) []string {
	if d.size != size {
		d.size, d.names = size, keyNames(size)
	}
	rand.Shuffle(len(d.names), func(i, j int) { d.names[i], d.names[j] = d.names[j], d.names[i] })
	return d.names
}

// valueOf returns the value that all keys of that size have.
func valueOf(size int) string { return strings.Repeat("v", size) }

// draw returns n names out of all, random and each once. It changes the order of all.
func draw(all []string, n int) []string {
	for i := range n {
		j := i + rand.IntN(len(all)-i)
		all[i], all[j] = all[j], all[i]
	}
	return slices.Clone(all[:n])
}

// preload sets all keys with values of size bytes.
func preload(ctx context.Context, addrs []string, size int) error {
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs})
	defer client.Close()
	names, value := keyNames(size), valueOf(size)
	chunk := max(1, min(1_000, 4*megabyte/size))
	for len(names) > 0 {
		pipe := client.Pipeline()
		for _, name := range names[:min(chunk, len(names))] {
			pipe.Set(ctx, name, value, 0)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return fmt.Errorf("preload: %w", err)
		}
		names = names[min(chunk, len(names)):]
	}
	return nil
}
