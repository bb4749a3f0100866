package transport

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// A ring behaves as the slice of what it holds.
func TestRing(t *testing.T) {
	for seed := range uint64(20) {
		source := rand.NewChaCha8([32]byte{byte(seed)})
		r := rand.New(source)
		var ring ring
		var want []byte
		most := 1 << (2 + r.IntN(18))
		buf := make([]byte, most)
		for range 300 {
			p := buf[:r.IntN(most)]
			if r.IntN(2) == 0 {
				n := ring.take(p)
				require.Equal(t, min(len(p), len(want)), n)
				require.True(t, bytes.Equal(want[:n], p[:n]), "seed %d", seed)
				want = want[n:]
				continue
			}
			source.Read(p)
			n := ring.put(p)
			require.Equal(t, min(len(p), capacity-len(want)), n)
			want = append(want, p[:n]...)
			require.Equal(t, len(want), ring.n)
			require.LessOrEqual(t, len(ring.data), capacity)
		}
	}
}

func TestRingIsSmallForWhoSendsLittle(t *testing.T) {
	var ring ring
	for range 1000 {
		ring.put(make([]byte, 1000))
		ring.take(make([]byte, 1000))
	}
	require.Len(t, ring.data, smallest)
}
