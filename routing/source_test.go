package routing

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/slotmap"
)

// However many known nodes are silent, a seed that answers is heard within one refresh.
func TestSilentNodesDoNotHideTheSeeds(t *testing.T) {
	const seed = "seed.example:7000"
	m := newMesh(t, 12)
	var silent atomic.Bool
	opts := with(m.options(), func(o *redis.Options) {
		o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
			switch {
			case addr == seed:
				return m.dial(ctx, network, m.nodes[0].addr)
			case silent.Load():
				<-ctx.Done()
				return nil, ctx.Err()
			default:
				return m.dial(ctx, network, addr)
			}
		}
	})
	opts.Seeds = []string{seed}
	opts.Refresh = slotmap.CacheOptions{}
	r := open(t, opts)
	silent.Store(true)
	require.NoError(t, r.Refresh(t.Context()))
}

// A periodic refresh that comes due while New asks its first question is no race.
func TestRefreshWhileNewAsks(t *testing.T) {
	for i := range 40 {
		m := newMesh(t, 1)
		opts := m.options()
		opts.Refresh = slotmap.CacheOptions{MinInterval: -1, Period: time.Duration(1+i) * 50 * time.Microsecond}
		r, err := New(t.Context(), opts)
		require.NoError(t, err)
		r.Close()
		m.stop()
	}
}
