package resp

// splitInline appends to dst the arguments on line, a request as one types it:
// words with blanks between them, and parts of them in quotes. Between double
// quotes \n \r \t \b \a and \xhh stand for a byte, and a backslash before any other
// byte for that byte; between single quotes only \' does. ok is false if a quote
// is not closed, or something other than a blank comes after it.
//
// The arguments are parts of line, whose bytes it overwrites: no argument is
// longer than what it is written as.
func splitInline(dst [][]byte, line []byte) (args [][]byte, ok bool) {
	end := 0 // of what was written
	for i := 0; ; {
		for i < len(line) && isSpace(line[i]) {
			i++
		}
		if i == len(line) {
			return dst, true
		}
		start := end
		if i, end, ok = inlineWord(line, i, start); !ok {
			return dst, false
		}
		dst = append(dst, line[start:end:end])
	}
}

// inlineWord moves the word that line has at i to end, before i or there, and
// returns where each of them ends.
func inlineWord(line []byte, i, end int) (next, wordEnd int, ok bool) {
	for i < len(line) {
		c := line[i]
		switch c {
		case ' ', '\n', '\r', '\t': // not every blank that may precede a word ends one
			return i, end, true
		case '"', '\'':
			return inlineQuoted(line, i+1, end, c)
		}
		line[end] = c
		i, end = i+1, end+1
	}
	return i, end, true
}

// inlineQuoted is inlineWord from behind an opening quote on.
func inlineQuoted(line []byte, i, end int, quote byte) (next, wordEnd int, ok bool) {
	for i < len(line) {
		c, size := line[i], 1
		switch {
		case c == quote:
			return i + 1, end, i+1 == len(line) || isSpace(line[i+1])
		case c == '\\' && quote == '"':
			c, size = unescape(line[i:])
		case c == '\\' && i+1 < len(line) && line[i+1] == '\'':
			c, size = '\'', 2
		}
		line[end] = c
		i, end = i+size, end+1
	}
	return i, end, false
}

// unescape returns the byte that text begins with, a backslash and what follows
// it, and the length of how it is written. At the end of the line a backslash is
// itself.
func unescape(text []byte) (c byte, size int) {
	if len(text) == 1 {
		return '\\', 1
	}
	if text[1] == 'x' && len(text) > 3 {
		high, ok1 := hexDigit(text[2])
		low, ok2 := hexDigit(text[3])
		if ok1 && ok2 {
			return high<<4 | low, 4
		}
	}
	switch text[1] {
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'b':
		return '\b', 2
	case 'a':
		return '\a', 2
	default:
		return text[1], 2
	}
}

func hexDigit(c byte) (value byte, ok bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	default:
		return 0, false
	}
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
