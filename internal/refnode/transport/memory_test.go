package transport_test

import (
	"context"
	"io"
	"net"
	"runtime"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
)

func TestMemoryPorts(t *testing.T) {
	memory := transport.NewMemory()
	require.Equal(t, "127.0.0.1:10000", listen(t, memory).Addr().String())
	_, err := memory.Listen(t.Context(), "127.0.0.1:10001")
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:10002", listen(t, memory).Addr().String(), "10001 is taken")

	closed := listen(t, memory)
	require.NoError(t, closed.Close())
	require.NotEqual(t, closed.Addr().String(), listen(t, memory).Addr().String())
	_, err = transport.NewMemory().Dial(t.Context(), "127.0.0.1:10000")
	require.ErrorIs(t, err, syscall.ECONNREFUSED, "networks are apart")
}

func TestMemoryRunsOutOfPorts(t *testing.T) {
	memory := transport.NewMemory()
	for range 65535 - 10000 {
		_, err := memory.Listen(t.Context(), "127.0.0.1:0")
		require.NoError(t, err)
	}
	last := listen(t, memory)
	require.Equal(t, "127.0.0.1:65535", last.Addr().String())
	_, err := memory.Listen(t.Context(), "127.0.0.1:0")
	requireOpError(t, err, "listen", syscall.EADDRINUSE)
	require.NoError(t, last.Close())
	require.Equal(t, "127.0.0.1:65535", listen(t, memory).Addr().String())
}

func TestMemoryHosts(t *testing.T) {
	memory := transport.NewMemory()
	for _, host := range []string{"", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]"} {
		listener, err := memory.Listen(t.Context(), host+":7000")
		require.NoError(t, err, host)
		require.Equal(t, "127.0.0.1:7000", listener.Addr().String())
		conn, err := memory.Dial(t.Context(), host+":7000")
		require.NoError(t, err, host)
		require.NoError(t, conn.Close())
		require.NoError(t, listener.Close())
	}
	_, err := memory.Dial(t.Context(), "node.example:7000")
	var dnsErr *net.DNSError
	require.ErrorAs(t, err, &dnsErr)
	require.True(t, dnsErr.IsNotFound)

	for _, addr := range []string{"127.0.0.2:7000", "[::1]:7000", "127.0.0.1:7000"} {
		listener, err := memory.Listen(t.Context(), addr)
		require.NoError(t, err)
		require.Equal(t, addr, listener.Addr().String())
	}
}

func TestMemoryBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := connect(t, transport.NewMemory())
		write(t, client, string(make([]byte, 256<<10)))
		require.NoError(t, client.SetWriteDeadline(time.Now().Add(time.Hour)))
		_, err := client.Write([]byte{0})
		requireTimeout(t, err, "write")

		require.NoError(t, client.SetWriteDeadline(time.Time{}))
		written := async(func() error {
			_, err := client.Write([]byte{0})
			return err
		})
		_, err = io.CopyN(io.Discard, server, 128<<10-1)
		require.NoError(t, err)
		synctest.Wait()
		require.Empty(t, written, "a Write goes on when half of the buffer is free")
		require.NoError(t, <-reading(server))
		require.NoError(t, <-written)
	})
}

func TestMemoryDialWaitsForTheBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := transport.NewMemory()
		listener := listen(t, memory)
		addr := listener.Addr().String()
		for range 128 {
			_, err := memory.Dial(t.Context(), addr)
			require.NoError(t, err)
		}
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := memory.Dial(ctx, addr)
		requireOpError(t, err, "dial", context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))

		dial := func() <-chan error {
			return async(func() error {
				_, err := memory.Dial(t.Context(), addr)
				return err
			})
		}
		dialed := dial()
		synctest.Wait()
		require.Empty(t, dialed)
		_, err = listener.Accept()
		require.NoError(t, err)
		require.NoError(t, <-dialed)

		dialed = dial()
		synctest.Wait()
		require.NoError(t, listener.Close())
		requireOpError(t, <-dialed, "dial", syscall.ECONNREFUSED)
	})
}

func TestPipe(t *testing.T) {
	from, to := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2}
	client, server := transport.Pipe(from, to)
	require.Equal(t, from, client.LocalAddr())
	require.Equal(t, to, client.RemoteAddr())
	require.Equal(t, to, server.LocalAddr())
	require.Equal(t, from, server.RemoteAddr())
	write(t, client, "ping")
	requireRead(t, server, "ping")
	require.NoError(t, server.Close())
	require.Equal(t, io.EOF, <-reading(client))
}

func TestMemoryWriteToClosedPeer(t *testing.T) {
	client, server := connect(t, transport.NewMemory())
	require.NoError(t, server.Close())
	_, err := client.Write([]byte("ping"))
	requireOpError(t, err, "write", syscall.EPIPE)

	client, server = connect(t, transport.NewMemory())
	write(t, client, "unread")
	require.NoError(t, server.Close())
	_, err = client.Write([]byte("ping"))
	requireOpError(t, err, "write", syscall.ECONNRESET)
}

// A Linux socket, too, hands out what had come before the reset.
func TestResetComesAfterWhatWasSent(t *testing.T) {
	client, server := connect(t, transport.NewMemory())
	write(t, server, "pong")
	require.NoError(t, transport.Reset(server))
	requireRead(t, client, "pong")
	requireOpError(t, <-reading(client), "read", syscall.ECONNRESET)
	_, err := client.Write([]byte("ping"))
	requireOpError(t, err, "write", syscall.ECONNRESET)
}

func TestConnectionsLeaveNoGoroutine(t *testing.T) {
	memory := transport.NewMemory()
	listener := listen(t, memory)
	gate := transport.NewGate()
	before := runtime.NumGoroutine()
	var open []net.Conn
	for range 1000 {
		client, err := memory.Dial(t.Context(), listener.Addr().String())
		require.NoError(t, err)
		server, err := listener.Accept()
		require.NoError(t, err)
		server = transport.Link{In: gate, Out: gate}.Wrap(server)
		open = append(open, client, server)
		write(t, client, "ping")
		requireRead(t, server, "ping")
	}
	require.LessOrEqual(t, runtime.NumGoroutine(), before, "an open connection has no goroutine")
	gate.Shut()
	for _, conn := range open {
		require.NoError(t, transport.Reset(conn))
	}
	gate.Open()
	require.LessOrEqual(t, runtime.NumGoroutine(), before)
}
