package routing

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// A node that names its own address in MOVED may be reached by another way: its name is
// resolved anew. What is under way on the old connection ends there.
func TestMovedToTheSameAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newPipeMesh(t, 2)
		var lead atomic.Pointer[scriptedNode] // where the name of node 0 leads
		lead.Store(m.nodes[0])
		opts := with(m.options(), func(o *redis.Options) {
			o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
				if addr == m.nodes[0].addr {
					addr = lead.Load().addr
				}
				return m.dial(ctx, network, addr)
			}
		})
		r := open(t, opts)
		require.NoError(t, r.Process(t.Context(), get(m.key(0))))

		m.nodes[0].on(func(heard) string { return movedTo(m.slot(0), m.nodes[0]) })
		lead.Store(m.nodes[1])
		cmd := get(m.key(0))
		require.NoError(t, r.Process(t.Context(), cmd))
		require.Equal(t, "value of "+m.key(0), cmd.Val())
		require.Len(t, m.nodes[1].requests(), 1, "the machine that the name leads to now")
		require.EqualValues(t, 1, r.Stats().Moved)
		r.Close()
		m.stop()
	})
}

// If that leads to the same machine again, that is told, and it is not dialled for each.
func TestMovedToTheSameAddressForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newPipeMesh(t, 1)
		r := m.router(t)
		m.nodes[0].on(func(heard) string { return movedTo(m.slot(0), m.nodes[0]) })
		start := time.Now()
		var callers sync.WaitGroup
		for range 100 {
			callers.Go(func() {
				err := r.Process(t.Context(), incr(m.key(0)))
				require.ErrorIs(t, err, ErrTooManyRedirects)
				requireOutcome(t, NotExecuted, err)
			})
		}
		callers.Wait()
		require.Less(t, time.Since(start), time.Second)
		m.nodes[0].mu.Lock()
		opened := m.nodes[0].opened
		m.nodes[0].mu.Unlock()
		require.LessOrEqual(t, opened, 5, "the one that asks for the map included")
		r.Close()
		m.stop()
	})
}

// A whole cluster that comes back at other addresses is found behind the same seeds.
func TestClusterAtNewAddresses(t *testing.T) {
	for _, old := range []string{"refuse", "are silent"} {
		t.Run("the old ones "+old, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newPipeMesh(t, 6)
				here, there := m.nodes[:3], m.nodes[3:]
				moved := atomic.Bool{}
				m.answerSlots(func(*scriptedNode) string {
					if moved.Load() {
						return slotsOf(there)
					}
					return slotsOf(here)
				})
				opts := readTimeout(with(m.options(), func(o *redis.Options) {
					o.DialTimeout = time.Second
					o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
						switch {
						case addr != "seed.example:7000":
							return m.dial(ctx, network, addr)
						case moved.Load():
							return m.dial(ctx, network, there[0].addr)
						default:
							return m.dial(ctx, network, here[0].addr)
						}
					}
				}), 500*time.Millisecond)
				opts.Seeds = []string{"seed.example:7000"}
				opts.Policy = Policy{MaxRedirects: 5, MaxRetries: 16, MinBackoff: 8 * time.Millisecond, MaxBackoff: 512 * time.Millisecond}
				r := open(t, opts)
				for part := range 3 {
					require.NoError(t, r.Process(t.Context(), get(m.key(2*part))))
				}
				moved.Store(true)
				for _, n := range here {
					if old == "refuse" {
						n.fail("refuses connections")
					} else {
						n.fail("is silent")
					}
				}
				for part := range 3 {
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
					require.NoError(t, r.Process(ctx, get(m.key(2*part))), fmt.Sprint("part ", part))
					cancel()
				}
				for _, n := range there {
					require.NotEmpty(t, n.requests())
				}
				r.Close()
				m.stop()
			})
		})
	}
}
