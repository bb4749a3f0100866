package clustertest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/clustertest"
)

// A Pause that waits for a busy node keeps nobody from killing that node.
func TestKillWhilePauseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.Start(t, clustertest.Config{InMemory: true})
		addr := c.Masters()[0]
		dial(t, c, addr).send("DEBUG SLEEP 1000")
		synctest.Wait()
		paused := make(chan error)
		go func() { paused <- c.Pause(addr) }()
		synctest.Wait()
		start := time.Now()
		require.NoError(t, c.Kill(addr))
		<-paused // with an error, or it was just in time
		require.Equal(t, time.Duration(0), time.Since(start))
		require.NoError(t, c.Restart(t.Context(), addr))
		require.NoError(t, c.Pause(addr))
		require.NoError(t, c.Resume(addr))
	})
}
