package transport_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
)

func TestCloseEndsWhoIsBlockedHere(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		client, _ := connect(t, network)
		read, written := reading(client), writing(client)
		require.NoError(t, client.Close())
		requireOpError(t, <-read, "read", net.ErrClosed)
		requireOpError(t, <-written, "write", net.ErrClosed)
	})
}

func TestClosed(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		client, server := connect(t, network)
		write(t, server, "pong")
		require.NoError(t, client.SetDeadline(past))
		require.NoError(t, client.Close())
		requireOpError(t, client.Close(), "close", net.ErrClosed)
		requireOpError(t, <-reading(client), "read", net.ErrClosed)
		_, err := client.Write([]byte("ping"))
		requireOpError(t, err, "write", net.ErrClosed)
		requireOpError(t, client.SetDeadline(past), "set", net.ErrClosed)
		requireOpError(t, client.SetReadDeadline(past), "set", net.ErrClosed)
		requireOpError(t, client.SetWriteDeadline(past), "set", net.ErrClosed)
	})
}

func TestPeerClosed(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		client, server := connect(t, network)
		sent := string(pattern(100_000, 1))
		write(t, server, sent)
		require.NoError(t, server.Close())
		requireRead(t, client, sent)
		for range 2 {
			n, err := client.Read(make([]byte, 1))
			require.Equal(t, io.EOF, err)
			require.Zero(t, n)
		}
		requireBroken(t, <-writing(client))
	})
}

func TestPeerClosesWhileBlocked(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		client, server := connect(t, network)
		read := reading(client)
		require.NoError(t, server.Close())
		require.Equal(t, io.EOF, <-read)

		client, server = connect(t, network)
		written := writing(client)
		require.NoError(t, server.Close())
		requireBroken(t, <-written)
	})
}

// requireBroken requires the error of a Write to a peer that is gone. Which of the
// two it is depends on what the peer had read.
func requireBroken(t testing.TB, err error) {
	t.Helper()
	target := syscall.EPIPE
	if errors.Is(err, syscall.ECONNRESET) {
		target = syscall.ECONNRESET
	}
	requireOpError(t, err, "write", target)
}

func TestCloseWithUnreadBytesResets(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		client, server := connect(t, network)
		write(t, client, "ping")
		write(t, client, "ping")
		requireRead(t, server, "ping")
		requireRead(t, server, "p") // the rest is there too
		write(t, server, "pong")
		requireRead(t, client, "pong")
		require.NoError(t, server.Close())
		requireOpError(t, <-reading(client), "read", syscall.ECONNRESET)
	})
}

func TestCloseWrite(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		client, server := connect(t, network)
		write(t, client, "ping")
		half := client.(interface{ CloseWrite() error })
		require.NoError(t, half.CloseWrite())
		requireRead(t, server, "ping")
		require.Equal(t, io.EOF, <-reading(server))
		_, err := client.Write([]byte("ping"))
		requireOpError(t, err, "write", syscall.EPIPE)

		write(t, server, "pong")
		requireRead(t, client, "pong")
		require.NoError(t, client.Close())
		requireOpError(t, half.CloseWrite(), "close", net.ErrClosed)
	})
}

func TestReset(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		client, server := connect(t, network)
		read := reading(client)
		require.NoError(t, transport.Reset(server))
		requireOpError(t, <-read, "read", syscall.ECONNRESET)
		requireBroken(t, <-writing(client))
		requireOpError(t, <-reading(server), "read", net.ErrClosed)
		requireOpError(t, transport.Reset(server), "set", net.ErrClosed)
	})
}

// A nested connection is what package tls returns, as far as Reset can see.
type nested struct{ net.Conn }

func (c nested) NetConn() net.Conn { return c.Conn }

// A plain connection can be closed, and not reset.
type plain struct{ net.Conn }

func TestResetOfWhatWraps(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		client, server := connect(t, network)
		require.NoError(t, transport.Reset(nested{nested{server}}))
		requireOpError(t, <-reading(client), "read", syscall.ECONNRESET)

		client, server = connect(t, network)
		require.NoError(t, transport.Reset(plain{server}))
		require.Equal(t, io.EOF, <-reading(client))
	})
}

// TestEverythingAtOnce is for the race detector, and for waits that nothing ends.
func TestEverythingAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		client, server := connect(t, network)
		gate := transport.NewGate()
		server = transport.Link{In: gate, Out: gate}.Wrap(server)
		var busy sync.WaitGroup
		for seed := range uint64(4) {
			for _, conn := range []net.Conn{client, server} {
				r := rand.New(rand.NewPCG(seed, 0))
				busy.Go(func() { torment(r, conn, gate) })
			}
		}
		busy.Wait()
		gate.Shut()
		require.NoError(t, server.SetDeadline(time.Time{}))
		read, written := reading(server), writing(server)
		require.NoError(t, transport.Reset(server))
		for op, err := range map[string]error{"read": <-read, "write": <-written} {
			requireOpError(t, err, op, net.ErrClosed)
		}
	})
}

func torment(r *rand.Rand, conn net.Conn, gate *transport.Gate) {
	buf := make([]byte, 50_000)
	for range 300 {
		conn.SetDeadline(time.Now().Add(time.Duration(r.IntN(200)) * time.Microsecond))
		switch r.IntN(8) {
		case 0:
			gate.Shut()
		case 1, 2:
			gate.Open()
		case 3:
			conn.SetDeadline(past)
		case 4, 5:
			conn.Read(buf[:r.IntN(len(buf))])
		case 6, 7:
			conn.Write(buf[:r.IntN(len(buf))])
		}
	}
}

func TestErrorsNameTheConnection(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		client, server := connect(t, network)
		for _, conn := range []net.Conn{client, transport.Link{In: transport.NewGate()}.Wrap(client)} {
			require.NoError(t, conn.SetDeadline(past))
			require.EqualError(t, <-reading(conn), "read tcp "+client.LocalAddr().String()+"->"+server.LocalAddr().String()+": "+os.ErrDeadlineExceeded.Error())
		}
	})
}
