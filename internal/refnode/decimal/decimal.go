// Package decimal reads integers the way the server does.
package decimal

import "strconv"

// Parse returns the integer that text is the only spelling of: one with a plus sign, a
// leading zero or a space is none, nor is one that does not fit into 64 bits.
func Parse[T ~string | ~[]byte](text T) (n int64, ok bool) {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return 0, false
	}
	var spelled [len("-9223372036854775808")]byte
	return n, string(strconv.AppendInt(spelled[:0], n, 10)) == string(text)
}
