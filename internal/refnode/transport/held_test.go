package transport_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
)

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
