package clustertest_test

import (
	"bufio"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/clustertest"
)

// BenchmarkGet is one GET after the other on one connection.
func BenchmarkGet(b *testing.B) { benchmarkGets(b, 1, 1) }

// BenchmarkPipelinedGet is GETs in pipelines of 100.
func BenchmarkPipelinedGet(b *testing.B) {
	b.Run("connections=1", func(b *testing.B) { benchmarkGets(b, 1, 100) })
	b.Run("connections=8", func(b *testing.B) { benchmarkGets(b, 8, 100) })
}

// benchmarkGets sends pipelines of GETs of a value of 64 bytes on a number of connections
// at once, all to one node. One pipeline on each is one op.
func benchmarkGets(b *testing.B, connections, pipeline int) {
	c := clustertest.Start(b, clustertest.Config{})
	key, value := keyOf(0, "k"), strings.Repeat("v", 64)
	dial(b, c, c.Masters()[0]).ok("SET " + key + " " + value)
	sent := strings.Repeat(request("GET", key), pipeline)
	received := pipeline * len("$64\r\n"+value+"\r\n")
	wires := make([]*wire, connections)
	for i := range wires {
		wires[i] = dial(b, c, c.Masters()[0])
		wires[i].in = bufio.NewReaderSize(wires[i].conn, received)
	}
	b.ReportAllocs()
	for b.Loop() {
		var group sync.WaitGroup
		for _, w := range wires {
			group.Go(func() { w.exchange(sent, received) })
		}
		group.Wait()
	}
	b.ReportMetric(float64(b.N*connections*pipeline)/b.Elapsed().Seconds(), "GETs/s")
}

// exchange sends requests and reads as many bytes as their replies have.
func (w *wire) exchange(sent string, received int) {
	_, err := io.WriteString(w.conn, sent)
	if err == nil {
		_, err = w.in.Discard(received)
	}
	if err != nil {
		w.t.Error(err)
	}
}

// BenchmarkStart is a cluster of 3 masters and 3 replicas, from nothing until it serves
// all slots, and its end.
func BenchmarkStart(b *testing.B) {
	for _, inMemory := range []bool{false, true} {
		name := map[bool]string{false: "tcp", true: "memory"}[inMemory]
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c, err := clustertest.New(clustertest.Config{Replicas: 1, InMemory: inMemory})
				require.NoError(b, err)
				require.NoError(b, c.Close())
			}
		})
	}
}
