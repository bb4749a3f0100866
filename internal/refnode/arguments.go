package refnode

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/slotmesh/slotmesh/internal/refnode/command"
	"github.com/slotmesh/slotmesh/internal/refnode/decimal"
)

// arg returns an argument as a string.
func (r *request) arg(i int) string { return string(r.args[i]) }

// appendKeys appends those of args to dst that are keys.
func appendKeys(dst, args [][]byte, keys []command.Key) [][]byte {
	for _, k := range keys {
		dst = append(dst, args[k.Arg])
	}
	return dst
}

// isAny reports whether word is one of words, in any case.
func isAny(word string, words ...string) bool {
	for _, w := range words {
		if strings.EqualFold(word, w) {
			return true
		}
	}
	return false
}

// milliseconds reads a timeout in milliseconds, or answers what is wrong with it.
func (r *request) milliseconds(i int) (ms int64, ok bool) {
	ms, ok = decimal.Parse(r.args[i])
	switch {
	case !ok:
		r.fail("ERR timeout is not an integer or out of range")
	case ms < 0:
		r.fail("ERR timeout is negative")
		ok = false
	}
	return ms, ok
}

// timeout reads a timeout in seconds, or answers what is wrong with it.
func (r *request) timeout(i int) (d time.Duration, ok bool) {
	seconds, err := strconv.ParseFloat(r.arg(i), 64)
	switch {
	case err != nil || math.IsNaN(seconds):
		r.fail("ERR timeout is not a float or out of range")
	case seconds < 0:
		r.fail("ERR timeout is negative")
	case seconds > math.MaxInt64/1e9:
		r.fail("ERR timeout is out of range")
	default:
		return time.Duration(min(int64(math.Ceil(seconds*1000)), maxPause)) * time.Millisecond, true
	}
	return 0, false
}
