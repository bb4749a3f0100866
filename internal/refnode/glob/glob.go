// Package glob matches names with the patterns of KEYS, SCAN and CONFIG GET.
package glob

import "bytes"

// Match reports whether name matches pattern. It takes time proportional to the product
// of their lengths, and not more.
func Match(pattern, name []byte) bool { return match(pattern, name, same) }

// MatchFold reports whether name, in lower case, matches pattern, in any case. What is
// escaped in a class must match exactly.
func MatchFold(pattern, name []byte) bool { return match(pattern, name, lower) }

func same(c byte) byte { return c }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// match is Match, with what becomes of each byte of pattern before it is compared.
func match(pattern, name []byte, fold func(byte) byte) bool {
	var afterStar, resume []byte // where to go on if the last star takes one byte more
	for len(name) > 0 {
		if bytes.HasPrefix(pattern, []byte("*")) {
			pattern = bytes.TrimLeft(pattern, "*")
			if len(pattern) == 0 {
				return true
			}
			afterStar, resume = pattern, name
		}
		rest, ok := matchByte(pattern, name[0], fold)
		switch {
		case ok:
			pattern, name = rest, name[1:]
		case afterStar == nil:
			return false
		default:
			resume = resume[1:]
			pattern, name = afterStar, resume
		}
	}
	return len(bytes.TrimLeft(pattern, "*")) == 0
}

// matchByte matches c with what pattern begins with, which is not a star, and returns
// what comes behind it.
func matchByte(pattern []byte, c byte, fold func(byte) byte) (rest []byte, ok bool) {
	if len(pattern) == 0 {
		return nil, false
	}
	switch {
	case pattern[0] == '?':
		return pattern[1:], true
	case pattern[0] == '[':
		return matchClass(pattern[1:], c, fold)
	case pattern[0] == '\\' && len(pattern) > 1:
		pattern = pattern[1:]
	}
	return pattern[1:], fold(pattern[0]) == c
}

// matchClass matches c with a class whose "[" is already taken off; it may lack its
// "]".
func matchClass(class []byte, c byte, fold func(byte) byte) (rest []byte, ok bool) {
	not := bytes.HasPrefix(class, []byte("^"))
	if not {
		class = class[1:]
	}
	for len(class) > 0 && class[0] != ']' {
		switch {
		case class[0] == '\\' && len(class) > 1:
			ok = ok || class[1] == c
			class = class[2:]
		case len(class) > 2 && class[1] == '-':
			from, to := min(class[0], class[2]), max(class[0], class[2])
			ok = ok || fold(from) <= c && c <= fold(to)
			class = class[3:]
		default:
			ok = ok || fold(class[0]) == c
			class = class[1:]
		}
	}
	if len(class) > 0 {
		class = class[1:]
	}
	return class, ok != not
}
