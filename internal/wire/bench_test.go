package wire

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// BenchmarkConn is small requests over loopback TCP, by so many callers at once, to a
// server that says OK. An Exchange and its replies are the two allocations of each.
func BenchmarkConn(b *testing.B) {
	for _, callers := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			c := dialOK(b)
			b.ReportAllocs()
			benchCallers(b, c, callers)
		})
	}
}

func benchCallers(b *testing.B, c *Conn, callers int) {
	request, err := resp.AppendRequest(nil, []any{"GET", "key"})
	require.NoError(b, err)
	work := make(chan int, callers)
	for i := range callers {
		work <- (b.N + i) / callers
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.ResetTimer()
	var running sync.WaitGroup
	for range callers {
		running.Go(func() {
			for range <-work {
				if err := do(ctx, c, &Exchange{Request: request}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
}

// dialOK returns a connection to a server that answers each line "GET" with OK.
func dialOK(b *testing.B) *Conn {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	var server sync.WaitGroup
	server.Go(func() { serveOK(l) })
	nc, err := net.Dial("tcp", l.Addr().String())
	require.NoError(b, err)
	c := NewConn(nc, Options{ReadTimeout: 3e9, WriteTimeout: 3e9})
	b.Cleanup(func() {
		c.Close()
		_ = l.Close()
		server.Wait()
	})
	return c
}

func serveOK(l net.Listener) {
	nc, err := l.Accept()
	if err != nil {
		return
	}
	defer nc.Close()
	in := make([]byte, 64<<10)
	ok := bytes.Repeat([]byte("+OK\r\n"), len(in))
	for {
		n, err := nc.Read(in)
		if err != nil {
			return
		}
		if _, err := nc.Write(ok[:5*bytes.Count(in[:n], []byte("*"))]); err != nil {
			return
		}
	}
}
