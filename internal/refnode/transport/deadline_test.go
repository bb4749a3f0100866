package transport_test

import (
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
)

func requireTimeout(t testing.TB, err error, op string) {
	t.Helper()
	requireOpError(t, err, op, os.ErrDeadlineExceeded)
	var netErr net.Error
	require.ErrorAs(t, err, &netErr)
	require.True(t, netErr.Timeout())
}

func TestPastDeadline(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		client, server := connect(t, network)
		write(t, client, "ping")
		require.NoError(t, server.SetDeadline(past))
		requireTimeout(t, <-reading(server), "read")
		n, err := server.Write([]byte("pong"))
		requireTimeout(t, err, "write")
		require.Zero(t, n)

		require.NoError(t, server.SetReadDeadline(time.Time{}))
		requireRead(t, server, "ping")
		require.NoError(t, server.SetWriteDeadline(time.Time{}))
		write(t, server, "PONG")
		requireRead(t, client, "PONG")
	})
}

func TestFutureDeadline(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		client, _ := connect(t, network)
		for range 3 { // the timer works again
			start := time.Now()
			require.NoError(t, client.SetDeadline(start.Add(soon)))
			requireTimeout(t, <-reading(client), "read")
			require.GreaterOrEqual(t, time.Since(start), soon)

			start = time.Now()
			require.NoError(t, client.SetDeadline(start.Add(soon)))
			requireTimeout(t, <-writing(client), "write")
			require.GreaterOrEqual(t, time.Since(start), soon)
		}
	})
}

func TestDeadlinePokesWhoIsBlocked(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		client, _ := connect(t, network)
		read, written := reading(client), writing(client)
		require.NoError(t, client.SetReadDeadline(past))
		requireTimeout(t, <-read, "read")
		select {
		case err := <-written:
			require.Fail(t, "the read deadline ended a Write", "%v", err)
		default:
		}
		require.NoError(t, client.SetWriteDeadline(past))
		requireTimeout(t, <-written, "write")
	})
}

func TestDeadlinesAreOfOneDirection(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		client, server := connect(t, network)
		require.NoError(t, client.SetReadDeadline(past))
		write(t, client, "ping")
		requireRead(t, server, "ping")
		require.NoError(t, client.SetReadDeadline(time.Time{}))
		require.NoError(t, client.SetWriteDeadline(past))
		write(t, server, "pong")
		requireRead(t, client, "pong")
	})
}

// blockedUntil returns how long a Read is blocked whose deadline is first after a
// second, and is moved while it is blocked.
func blockedUntil(t *testing.T, wrap func(net.Conn) net.Conn, move func(net.Conn, time.Time)) time.Duration {
	client, _ := connect(t, transport.NewMemory())
	client = wrap(client)
	start := time.Now()
	require.NoError(t, client.SetReadDeadline(start.Add(time.Second)))
	read := reading(client)
	synctest.Wait()
	move(client, start)
	requireTimeout(t, <-read, "read")
	return time.Since(start)
}

func TestDeadlineMovesWhileBlocked(t *testing.T) {
	shut := transport.NewGate()
	shut.Shut()
	wraps := map[string]func(net.Conn) net.Conn{
		"memory": func(conn net.Conn) net.Conn { return conn },
		"shut":   transport.Link{In: shut}.Wrap,
	}
	moves := map[string]struct {
		move func(net.Conn, time.Time)
		want time.Duration
	}{
		"not":     {func(net.Conn, time.Time) {}, time.Second},
		"later":   {func(c net.Conn, start time.Time) { c.SetReadDeadline(start.Add(time.Minute)) }, time.Minute},
		"sooner":  {func(c net.Conn, start time.Time) { c.SetReadDeadline(start.Add(time.Millisecond)) }, time.Millisecond},
		"at once": {func(c net.Conn, start time.Time) { c.SetReadDeadline(start) }, 0},
		"off, then on": {func(c net.Conn, start time.Time) {
			c.SetReadDeadline(time.Time{})
			synctest.Wait()
			c.SetReadDeadline(start.Add(time.Hour))
		}, time.Hour},
		"sooner, then later": {func(c net.Conn, start time.Time) {
			c.SetReadDeadline(start.Add(time.Millisecond))
			synctest.Wait()
			c.SetReadDeadline(start.Add(2 * time.Second))
		}, 2 * time.Second},
	}
	for conn, wrap := range wraps {
		for name, test := range moves {
			t.Run(conn+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					require.Equal(t, test.want, blockedUntil(t, wrap, test.move))
				})
			})
		}
	}
}
