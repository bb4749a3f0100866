package transport_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
)

func TestGateWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := transport.NewGate()
		done, cancel := context.WithCancel(t.Context())
		cancel()
		require.False(t, gate.IsShut())
		require.NoError(t, gate.Wait(done), "an open gate is no wait")

		gate.Shut()
		gate.Shut()
		require.True(t, gate.IsShut())
		require.Equal(t, context.Canceled, gate.Wait(done))
		start := time.Now()
		time.AfterFunc(time.Minute, gate.Open)
		require.NoError(t, gate.Wait(t.Context()))
		require.Equal(t, time.Minute, time.Since(start))
		gate.Open()
		require.False(t, gate.IsShut())
	})
}

func TestNilGateIsOpen(t *testing.T) {
	var gate *transport.Gate
	require.False(t, gate.IsShut())
	require.NoError(t, gate.Wait(t.Context()))
}
