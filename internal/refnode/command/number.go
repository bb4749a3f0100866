package command

import (
	"bytes"
	"strconv"
)

// leadingInt returns the number that text begins with, as C's atoi: 0 if there is
// none, and of what does not fit into 32 bits only the lower ones.
func leadingInt(text []byte) int {
	text = bytes.TrimLeft(text, " \t\n\v\f\r")
	end := 0
	for end < len(text) && (isDigit(text[end]) || end == 0 && (text[0] == '-' || text[0] == '+')) {
		end++
	}
	n, _ := strconv.ParseInt(string(text[:end]), 10, 64) // saturates, as C does
	return int(int32(n))
}

// positiveInt returns the number that text is, if it is one, of which only the lower
// 32 bits count, too.
func positiveInt(text []byte) (n int, ok bool) {
	if len(text) == 0 || !isDigit(text[0]) || text[0] == '0' {
		return 0, false
	}
	long, err := strconv.ParseInt(string(text), 10, 64)
	n = int(int32(long))
	return n, err == nil && n > 0
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
