package transport_test

import (
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
)

// connectGated returns a connection with a gate before its server's side.
func connectGated(t testing.TB, network transport.Network) (client, server net.Conn, gate *transport.Gate) {
	t.Helper()
	client, server = connect(t, network)
	gate = transport.NewGate()
	server = transport.Link{In: gate, Out: gate}.Wrap(server)
	t.Cleanup(func() { transport.Reset(server) })
	return client, server, gate
}

func TestGateHoldsBackReads(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		client, server, gate := connectGated(t, network)
		write(t, client, "one ")
		requireRead(t, server, "one ")
		gate.Shut()
		write(t, client, "two ")
		requireSilent(t, server)
		gate.Open()
		write(t, client, "three")
		requireRead(t, server, "two three")
	})
}

func TestGateHoldsBackWrites(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		client, server, gate := connectGated(t, network)
		write(t, server, "one ")
		gate.Shut()
		requireRead(t, client, "one ")
		write(t, server, "two ")
		write(t, server, "three ")
		requireSilent(t, client)
		gate.Open()
		write(t, server, "four")
		requireRead(t, client, "two three four")
	})
}

func TestGateHoldsBackWhatABlockedReadGets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server, gate := connectGated(t, transport.NewMemory())
		require.NoError(t, server.SetReadDeadline(time.Now().Add(time.Second)))
		read := reading(server)
		synctest.Wait()
		gate.Shut()
		write(t, client, "ping")
		requireTimeout(t, <-read, "read")

		requireSilent(t, server)
		gate.Open()
		write(t, client, "PING")
		requireRead(t, server, "p")
		requireRead(t, server, "ingPING")
	})
}

func TestGateHoldsBackTheEndThatABlockedReadGets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server, gate := connectGated(t, transport.NewMemory())
		require.NoError(t, server.SetReadDeadline(time.Now().Add(time.Second)))
		read := reading(server)
		synctest.Wait()
		gate.Shut()
		require.NoError(t, client.Close())
		requireTimeout(t, <-read, "read")

		require.NoError(t, server.SetReadDeadline(time.Time{}))
		read = reading(server)
		synctest.Wait()
		require.Empty(t, read)
		gate.Open()
		require.Equal(t, io.EOF, <-read)
	})
}

func TestGateHoldsBackTheEnd(t *testing.T) {
	ends := map[error]func(net.Conn) error{
		io.EOF:             net.Conn.Close,
		syscall.ECONNRESET: transport.Reset,
	}
	for want, end := range ends {
		onEach(t, func(t *testing.T, network transport.Network) {
			client, server, gate := connectGated(t, network)
			gate.Shut()
			require.NoError(t, end(client))
			requireSilent(t, server)
			gate.Open()
			require.ErrorIs(t, <-reading(server), want)
		})
	}
}

func TestGateHoldsBackClose(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		for _, last := range []string{"", "last words"} {
			client, server, gate := connectGated(t, network)
			gate.Shut()
			write(t, server, last)
			require.NoError(t, server.Close())
			requireOpError(t, server.Close(), "close", net.ErrClosed)
			requireOpError(t, <-reading(server), "read", net.ErrClosed)
			requireOpError(t, <-writing(server), "write", net.ErrClosed)
			requireOpError(t, server.SetDeadline(time.Time{}), "set", net.ErrClosed)
			requireSilent(t, client)

			gate.Open()
			requireRead(t, client, last)
			require.Equal(t, io.EOF, <-reading(client))
		}
	})
}

func TestCloseEndsWhoIsBlockedAtAGate(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		_, server, gate := connectGated(t, network)
		inConn := async(func() error { // blocked before the gate is shut
			_, err := server.Read(make([]byte, 1))
			return err
		})
		gate.Shut()
		atGate, written := reading(server), writing(server)
		require.NoError(t, server.Close())
		requireOpError(t, <-inConn, "read", net.ErrClosed)
		requireOpError(t, <-atGate, "read", net.ErrClosed)
		requireOpError(t, <-written, "write", net.ErrClosed)
	})
}

func TestCloseAtAGateEndsWhatWasUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server, gate := connectGated(t, transport.NewMemory())
		read, written := reading(server), writing(server)
		synctest.Wait() // both are through the gate, and blocked
		gate.Shut()
		require.NoError(t, server.Close())
		requireOpError(t, <-read, "read", net.ErrClosed)
		requireOpError(t, <-written, "write", net.ErrClosed)
		_, err := io.CopyN(io.Discard, client, 256<<10)
		require.NoError(t, err)
		requireSilent(t, client)
		gate.Open()
		require.Equal(t, io.EOF, <-reading(client))
	})
}

func TestResetPassesAShutGate(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		client, server, gate := connectGated(t, network)
		gate.Shut()
		write(t, server, "lost")
		read := reading(server)
		require.NoError(t, transport.Reset(server))
		requireOpError(t, <-read, "read", net.ErrClosed)
		requireOpError(t, <-reading(client), "read", syscall.ECONNRESET)
		gate.Open()
	})
}

func TestGateOfOneDirection(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		shut := transport.NewGate()
		shut.Shut()
		client, server := connect(t, network)
		deaf := transport.Link{In: shut}.Wrap(server)
		write(t, deaf, "pong")
		requireRead(t, client, "pong")
		write(t, client, "ping")
		requireSilent(t, deaf)

		client, server = connect(t, network)
		mute := transport.Link{Out: shut}.Wrap(server)
		write(t, client, "ping")
		requireRead(t, mute, "ping")
		write(t, mute, "pong")
		requireSilent(t, client)
		shut.Open()
		requireRead(t, client, "pong")
		requireRead(t, deaf, "ping")
	})
}

func TestLinksNest(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		client, server, inner := connectGated(t, network)
		outer := transport.NewGate()
		server = transport.Link{In: outer, Out: outer}.Wrap(server)
		inner.Shut()
		outer.Shut()
		write(t, server, "last words")
		require.NoError(t, server.Close())
		outer.Open()
		requireSilent(t, client)
		inner.Open()
		requireRead(t, client, "last words")
		require.Equal(t, io.EOF, <-reading(client))
	})
}

func TestLinkWithoutGates(t *testing.T) {
	conn, _ := connect(t, transport.NewMemory())
	require.Same(t, conn, transport.Link{}.Wrap(conn))
}

func TestTimePassesWhileAGateIsShut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server, gate := connectGated(t, transport.NewMemory())
		start := time.Now()
		gate.Shut()
		write(t, client, "ping")
		time.AfterFunc(15*time.Second, gate.Open)
		requireRead(t, server, "ping")
		require.Equal(t, 15*time.Second, time.Since(start))

		gate.Shut()
		written := writing(server)
		time.AfterFunc(15*time.Second, func() { server.Close() })
		requireOpError(t, <-written, "write", net.ErrClosed)
		require.Equal(t, 30*time.Second, time.Since(start))
	})
}
