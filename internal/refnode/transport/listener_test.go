package transport_test

import (
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
)

func TestListenWhereSomebodyDoes(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		first := listen(t, network)
		_, err := network.Listen(t.Context(), first.Addr().String())
		requireOpError(t, err, "listen", syscall.EADDRINUSE)
		require.NoError(t, first.Close())
		second, err := network.Listen(t.Context(), first.Addr().String())
		require.NoError(t, err)
		require.NoError(t, second.Close())
	})
}

func TestListenerClose(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		listener := listen(t, network)
		accepting := async(func() error {
			_, err := listener.Accept()
			return err
		})
		require.NoError(t, listener.Close())
		requireOpError(t, <-accepting, "accept", net.ErrClosed)
		_, err := listener.Accept()
		requireOpError(t, err, "accept", net.ErrClosed)
		requireOpError(t, listener.Close(), "close", net.ErrClosed)
	})
}

func TestListenerCloseResetsWhatWasNotAccepted(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		listener := listen(t, network)
		accepted, err := network.Dial(t.Context(), listener.Addr().String())
		require.NoError(t, err)
		defer accepted.Close()
		server, err := listener.Accept()
		require.NoError(t, err)
		defer server.Close()
		waiting, err := network.Dial(t.Context(), listener.Addr().String())
		require.NoError(t, err)
		defer waiting.Close()

		require.NoError(t, listener.Close())
		requireOpError(t, <-reading(waiting), "read", syscall.ECONNRESET)
		write(t, accepted, "ping")
		requireRead(t, server, "ping")
	})
}
