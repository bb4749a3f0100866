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
			benchCallers(b, callers, func(ctx context.Context, c *Conn, request []byte) func() error {
				return func() error { return do(ctx, c, &Exchange{Request: request}) }
			})
		})
	}
}

// BenchmarkUsedExchanges is the same with an Exchange for each caller, as routing has it.
func BenchmarkUsedExchanges(b *testing.B) {
	for _, callers := range []int{1, 32} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) { benchUsed(b, callers, 1) })
	}
}

// BenchmarkBatch is 100 requests in one Exchange.
func BenchmarkBatch(b *testing.B) {
	for _, callers := range []int{1, 32} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) { benchUsed(b, callers, 100) })
	}
}

func benchUsed(b *testing.B, callers, requests int) {
	benchCallers(b, callers, func(ctx context.Context, c *Conn, request []byte) func() error {
		x := &Exchange{}
		return func() error {
			x.Reset()
			x.Prompt = true
			for range requests {
				x.Request = append(x.Request, request...)
				x.Ends = append(x.Ends, len(x.Request))
			}
			return do(ctx, c, x)
		}
	})
	b.ReportMetric(float64(b.N*requests)/b.Elapsed().Seconds(), "requests/s")
}

// benchCallers shares b.N calls of what each caller does, who makes it first.
func benchCallers(b *testing.B, callers int, caller func(ctx context.Context, c *Conn, request []byte) func() error) {
	c := dialOK(b)
	request, err := resp.AppendRequest(nil, []any{"GET", "key"})
	require.NoError(b, err)
	work := make(chan int, callers)
	for i := range callers {
		work <- (b.N + i) / callers
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.ReportAllocs()
	b.ResetTimer()
	var running sync.WaitGroup
	for range callers {
		running.Go(func() {
			call := caller(ctx, c, request)
			for range <-work {
				if err := call(); err != nil {
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
