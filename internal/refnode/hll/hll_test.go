package hll_test

import (
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/hll"
)

// With 16384 registers the standard error is 1.04/128, 0.8 of 100. The hash is what it
// is, so this either holds or does not.
func TestCountIsCloseToTruth(t *testing.T) {
	s := hll.New()
	for n := 1; n <= 200000; n++ {
		var err error
		s, _, err = hll.Add(s, strconv.AppendInt(nil, int64(n), 10))
		require.NoError(t, err)
		if n%1000 != 0 && n > 100 {
			continue
		}
		got, _, err := hll.Count(s)
		require.NoError(t, err)
		require.InEpsilon(t, n, got, 3*1.04/128, "of %d", n)
	}
}

func TestCountIsCached(t *testing.T) {
	s, changed, err := hll.Add(hll.New(), []byte("a"))
	require.NoError(t, err)
	require.True(t, changed)
	before := slices.Clone(s)

	n, counted, err := hll.Count(s)
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	require.Equal(t, before, s, "what is counted is only read")
	require.Equal(t, byte(1), counted[8])
	require.Equal(t, byte(0), counted[15])

	counted[8] = 77
	n, again, err := hll.Count(counted)
	require.NoError(t, err)
	require.EqualValues(t, 77, n, "it is what the string says")
	require.Equal(t, counted, again)

	_, changed, err = hll.Add(slices.Clone(counted), []byte("a"))
	require.NoError(t, err)
	require.False(t, changed)
	more, changed, err := hll.Add(counted, []byte("b"))
	require.NoError(t, err)
	require.True(t, changed)
	n, _, err = hll.Count(more)
	require.NoError(t, err)
	require.EqualValues(t, 2, n, "an element that is new ends that")
}

// What no element can make has a count that is no number of elements.
func TestCountOfImpossibleRegistersOverflows(t *testing.T) {
	n, out, err := hll.Count(dense(func(int) byte { return 63 }))
	require.NoError(t, err)
	require.EqualValues(t, uint64(math.MaxInt64)+1, n)
	require.Equal(t, byte(0x80), out[15], "and cannot be cached")
}

func TestMergeReadsOnly(t *testing.T) {
	a, _, _ := hll.Add(hll.New(), []byte("a"))
	b, _, _ := hll.Add(hll.New(), []byte("b"))
	beforeA, beforeB := slices.Clone(a), slices.Clone(b)
	merged, err := hll.Merge(a, nil, b)
	require.NoError(t, err)
	require.Equal(t, beforeA, a)
	require.Equal(t, beforeB, b)
	n, _, err := hll.Count(merged)
	require.NoError(t, err)
	require.EqualValues(t, 2, n)
}

func TestMergeOfNothingIsEmpty(t *testing.T) {
	for _, none := range [][][]byte{nil, {nil}, {nil, nil}} {
		merged, err := hll.Merge(none...)
		require.NoError(t, err)
		require.Equal(t, hll.New(), merged)
		n, err := hll.CountUnion(none...)
		require.NoError(t, err)
		require.Zero(t, n)
	}
}
