package hll_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/hll"
)

const (
	denseSize = 12304

	header        = "HYLL\x01\x00\x00\x00" + uncounted
	denseHeader   = "HYLL\x00\x00\x00\x00" + uncounted
	uncounted     = "\x00\x00\x00\x00\x00\x00\x00\x80"
	allZero       = "\x7f\xff" // XZERO of 16384 registers
	allButOneZero = "\x7f\xfe" // XZERO of 16383

	elementOfHighRank = "rzz46g" // register 3251, to 35
	elementOfLast     = "l02k"   // register 16383, to 6
)

// dense returns a dense string of 16384 registers, counted never.
func dense(register func(i int) byte) []byte {
	s := make([]byte, denseSize)
	copy(s, denseHeader)
	for bit := range 16384 * 6 {
		s[16+bit/8] |= register(bit/6) >> (bit % 6) & 1 << (bit % 8)
	}
	return s
}

// errDiffers is for what the server does to its memory rather than answer.
var errDiffers = errors.New("no error of the server")

// broken are strings that are no HyperLogLog, or not quite, with what counting them,
// a union with them and adding an element to their last register comes to.
var broken = []struct {
	name, value       string
	count, union, add error
}{
	{"empty", "", hll.ErrInvalid, hll.ErrInvalid, hll.ErrInvalid},
	{"a number", "12345678901234567", hll.ErrInvalid, hll.ErrInvalid, hll.ErrInvalid},
	{"a text", strings.Repeat("text", 10), hll.ErrInvalid, hll.ErrInvalid, hll.ErrInvalid},
	{"header cut", header[:15], hll.ErrInvalid, hll.ErrInvalid, hll.ErrInvalid},
	{"lower case", "hyll" + header[4:] + allZero, hll.ErrInvalid, hll.ErrInvalid, hll.ErrInvalid},
	{"unknown encoding", "HYLL\x02" + header[5:] + allZero, hll.ErrInvalid, hll.ErrInvalid, hll.ErrInvalid},
	{"dense, no registers", denseHeader, hll.ErrInvalid, hll.ErrInvalid, hll.ErrInvalid},
	{"dense, too short", denseHeader + strings.Repeat("x", 12287), hll.ErrInvalid, hll.ErrInvalid, hll.ErrInvalid},
	{"dense, too long", denseHeader + strings.Repeat("x", 12289), hll.ErrInvalid, hll.ErrInvalid, hll.ErrInvalid},
	{"dense", denseHeader + strings.Repeat("x", 12288), nil, nil, nil},
	{"no runs", header, hll.ErrCorrupted, hll.ErrCorrupted, hll.ErrCorrupted},
	{"no runs, counted", header[:8] + "\x07\x00\x00\x00\x00\x00\x00\x00", nil, hll.ErrCorrupted, hll.ErrCorrupted},
	{"reserved bytes", "HYLL\x01abc" + uncounted + allZero, nil, nil, nil},
	{"last register missing", header + allButOneZero, hll.ErrCorrupted, hll.ErrCorrupted, hll.ErrCorrupted},
	{"a zero too many", header + allZero + "\x00", hll.ErrCorrupted, hll.ErrCorrupted, nil},
	{"a value too many", header + allZero + "\x80", hll.ErrCorrupted, hll.ErrCorrupted, nil},
	{"a value over the end", header + allButOneZero + "\x81", hll.ErrCorrupted, hll.ErrCorrupted, nil},
	{"twice", header + allZero + allZero, hll.ErrCorrupted, hll.ErrCorrupted, nil},
	{"XZERO of one register", header + allButOneZero + "\x40\x00", nil, nil, nil},
	{"XZERO cut", header + "\x40\xfe\x7f", nil, nil, errDiffers},
}

func requireError(t *testing.T, want, err error, about string) {
	t.Helper()
	if want == nil {
		require.NoError(t, err, about)
		return
	}
	require.EqualError(t, err, want.Error(), about)
}

func TestBroken(t *testing.T) {
	for _, b := range broken {
		value := []byte(b.value)
		require.Equal(t, b.add != hll.ErrInvalid, hll.Valid(value), b.name)
		_, out, err := hll.Count(value)
		requireError(t, b.count, err, b.name)
		if err != nil {
			require.Equal(t, b.value, string(out), b.name)
		}
		_, err = hll.CountUnion(nil, value)
		requireError(t, b.union, err, b.name)
		_, err = hll.Merge(nil, value)
		requireError(t, b.union, err, b.name)
		require.Equal(t, b.value, string(value), "%s: it is only read", b.name)
	}
}

func TestAddToBroken(t *testing.T) {
	for _, b := range broken {
		want := b.add
		if want == errDiffers {
			want = hll.ErrCorrupted
		}
		out, changed, err := hll.Add([]byte(b.value), []byte(elementOfLast))
		requireError(t, want, err, b.name)
		require.Equal(t, changed, string(out) != b.value, b.name)
		require.False(t, changed && err != nil, b.name)
	}
}

// Only the whole of a sparse string can become dense.
func TestCorruptedDoesNotBecomeDense(t *testing.T) {
	for _, runs := range []string{allButOneZero, allButOneZero + "\x81"} {
		out, changed, err := hll.Add([]byte(header+runs), []byte(elementOfHighRank))
		require.ErrorIs(t, err, hll.ErrCorrupted)
		require.False(t, changed)
		require.Equal(t, header+runs, string(out))
	}
}

// The first of two strings that are refused is the one that is spoken of.
func TestErrorIsThatOfTheFirst(t *testing.T) {
	invalid, corrupted := []byte("text"), []byte(header)
	_, err := hll.CountUnion(nil, invalid, corrupted)
	require.ErrorIs(t, err, hll.ErrInvalid)
	_, err = hll.Merge(corrupted, invalid)
	require.ErrorIs(t, err, hll.ErrCorrupted)
}

// arbitraryRuns returns a sparse string of few long runs and many short ones. Its
// registers are 16384 in two of three cases.
func arbitraryRuns(r *rand.Rand) []byte {
	s := []byte(header)
	left := 16384
	for len(s) < 16+r.IntN(400) && left > 0 {
		ops, n := arbitraryRun(r)
		s, left = append(s, ops...), left-n
	}
	switch {
	case left <= 0, r.IntN(3) == 0:
		return s
	case r.IntN(4) == 0:
		left++
	}
	return append(s, 0x40|byte((left-1)>>8), byte(left-1))
}

func arbitraryRun(r *rand.Rand) (ops []byte, n int) {
	switch r.IntN(8) {
	case 0:
		n = 1 + r.IntN(3000)
		return []byte{0x40 | byte((n-1)>>8), byte(n - 1)}, n
	case 1:
		n = 1 + r.IntN(64)
		return []byte{byte(n - 1)}, n
	default:
		n = 1 + r.IntN(4)
		return []byte{0x80 | byte(r.IntN(5))<<2 | byte(n-1)}, n
	}
}
