package transport_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
)

var epoch = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

func TestSystemClockIsThatOfTheBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := transport.System()
		start := clock.Now()
		fired := make(chan time.Time)
		clock.AfterFunc(time.Hour, func() { fired <- clock.Now() })
		require.Equal(t, time.Hour, (<-fired).Sub(start))

		timer := clock.AfterFunc(time.Hour, func() { t.Error("it was stopped") })
		require.True(t, timer.Stop())
		time.Sleep(2 * time.Hour)
	})
}

func TestManualRunsWhatIsDueInOrder(t *testing.T) {
	clock := transport.NewManual(epoch)
	var got []string
	set := func(name string, d time.Duration) transport.Timer {
		return clock.AfterFunc(d, func() { got = append(got, name+" "+clock.Now().Sub(epoch).String()) })
	}
	set("late", 4*time.Second)
	set("third", 2*time.Second)
	set("first", time.Second)
	set("fourth", 2*time.Second)
	clock.AfterFunc(time.Second, func() {
		set("second", 500*time.Millisecond)
		set("at once", 0)
	})
	clock.Advance(3 * time.Second)
	require.Equal(t, []string{"first 1s", "at once 1s", "second 1.5s", "third 2s", "fourth 2s"}, got)
	require.Equal(t, epoch.Add(3*time.Second), clock.Now())

	got = nil
	clock.Advance(time.Second - 1)
	require.Empty(t, got)
	clock.Advance(1)
	require.Equal(t, []string{"late 4s"}, got)
}

func TestManualWithoutDelay(t *testing.T) {
	clock := transport.NewManual(epoch)
	var calls []time.Time
	call := func() { calls = append(calls, clock.Now()) }
	clock.AfterFunc(0, call)
	clock.AfterFunc(-time.Hour, call)
	require.Empty(t, calls, "only Advance calls")
	clock.Advance(0)
	require.Equal(t, []time.Time{epoch, epoch}, calls, "time does not go back")
}

func TestManualTimer(t *testing.T) {
	clock := transport.NewManual(epoch)
	calls := 0
	timer := clock.AfterFunc(time.Second, func() { calls++ })
	require.True(t, timer.Stop())
	require.False(t, timer.Stop())
	clock.Advance(time.Minute)
	require.Zero(t, calls)

	require.False(t, timer.Reset(time.Second))
	require.True(t, timer.Reset(2*time.Second))
	clock.Advance(time.Second)
	require.Zero(t, calls)
	clock.Advance(time.Second)
	require.Equal(t, 1, calls)
	require.False(t, timer.Stop(), "it was called")
}

// A periodic task sets its own timer again.
func TestManualTick(t *testing.T) {
	clock := transport.NewManual(epoch)
	ticks := 0
	var timer transport.Timer
	timer = clock.AfterFunc(100*time.Millisecond, func() {
		ticks++
		timer.Reset(100 * time.Millisecond)
	})
	clock.Advance(15 * time.Second)
	require.Equal(t, 150, ticks)
}
