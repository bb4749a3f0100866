package slotmesh_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
)

// A call whose own request is written to a connection that takes nothing, since its node
// reads nothing, ends with its context too.
func TestCancelWhileWriteBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStub() // its connections have no buffers
		over := make(chan struct{})
		s.answer = func(_ string, args []string) string {
			if args[0] == "get" {
				<-over
			}
			return ""
		}
		client, err := slotmesh.New(t.Context(), slotmesh.Options{Addrs: s.addrs, Dialer: s.dial})
		require.NoError(t, err)
		defer client.Close()
		defer close(over)
		go client.Get(t.Context(), s.key(0))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err = client.Incr(ctx, s.key(0)).Err()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))
	})
}
