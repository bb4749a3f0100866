package typedcheck

import (
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// iterators compares what HSCAN, SSCAN and ZSCAN give over several pages.
func (d duel) iterators(t *testing.T) {
	const key = "typed iterators"
	const members = 1000
	ctx := t.Context()
	for _, scan := range []struct {
		name string
		add  func(p redis.Pipeliner, n int)
		of   func(c redis.Cmdable) *redis.ScanCmd
	}{
		{"hash", func(p redis.Pipeliner, n int) { p.HSet(ctx, key+"h", n, -n) },
			func(c redis.Cmdable) *redis.ScanCmd { return c.HScan(ctx, key+"h", 0, "", 10) }},
		{"set", func(p redis.Pipeliner, n int) { p.SAdd(ctx, key+"s", n, "member") },
			func(c redis.Cmdable) *redis.ScanCmd { return c.SScan(ctx, key+"s", 0, "", 10) }},
		{"sorted set", func(p redis.Pipeliner, n int) { p.ZAdd(ctx, key+"z", redis.Z{Score: float64(n), Member: n}) },
			func(c redis.Cmdable) *redis.ScanCmd { return c.ZScan(ctx, key+"z", 0, "", 10) }},
	} {
		_, err := d.tools.Pipelined(ctx, func(p redis.Pipeliner) error {
			for n := range members {
				scan.add(p, n)
			}
			return nil
		})
		require.NoError(t, err, scan.name)
		want, err := all(t, scan.of(d.reference))
		require.NoError(t, err, scan.name)
		got, err := all(t, scan.of(d.ours))
		require.NoError(t, err, scan.name)
		require.GreaterOrEqual(t, len(want), members, scan.name)
		require.Equal(t, want, got, scan.name)
	}
}

// all returns what an iterator gives, sorted.
func all(t *testing.T, cmd *redis.ScanCmd) (list []string, err error) {
	it := cmd.Iterator()
	for it.Next(t.Context()) {
		list = append(list, it.Val())
	}
	slices.Sort(list)
	return list, it.Err()
}
