package transport_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
)

// benchOnEach runs bench on each network, with and without a gate at the server.
func benchOnEach(b *testing.B, bench func(b *testing.B, client, server net.Conn)) {
	networks := []struct {
		name    string
		network transport.Network
	}{{"tcp", transport.TCP()}, {"memory", transport.NewMemory()}}
	for _, to := range networks {
		b.Run(to.name, func(b *testing.B) {
			client, server := dial(b, to.network)
			bench(b, client, server)
		})
		b.Run(to.name+"-gated", func(b *testing.B) {
			client, server := dial(b, to.network)
			gate := transport.NewGate()
			bench(b, client, transport.Link{In: gate, Out: gate}.Wrap(server))
		})
	}
}

// BenchmarkRoundTrip is a small request and its reply, with the deadlines that
// clients set.
func BenchmarkRoundTrip(b *testing.B) {
	benchOnEach(b, func(b *testing.B, client, server net.Conn) {
		echoed := async(func() error {
			_, err := io.CopyBuffer(struct{ io.Writer }{server}, struct{ io.Reader }{server}, make([]byte, 4096))
			return err
		})
		buf := make([]byte, 64)
		b.ReportAllocs()
		for b.Loop() {
			deadline := time.Now().Add(3 * time.Second)
			client.SetWriteDeadline(deadline)
			client.Write(buf)
			client.SetReadDeadline(deadline)
			io.ReadFull(client, buf)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "trips/s")
		client.Close()
		<-echoed
	})
}

// BenchmarkThroughput sends 16 KiB at a time in one direction.
func BenchmarkThroughput(b *testing.B) {
	benchOnEach(b, func(b *testing.B, client, server net.Conn) {
		buf := make([]byte, 16<<10)
		drained := async(func() error {
			_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{server}, make([]byte, len(buf)))
			return err
		})
		b.ReportAllocs()
		b.SetBytes(int64(len(buf)))
		for b.Loop() {
			client.Write(buf)
		}
		client.Close()
		<-drained
	})
}
