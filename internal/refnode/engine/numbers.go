package engine

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// parseFloat parses a float as the server does: as C, but without spaces and NaN.
func parseFloat(text string) (f float64, ok bool) {
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil && !math.IsNaN(f) && !strings.Contains(text, "_")
}

// parseLimit parses the limit of a range of scores: that is as C does, for which nothing
// is 0, spaces in front do not matter, and a zero byte is the end.
func parseLimit(text string) (f float64, ok bool) {
	text = strings.TrimLeft(shown(text), " \t\n\v\f\r")
	if text == "" {
		return 0, true
	}
	return parseFloat(text)
}

// shown returns what C sees of a text: a zero byte ends it.
func shown(text string) string {
	text, _, _ = strings.Cut(text, "\x00")
	return text
}

// A longDouble is what INCRBYFLOAT and HINCRBYFLOAT count with: 80 bits in all, of which 64
// are the fraction's. A big.Float has no NaN, which these commands refuse anyway.
type longDouble = *big.Float

const longDoublePrecision = 64

func parseLong(text string) (f longDouble, ok bool) {
	f, _, err := big.ParseFloat(text, 10, longDoublePrecision, big.ToNearestEven)
	return f, err == nil
}

// addLong returns a+b, ok if that is a number.
func addLong(a, b longDouble) (sum longDouble, ok bool) {
	if a.IsInf() || b.IsInf() {
		return nil, false
	}
	return new(big.Float).SetPrec(longDoublePrecision).Add(a, b), true
}

// longText returns a long double as the server stores it: with 17 decimals, the zeros at
// the end cut off.
func longText(f longDouble) string {
	text := strings.TrimRight(strings.TrimRight(f.Text('f', 17), "0"), ".")
	if text == "-0" {
		return "0"
	}
	return text
}
