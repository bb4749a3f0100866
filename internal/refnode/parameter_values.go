package refnode

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/slotmesh/slotmesh/internal/refnode/decimal"
)

// A valid returns the form in which a value of CONFIG SET is kept and shown, or what is
// wrong with it.
type valid func(value string) (kept, problem string)

func anyText(value string) (kept, problem string) { return value, "" }

func yesNo(value string) (kept, problem string) {
	kept = strings.ToLower(value)
	if kept != "yes" && kept != "no" {
		return "", "argument must be 'yes' or 'no'"
	}
	return kept, ""
}

func yesOrNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func oneOf(words ...string) valid {
	return func(value string) (kept, problem string) {
		kept = strings.ToLower(value)
		if !slices.Contains(words, kept) {
			return "", "argument(s) must be one of the following: " + strings.Join(words, ", ")
		}
		return kept, ""
	}
}

func integer(least, most int64) valid {
	return func(value string) (kept, problem string) {
		n, ok := decimal.Parse(value)
		switch {
		case !ok:
			return "", "argument couldn't be parsed into an integer"
		case n < least || n > most:
			return "", outOfRange(least, most)
		}
		return value, ""
	}
}

func outOfRange(least, most int64) string {
	return fmt.Sprintf("argument must be between %d and %d inclusive", least, most)
}

// memory is a number of bytes, with or without a unit; it is kept without.
func memory(least int64) valid {
	return func(value string) (kept, problem string) {
		digits := strings.TrimRight(value, "bBgGkKmM")
		unit, ok := memoryUnits[strings.ToLower(value[len(digits):])]
		n, err := strconv.ParseUint(digits, 10, 64)
		if value == "" {
			n, err = 0, nil
		}
		over, n := bits.Mul64(n, unit)
		switch {
		case !ok || err != nil || over > 0:
			return "", "argument must be a memory value"
		case n < uint64(least) || n > math.MaxInt64:
			return "", outOfRange(least, math.MaxInt64)
		}
		return strconv.FormatUint(n, 10), ""
	}
}

var memoryUnits = map[string]uint64{
	"": 1, "b": 1,
	"k": 1000, "kb": 1 << 10,
	"m": 1000_000, "mb": 1 << 20,
	"g": 1000_000_000, "gb": 1 << 30,
}

func hostname(value string) (kept, problem string) {
	if len(value) >= 256 {
		return "", "Hostnames must be less than 256 characters"
	}
	for _, c := range []byte(value) {
		if !strings.ContainsRune("-.", rune(c)) && !isAlphanumeric(c) {
			return "", "Hostnames may only contain alphanumeric characters, hyphens or dots"
		}
	}
	return value, ""
}

func isAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
