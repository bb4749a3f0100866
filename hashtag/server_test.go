package hashtag_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/internal/realcluster"
)

func TestSlotMatchesServer(t *testing.T) {
	c := realcluster.Start(t, realcluster.Config{Masters: 1})
	client := redis.NewClient(&redis.Options{Addr: c.Addrs()[0]})
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	keys := randomKeys(rand.New(rand.NewPCG(seed, 0)), 10_000)

	answers := make([]*redis.IntCmd, len(keys))
	_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range keys {
			answers[i] = p.ClusterKeySlot(ctx, key)
		}
		return nil
	})
	require.NoError(t, err)
	for i, key := range keys {
		if want := answers[i].Val(); want != int64(hashtag.Slot(key)) {
			require.EqualValues(t, want, hashtag.Slot(key), "%q", key)
		}
	}
}

// randomKeys returns keys of up to 40 bytes: any bytes for one half, and for the
// other few different ones, so that braces meet in every way.
func randomKeys(r *rand.Rand, n int) []string {
	keys := make([]string, n)
	for i := range keys {
		key := make([]byte, r.IntN(41))
		for j := range key {
			if i%2 == 0 {
				key[j] = byte(r.Uint32())
			} else {
				key[j] = "{}ab\x00\xff"[r.IntN(6)]
			}
		}
		keys[i] = string(key)
	}
	return keys
}
