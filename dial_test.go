package slotmesh_test

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/batch"
	"github.com/slotmesh/slotmesh/routing"
)

// sickStub returns a stub and a client whose dials to one node, once that is named, do not
// end before their context does.
func sickStub(t *testing.T, options func(*slotmesh.Options)) (*stub, *slotmesh.Client, *atomic.Value) {
	s := newStub()
	var sick atomic.Value
	client := s.connect(t, func(o *slotmesh.Options) {
		o.RefreshInterval = -1
		o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if addr == sick.Load() {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return s.dial(ctx, network, addr)
		}
		options(o)
	})
	return s, client, &sick
}

// A node that cannot be dialled keeps no key of other nodes waiting.
func TestANodeThatCannotBeDialledHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client, sick := sickStub(t, func(*slotmesh.Options) {})
		sick.Store(s.addrs[0])
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		values, err := batch.MGet(ctx, client, []string{s.key(0), s.key(1), s.key(2)})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Error(t, values.Err(0))
		require.NotEqual(t, routing.NotExecuted, values.Outcome(1), "it was sent")
		require.NotEqual(t, routing.NotExecuted, values.Outcome(2), "it was sent")
	})
}

// DialTimeout bounds a dialer of the user's too.
func TestDialTimeoutBoundsACustomDialer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client, sick := sickStub(t, func(o *slotmesh.Options) {
			o.DialTimeout, o.Retry.MaxRetries = time.Second, -1
		})
		sick.Store(s.addrs[1])
		start := time.Now()
		require.ErrorIs(t, client.Get(t.Context(), s.key(1)).Err(), context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))
	})
}

// To go over another connection is no retry: a read that is held up is slow, and no error.
func TestHeldUpWithoutRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStub()
		release := make(chan struct{})
		s.answer = func(_ string, args []string) string {
			if strings.EqualFold(args[0], "incr") {
				<-release
			}
			return ""
		}
		client := s.connect(t, func(o *slotmesh.Options) { o.RefreshInterval, o.Retry.MaxRetries = -1, -1 })
		require.ErrorIs(t, client.Get(t.Context(), s.key(1)).Err(), redis.Nil)
		written := make(chan error)
		go func() { written <- client.Incr(context.Background(), s.key(1)).Err() }()
		synctest.Wait()
		require.ErrorIs(t, client.Get(t.Context(), s.key(1)).Err(), redis.Nil)
		close(release)
		require.NoError(t, <-written)
	})
}
