package routing

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A change of the map that arrives while the router closes leaves the old snapshot, whole.
func TestSnapshotStaysWholeInClose(t *testing.T) {
	m := newMesh(t, 3)
	r := m.router(t)
	r.nodes.close()
	r.cache.Moved(m.slot(0), m.nodes[1].addr, r.SlotMap())
	snap := r.snapshot.Load()
	require.Len(t, snap.masters, len(snap.slots.Shards()))
	require.Error(t, r.Process(t.Context(), get(m.key(2))))
}

// A nil context is an error everywhere.
func TestNilContext(t *testing.T) {
	m := newMesh(t, 1)
	r := m.router(t)
	var none context.Context
	require.ErrorContains(t, r.Shutdown(none), "nil context")
	require.ErrorContains(t, r.Refresh(none), "nil context")
	require.ErrorContains(t, r.Process(none, get(m.key(0))), "nil context")
	require.ErrorContains(t, r.Run(none, []*Op{{Cmd: get(m.key(0))}}), "nil context")
	_, _, err := r.Hold(none)
	require.ErrorContains(t, err, "nil context")
	_, err = New(none, m.options())
	require.ErrorContains(t, err, "nil context")
}

// Shutdown waits for a caller that holds the router, and takes what it still sends.
func TestShutdownWaitsForHold(t *testing.T) {
	m := newMesh(t, 1)
	r := m.router(t)
	held, release, err := r.Hold(t.Context())
	require.NoError(t, err)
	down := make(chan error, 1)
	go func() { down <- r.Shutdown(context.Background()) }()
	require.Eventually(t, func() bool {
		return r.Process(t.Context(), get(m.key(0))) != nil
	}, 10*time.Second, time.Millisecond)
	require.NoError(t, r.Process(held, get(m.key(0))))
	select {
	case <-down:
		t.Fatal("Shutdown did not wait")
	default:
	}
	release()
	require.NoError(t, <-down)
	require.ErrorIs(t, r.Process(held, get(m.key(0))), ErrClosed)
}
