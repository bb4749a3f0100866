package transport_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"sync/atomic"
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

func TestGateHasABoundedBacklog(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		client, server, gate := connectGated(t, network)
		sent := pattern(4<<20, 1)
		gate.Shut()
		require.NoError(t, server.SetWriteDeadline(time.Now().Add(soon)))
		n, err := server.Write(sent)
		requireTimeout(t, err, "write")
		require.Equal(t, 256<<10, n)

		require.NoError(t, server.SetWriteDeadline(time.Time{}))
		rest := async(func() error {
			_, err := server.Write(sent[n:])
			return errors.Join(err, server.Close())
		})
		requireSilent(t, client)
		gate.Open()
		got, err := io.ReadAll(client)
		require.NoError(t, err)
		require.NoError(t, <-rest)
		require.True(t, bytes.Equal(sent, got))
	})
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

// A deadline is the concern of who called Write: it does not keep from the peer
// what earlier Writes have left behind, and is there again for the Writes after.
func TestWriteDeadlineDoesNotStopABacklog(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		client, server, gate := connectGated(t, network)
		require.NoError(t, server.SetWriteDeadline(time.Now().Add(soon)))
		n, err := server.Write(make([]byte, tooMuch)) // the peer takes no more
		requireTimeout(t, err, "write")
		require.NoError(t, server.SetWriteDeadline(time.Time{}))
		gate.Shut()
		write(t, server, "held")
		require.NoError(t, server.SetWriteDeadline(past))
		gate.Open()
		_, err = io.CopyN(io.Discard, client, int64(n))
		require.NoError(t, err)
		requireRead(t, client, "held")

		// Once all is sent, or before: a Write fails, and nothing of it arrives.
		_, err = server.Write([]byte("late"))
		requireTimeout(t, err, "write")
		require.NoError(t, server.SetWriteDeadline(time.Time{}))
		write(t, server, "in time")
		requireRead(t, client, "in time")
	})
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

func TestGateWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := transport.NewGate()
		done, cancel := context.WithCancel(t.Context())
		cancel()
		require.False(t, gate.IsShut())
		require.NoError(t, gate.Wait(done), "an open gate is no wait")

		gate.Shut()
		gate.Shut()
		require.True(t, gate.IsShut())
		require.Equal(t, context.Canceled, gate.Wait(done))
		start := time.Now()
		time.AfterFunc(time.Minute, gate.Open)
		require.NoError(t, gate.Wait(t.Context()))
		require.Equal(t, time.Minute, time.Since(start))
		gate.Open()
		require.False(t, gate.IsShut())
	})
}

func TestNilGateIsOpen(t *testing.T) {
	var gate *transport.Gate
	require.False(t, gate.IsShut())
	require.NoError(t, gate.Wait(t.Context()))
}

// TestNothingIsLostBehindAGate sends both ways through a gate that opens and shuts
// all the time, with deadlines that pass in the midst.
func TestNothingIsLostBehindAGate(t *testing.T) {
	onEach(t, func(t *testing.T, network transport.Network) {
		client, server, gate := connectGated(t, network)
		var over atomic.Bool
		toggling := async(func() error {
			defer gate.Open()
			for r := rand.New(rand.NewPCG(1, 1)); !over.Load(); {
				gate.Shut()
				time.Sleep(time.Duration(r.IntN(100)) * time.Microsecond)
				gate.Open()
				time.Sleep(time.Duration(r.IntN(100)) * time.Microsecond)
			}
			return nil
		})
		request, reply := pattern(2<<20, 1), pattern(2<<20, 2)
		requested, replied := sending(client, request, 3), sending(server, reply, 4)
		received := receiving(server, request, 5)
		require.NoError(t, <-receiving(client, reply, 6))
		require.NoError(t, <-received)
		require.NoError(t, <-requested)
		require.NoError(t, <-replied)
		over.Store(true)
		require.NoError(t, <-toggling)
	})
}

// sending writes p in pieces, each by Writes with deadlines that may pass.
func sending(conn net.Conn, p []byte, seed uint64) <-chan error {
	r := rand.New(rand.NewPCG(seed, 0))
	return async(func() error {
		for len(p) > 0 {
			conn.SetWriteDeadline(time.Now().Add(time.Duration(r.IntN(300)) * time.Microsecond))
			n, err := conn.Write(p[:min(len(p), 1+r.IntN(20_000))])
			if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				return err
			}
			p = p[n:]
		}
		return nil
	})
}

// receiving reads until it has want, by Reads with deadlines that may pass.
func receiving(conn net.Conn, want []byte, seed uint64) <-chan error {
	r := rand.New(rand.NewPCG(seed, 0))
	return async(func() error {
		buf := make([]byte, 20_000)
		for got := 0; got < len(want); {
			conn.SetReadDeadline(time.Now().Add(time.Duration(r.IntN(300)) * time.Microsecond))
			n, err := conn.Read(buf[:1+r.IntN(len(buf)-1)])
			if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				return err
			}
			if !bytes.HasPrefix(want[got:], buf[:n]) {
				return errors.New("bytes are lost, or not in order")
			}
			got += n
		}
		return nil
	})
}

// A Write is whole, though gates open and shut in its midst and other Writes come.
func TestWritesThroughAGateAreNotTorn(t *testing.T) {
	const writers, size = 8, 300_000
	onEach(t, func(t *testing.T, network transport.Network) {
		client, server, gate := connectGated(t, network)
		gate.Shut()
		var written []<-chan error
		for i := range writers {
			block := bytes.Repeat([]byte{byte(i)}, size)
			written = append(written, async(func() error {
				_, err := server.Write(block)
				return err
			}))
		}
		gate.Open()
		block := make([]byte, size)
		for range writers {
			_, err := io.ReadFull(client, block)
			require.NoError(t, err)
			require.Equal(t, size, bytes.Count(block, block[:1]))
			gate.Shut()
			runtime.Gosched()
			gate.Open()
		}
		for _, err := range written {
			require.NoError(t, <-err)
		}
	})
}

// A slow connection tells of each Write, and returns from it when it may.
type slow struct {
	net.Conn
	writes chan string
	may    chan struct{}
}

func (c slow) Write(p []byte) (int, error) {
	c.writes <- string(p)
	<-c.may
	return len(p), nil
}

// What was held back is sent in pieces, which another Write must not get between.
// So it waits for those that are under way, and those that come wait for it.
func TestHeldWritesAreAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, inner := connect(t, transport.NewMemory())
		conn := slow{Conn: inner, writes: make(chan string, 4), may: make(chan struct{})}
		gate := transport.NewGate()
		server := transport.Link{Out: gate}.Wrap(conn)
		direct := async(func() error {
			_, err := server.Write([]byte("direct"))
			return err
		})
		require.Equal(t, "direct", <-conn.writes)
		gate.Shut()
		write(t, server, "held")
		gate.Open()
		write(t, server, " and later")
		synctest.Wait()
		require.Empty(t, conn.writes)

		conn.may <- struct{}{}
		require.NoError(t, <-direct)
		require.Equal(t, "held and later", <-conn.writes)
		write(t, server, "behind")
		synctest.Wait()
		require.Empty(t, conn.writes)
		conn.may <- struct{}{}
		require.Equal(t, "behind", <-conn.writes)
		conn.may <- struct{}{}
	})
}
