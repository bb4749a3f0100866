package hll_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/hll"
)

func seeds(f *testing.F) {
	for _, b := range broken {
		f.Add([]byte(b.value), []byte(elementOfLast))
		f.Add([]byte(b.value), []byte(elementOfHighRank))
	}
	f.Add([]byte(header+"\x7f\xf0\x84\x80\x84\x80\x84\x80\x84\x80\x84\x82\x01"), []byte("a"))
}

// FuzzAdd checks that an element that is in a string stays there and is never lost.
func FuzzAdd(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, s, element []byte) {
		out, changed, err := hll.Add(slices.Clone(s), element)
		if err != nil || !changed {
			require.False(t, changed)
			require.Equal(t, s, out)
			return
		}
		require.True(t, hll.Valid(out))
		again, changed, err := hll.Add(slices.Clone(out), element)
		require.NoError(t, err)
		require.False(t, changed, "it is there")
		require.Equal(t, out, again)

		union, err := hll.CountUnion(s)
		if err != nil {
			return // adding to a part of the runs does not mend the rest
		}
		more, err := hll.CountUnion(out)
		require.NoError(t, err)
		require.GreaterOrEqual(t, more, union)
	})
}

// FuzzCount checks that a string counts for the same by itself, in a union and merged.
func FuzzCount(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, s, _ []byte) {
		n, counted, err := hll.Count(s)
		if err != nil {
			require.Equal(t, s, counted)
			return
		}
		cached, same, err := hll.Count(counted)
		require.NoError(t, err)
		require.Equal(t, n, cached)
		require.Equal(t, counted, same)
	})
}

// FuzzMerge checks that a merge counts for what the union does, and holds its parts.
func FuzzMerge(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, a, b []byte) {
		union, err := hll.CountUnion(a, b)
		merged, mergeErr := hll.Merge(nil, a, b)
		if err != nil {
			require.Equal(t, err, mergeErr)
			return
		}
		require.NoError(t, mergeErr)
		n, _, err := hll.Count(merged)
		require.NoError(t, err)
		require.Equal(t, union, n)
		again, err := hll.Merge(merged, b, a)
		require.NoError(t, err)
		require.Equal(t, merged, again)
		_, _ = hll.Merge(a, b) // into what may be any runs
	})
}
