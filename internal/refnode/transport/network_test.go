package transport_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
)

// onEach runs test on every network: sockets, memory, and memory in a bubble,
// where a wait that is not durable, or has no end, fails the test.
func onEach(t *testing.T, test func(t *testing.T, network transport.Network)) {
	t.Helper()
	t.Run("tcp", func(t *testing.T) { test(t, transport.TCP()) })
	t.Run("memory", func(t *testing.T) { test(t, transport.NewMemory()) })
	t.Run("bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, transport.NewMemory()) })
	})
}

// soon is how far away a deadline is that a test waits for; on TCP that is time
// on the clock.
const soon = 20 * time.Millisecond

// past is a deadline that is over.
var past = time.Unix(1, 0)

// tooMuch is more than the buffers of a connection take.
const tooMuch = 4 << 20

func listen(t testing.TB, network transport.Network) net.Listener {
	t.Helper()
	listener, err := network.Listen(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	return listener
}

// connect returns both ends of a connection, with buffers that a test can fill.
func connect(t testing.TB, network transport.Network) (client, server net.Conn) {
	t.Helper()
	client, server = dial(t, network)
	for _, conn := range []net.Conn{client, server} {
		if socket, ok := conn.(*net.TCPConn); ok {
			require.NoError(t, socket.SetReadBuffer(64<<10))
			require.NoError(t, socket.SetWriteBuffer(64<<10))
		}
	}
	return client, server
}

// dial returns both ends of a connection.
func dial(t testing.TB, network transport.Network) (client, server net.Conn) {
	t.Helper()
	listener := listen(t, network)
	client, err := network.Dial(t.Context(), listener.Addr().String())
	require.NoError(t, err)
	server, err = listener.Accept()
	require.NoError(t, err)
	t.Cleanup(func() {
		client.Close()
		server.Close()
	})
	return client, server
}

// async runs f in a goroutine, and returns where its error comes.
func async(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	return done
}

func reading(conn net.Conn) <-chan error {
	return async(func() error {
		_, err := conn.Read(make([]byte, 1))
		return err
	})
}

func writing(conn net.Conn) <-chan error {
	return async(func() error {
		_, err := conn.Write(make([]byte, tooMuch))
		return err
	})
}

func write(t testing.TB, conn net.Conn, text string) {
	t.Helper()
	n, err := conn.Write([]byte(text))
	require.NoError(t, err)
	require.Equal(t, len(text), n)
}

func requireRead(t testing.TB, conn net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	_, err := io.ReadFull(conn, got)
	require.NoError(t, err)
	require.Equal(t, want, string(got))
}

// requireSilent requires that conn has nothing to read, not even an end.
func requireSilent(t testing.TB, conn net.Conn) {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(soon)))
	n, err := conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.Zero(t, n)
	require.NoError(t, conn.SetReadDeadline(time.Time{}))
}

// requireOpError requires an error as package net returns it.
func requireOpError(t testing.TB, err error, op string, target error) {
	t.Helper()
	var opErr *net.OpError
	require.ErrorAs(t, err, &opErr)
	require.Equal(t, op, opErr.Op)
	require.Equal(t, "tcp", opErr.Net)
	require.ErrorIs(t, err, target)
}

// pattern returns n bytes that tell when some are missing, or at a wrong place.
func pattern(n int, seed byte) []byte {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(p)
	return p
}

func TestBothWaysAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		client, server := connect(t, network)
		request, reply := pattern(1<<20, 1), pattern(1<<20, 2)
		send := func(conn net.Conn, p []byte) <-chan error {
			return async(func() error {
				_, err := conn.Write(p)
				return errors.Join(err, conn.(interface{ CloseWrite() error }).CloseWrite())
			})
		}
		sent, replied := send(client, request), send(server, reply)
		var got []byte
		received := async(func() (err error) {
			got, err = io.ReadAll(server)
			return err
		})
		gotReply, err := io.ReadAll(client)
		require.NoError(t, err)
		require.NoError(t, <-received)
		require.NoError(t, <-sent)
		require.NoError(t, <-replied)
		require.True(t, bytes.Equal(request, got))
		require.True(t, bytes.Equal(reply, gotReply))
	})
}

func TestConcurrentWritesAreNotTorn(t *testing.T) {
	const writers, size = 8, 300_000
	onEach(t, func(t *testing.T, network transport.Network) {
		client, server := connect(t, network)
		var written sync.WaitGroup
		for i := range writers {
			written.Go(func() { client.Write(bytes.Repeat([]byte{byte(i)}, size)) })
		}
		block := make([]byte, size)
		for range writers {
			_, err := io.ReadFull(server, block)
			require.NoError(t, err)
			require.Equal(t, size, bytes.Count(block, block[:1]))
		}
		written.Wait()
	})
}

func TestBackPressure(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		client, server := connect(t, network)
		sent := pattern(tooMuch, 1)
		require.NoError(t, client.SetWriteDeadline(time.Now().Add(soon)))
		n, err := client.Write(sent)
		requireOpError(t, err, "write", os.ErrDeadlineExceeded)
		require.Positive(t, n)
		require.Less(t, n, len(sent))

		require.NoError(t, client.SetWriteDeadline(time.Time{}))
		rest := async(func() error {
			_, err := client.Write(sent[n:])
			return errors.Join(err, client.Close())
		})
		got, err := io.ReadAll(server)
		require.NoError(t, err)
		require.NoError(t, <-rest)
		require.True(t, bytes.Equal(sent, got), "what a Write says it has written arrives, once")
	})
}

func TestAddrs(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		listener := listen(t, network)
		client, err := network.Dial(t.Context(), listener.Addr().String())
		require.NoError(t, err)
		defer client.Close()
		server, err := listener.Accept()
		require.NoError(t, err)
		defer server.Close()

		require.Equal(t, listener.Addr().String(), client.RemoteAddr().String())
		require.Equal(t, client.RemoteAddr().String(), server.LocalAddr().String())
		require.Equal(t, client.LocalAddr().String(), server.RemoteAddr().String())
		require.NotEqual(t, client.LocalAddr().String(), server.LocalAddr().String())
		for _, addr := range []net.Addr{listener.Addr(), client.LocalAddr(), client.RemoteAddr()} {
			require.IsType(t, (*net.TCPAddr)(nil), addr)
			require.True(t, addr.(*net.TCPAddr).IP.IsLoopback())
			require.Positive(t, addr.(*net.TCPAddr).Port)
		}
	})
}

func TestDialRefused(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		listener := listen(t, network)
		require.NoError(t, listener.Close())
		_, err := network.Dial(t.Context(), listener.Addr().String())
		requireOpError(t, err, "dial", syscall.ECONNREFUSED)
		require.EqualError(t, err, "dial tcp "+listener.Addr().String()+": connect: connection refused")
	})
}

func TestDialWithContextThatIsDone(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		addr := listen(t, network).Addr().String()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := network.Dial(ctx, addr)
		requireOpError(t, err, "dial", context.Canceled)

		ctx, cancel = context.WithDeadline(t.Context(), past)
		defer cancel()
		_, err = network.Dial(ctx, addr)
		requireOpError(t, err, "dial", context.DeadlineExceeded)
		var netErr net.Error
		require.ErrorAs(t, err, &netErr)
		require.True(t, netErr.Timeout())
	})
}

func TestDialAndListenOfBadAddr(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		for _, addr := range []string{"127.0.0.1", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:x"} {
			_, err := network.Dial(t.Context(), addr)
			require.Error(t, err, addr)
			_, err = network.Listen(t.Context(), addr)
			require.Error(t, err, addr)
		}
	})
}
