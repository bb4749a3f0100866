package transport_test

import (
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
)

func TestConns(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		var conns transport.Conns
		conns.CloseAll()
		conns.ResetAll()

		client, server := connect(t, network)
		kept, out := connect(t, network)
		conns.Add(server)
		conns.Add(server)
		conns.Add(out)
		require.Equal(t, 2, conns.Len())
		conns.Remove(out)
		conns.Remove(out)
		conns.CloseAll()
		require.Zero(t, conns.Len())
		require.Equal(t, io.EOF, <-reading(client))
		write(t, out, "still open")
		requireRead(t, kept, "still open")
	})
}

func TestConnsResetAll(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		var conns transport.Conns
		var clients []net.Conn
		for range 10 {
			client, server, gate := connectGated(t, network)
			gate.Shut()
			conns.Add(server)
			clients = append(clients, client)
		}
		conns.ResetAll()
		require.Zero(t, conns.Len())
		for _, client := range clients {
			requireOpError(t, <-reading(client), "read", syscall.ECONNRESET)
		}
	})
}
