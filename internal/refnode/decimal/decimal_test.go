package decimal_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/decimal"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "7": 7, "-7": -7, "100": 100,
		"9223372036854775807": math.MaxInt64, "-9223372036854775808": math.MinInt64,
	} {
		n, ok := decimal.Parse(text)
		require.True(t, ok, text)
		require.Equal(t, want, n)
		n, ok = decimal.Parse([]byte(text))
		require.True(t, ok, text)
		require.Equal(t, want, n)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"", "-", "+1", "-0", "00", "007", " 1", "1 ", "1\n", "1.0", "1e3", "0x10", "1_000", "one",
		"9223372036854775808", "-9223372036854775809",
	} {
		_, ok := decimal.Parse(text)
		require.False(t, ok, "%q", text)
	}
}
