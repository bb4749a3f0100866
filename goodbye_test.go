package slotmesh_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/clustertest"
)

// That TLS says goodbye before a connection ends is no reason to send anything after it,
// however soon.
func TestGoodbyeWhileIdle(t *testing.T) {
	c := embedded{clustertest.Start(t, clustertest.Config{Masters: 1})}
	i := newIdlers(t, c, true)
	const rounds = 10
	for n := range rounds {
		require.NoError(t, i.client.Incr(t.Context(), "n").Err(), "round %d", n)
		require.Eventually(t, func() bool {
			return started(nil, "wire.(*Conn).readIdle") != ""
		}, suiteTimeout, pollEvery, "somebody reads while nobody waits")
		i.tls.closeAll()
	}
	require.Equal(t, fmt.Sprint(rounds), i.client.Get(t.Context(), "n").Val())
}
