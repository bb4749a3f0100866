package refnode

import "strconv"

// parseInt parses a decimal integer the way the server does, which takes no second form
// of a number: no plus sign, leading zeros or spaces.
func parseInt(arg []byte) (n int64, ok bool) {
	n, err := strconv.ParseInt(string(arg), 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == string(arg)
}

// milliseconds parses a timeout, or answers what is wrong with it.
func (r *request) milliseconds(i int) (ms int64, ok bool) {
	ms, ok = parseInt(r.args[i])
	switch {
	case !ok:
		r.fail("ERR timeout is not an integer or out of range")
	case ms < 0:
		r.fail("ERR timeout is negative")
		ok = false
	}
	return ms, ok
}
