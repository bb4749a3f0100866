package resp

import (
	"bytes"
	"errors"
	"fmt"
	"math"
)

// What the [Scanner] accepts. All of it is far beyond what a Redis command
// answers; it bounds what garbage or a hostile peer can cost.
const (
	// MaxDepth is how deep aggregates may nest, an attribute counting as a level
	// around the value that it belongs to. Decoders that recurse rely on it.
	MaxDepth = 256

	// MaxLine is the length of the longest line, its type byte and its end
	// included: the text of a simple string, an error or a big number.
	MaxLine = 1 << 20
)

// ErrMalformed is what every error of a [Scanner] is: the bytes are no replies,
// or replies beyond its limits. Where the next one begins is unknown, so the
// connection is of no use any more.
var ErrMalformed = errors.New("malformed reply")

// A Kind is the byte that a reply begins with.
type Kind byte

const (
	Simple    Kind = '+'
	Error     Kind = '-'
	Int       Kind = ':'
	Bulk      Kind = '$' // null in RESP2, if its length is -1
	Array     Kind = '*' // null in RESP2, if its length is -1
	Null      Kind = '_' // this and all below: RESP3
	Double    Kind = ','
	Bool      Kind = '#'
	BigNumber Kind = '('
	BlobError Kind = '!'
	Verbatim  Kind = '='
	Map       Kind = '%'
	Set       Kind = '~'
	Push      Kind = '>' // no reply: the server sends it on its own
	Attribute Kind = '|' // never alone: it says something about the value after it
)

// A Scanner finds the ends of replies in a stream that comes in pieces. It looks
// at types, lengths and line ends and at nothing else: the text of a number may be
// anything. Replies may be of either protocol version, nested, and preceded by
// attributes; those whose length is not told in advance ("$?", "*?", ";", ".") no
// server sends, and they are an error.
//
// A Scanner keeps no bytes and its size is fixed, so what it scans may be thrown
// away at once. The zero Scanner is at the beginning of a reply. It is not safe
// for concurrent use.
type Scanner struct {
	size  int // bytes of this reply so far
	line  int // bytes of the line that is being read
	num   int // the number on it; later, the bytes of the bulk's text to come
	depth int
	lead  int // so many of the outermost levels are attributes of the value
	state state
	head  Kind // of the element that is being read
	kind  Kind // of the value, 0 if it has not begun
	cr    bool // the last byte of the line was a '\r'
	neg   bool // the number has a sign
	ended bool // the reply is complete, the next byte begins another
	err   error

	// left counts the elements to come at each level below depth.
	left [MaxDepth]int
}

// A state says what the next byte is.
type state uint8

const (
	atElement state = iota // a type
	inText                 // of a line
	inNumber               // a digit, or the end of the line
	numberLF
	inBulk // of the text
	bulkCR
	bulkLF
)

// Scan reads on in p, the bytes that follow those it has consumed so far, up to
// the end of the reply. It returns how many bytes of p it consumed, and whether
// the reply is complete; if not, n is len(p). After a complete reply the next
// Scan begins another.
//
// An error wraps [ErrMalformed], and every further Scan returns it too; n says
// nothing then. Scan does not keep p, and allocates for nothing but an error.
func (s *Scanner) Scan(p []byte) (n int, complete bool, err error) {
	if s.ended {
		s.size, s.kind, s.lead, s.ended = 0, 0, 0, false
	}
	for n < len(p) && s.err == nil {
		k := s.step(p[n:])
		n += k
		s.size += k
		if s.ended {
			return n, true, nil
		}
	}
	return n, false, s.err
}

// Len returns the length of the reply as far as it was scanned: all of it, if the
// last Scan completed it.
func (s *Scanner) Len() int { return s.size }

// Kind returns the type of the reply, 0 if its first byte is yet to come. A reply
// with attributes begins with [Attribute], but its Kind is that of the value they
// belong to.
func (s *Scanner) Kind() Kind { return s.kind }

// Missing returns a lower bound of the bytes that the reply still lacks, at least
// 1 if the last Scan did not complete it. In the text of a bulk it is exact up to
// the text's end, so that a buffer can be sized.
func (s *Scanner) Missing() int {
	switch {
	case s.ended:
		return 0
	case s.state == inBulk:
		return s.num + min(2, math.MaxInt-s.num)
	default:
		return 1
	}
}

// Reset makes s forget what it has scanned, an error included.
func (s *Scanner) Reset() {
	s.size, s.depth, s.lead, s.state, s.kind, s.ended, s.err = 0, 0, 0, atElement, 0, false, nil
}

// step consumes a part of p, which is not empty, and returns its length.
func (s *Scanner) step(p []byte) int {
	switch s.state {
	case atElement:
		return s.element(p)
	case inText:
		return s.text(p)
	case inNumber:
		return s.number(p)
	case numberLF:
		if s.expect(p[0], '\n') {
			s.header()
		}
	case inBulk:
		n := min(s.num, len(p))
		if s.num -= n; s.num == 0 {
			s.state = bulkCR
		}
		return n
	case bulkCR:
		if s.expect(p[0], '\r') {
			s.state = bulkLF
		}
	case bulkLF:
		if s.expect(p[0], '\n') {
			s.complete()
		}
	}
	return 1
}

// element begins an element. Most are short bulks, whole in p: they are done
// with at once.
func (s *Scanner) element(p []byte) int {
	s.head = Kind(p[0])
	if s.kind == 0 && s.atValue() {
		if s.head == Attribute {
			s.lead++
		} else {
			s.kind = s.head
		}
	}
	switch s.head {
	case Bulk:
		if n := wholeBulk(p); n > 0 {
			s.complete()
			return n
		}
		fallthrough
	case Array, BlobError, Verbatim, Map, Set, Push, Attribute:
		s.state, s.num, s.neg = inNumber, 0, false
	case Simple, Error, Int, Null, Double, Bool, BigNumber:
		s.state, s.cr = inText, false
	default:
		s.fail("unknown type %q", p[0])
	}
	s.line = 1
	return 1
}

// atValue reports whether the next element is what the reply is about: its first,
// or the one after its attributes.
func (s *Scanner) atValue() bool {
	return s.depth == s.lead && (s.depth == 0 || s.left[s.depth-1] == 1)
}

// wholeBulk returns the length of the bulk that p begins with, 0 if it is not
// all in p or in any way out of the ordinary.
func wholeBulk(p []byte) int {
	n := 0
	for i, c := range p[1:min(len(p), 10)] {
		if c-'0' <= 9 {
			n = n*10 + int(c-'0')
			continue
		}
		text := i + 3
		end := text + n + 2
		if i == 0 || end > len(p) || c != '\r' || p[text-1] != '\n' || p[end-2] != '\r' || p[end-1] != '\n' {
			return 0
		}
		return end
	}
	return 0
}

// text consumes the text of a line, which ends at the first '\n'.
func (s *Scanner) text(p []byte) int {
	n := bytes.IndexByte(p, '\n')
	if s.head == Int && !s.isInt(p, n) {
		return len(p)
	}
	if n < 0 {
		s.cr = p[len(p)-1] == '\r'
		s.line += len(p)
		s.checkLine()
		return len(p)
	}
	s.line += n
	switch {
	case !s.checkLine():
	case n > 0 && p[n-1] == '\r' || n == 0 && s.cr:
		s.complete()
	default:
		s.fail("a line that ends without a carriage return")
	}
	return n + 1
}

// isInt reports whether what p brings of the line of an integer, up to end if that is not
// negative, is made of digits, behind a sign if there is one, and with a carriage return at
// the end.
func (s *Scanner) isInt(p []byte, end int) bool {
	if end < 0 {
		end = len(p)
	}
	for i, c := range p[:end] {
		first := s.line+i == 1
		ended := i == 0 && !first && s.cr || i > 0 && p[i-1] == '\r'
		if ended || (c < '0' || c > '9') && c != '\r' && !(first && (c == '-' || c == '+')) {
			s.fail("an integer with %q in it", c)
			return false
		}
	}
	return true
}

// number consumes digits, a sign before them, and the '\r' behind.
func (s *Scanner) number(p []byte) int {
	for i, c := range p {
		switch first := s.line == 1; {
		case c >= '0' && c <= '9':
			s.digit(int(c - '0'))
		case c == '\r' && !first && (!s.neg || s.line > 2):
			s.state = numberLF
		case c == '-' && first:
			s.neg = true
		case c == '?' && first:
			s.fail("streamed replies are not supported")
		default:
			s.fail("a length with %q in it", c)
		}
		s.line++
		if s.state != inNumber || s.err != nil {
			return i + 1
		}
	}
	return len(p)
}

func (s *Scanner) digit(d int) {
	if s.num > (math.MaxInt-d)/10 {
		s.fail("a length that is too large")
		return
	}
	s.num = s.num*10 + d
	s.checkLine()
}

// header acts on the number that it has read: what follows is so long.
func (s *Scanner) header() {
	perElement, atEnd := 1, 0
	switch s.head {
	case Map:
		perElement = 2
	case Attribute:
		perElement, atEnd = 2, 1 // the value belongs to it
	}
	switch {
	case s.neg && s.num == 1 && (s.head == Bulk || s.head == Array):
		s.complete()
	case s.neg:
		s.fail("a negative length")
	case s.num > math.MaxInt/perElement:
		s.fail("a length that is too large")
	case s.head == Bulk || s.head == BlobError || s.head == Verbatim:
		s.state = inBulk
		if s.num == 0 {
			s.state = bulkCR
		}
	default:
		s.open(s.num*perElement + atEnd)
	}
}

// open begins an aggregate of n elements.
func (s *Scanner) open(n int) {
	switch {
	case n == 0:
		s.complete()
	case s.depth == MaxDepth:
		s.fail("nested more than %d deep", MaxDepth)
	default:
		s.left[s.depth] = n
		s.depth++
		s.state = atElement
	}
}

// complete ends an element, and every aggregate of which it is the last.
func (s *Scanner) complete() {
	s.state = atElement
	for s.depth > 0 {
		last := &s.left[s.depth-1]
		if *last--; *last > 0 {
			return
		}
		s.depth--
	}
	s.ended = true
}

// checkLine fails if the line has no room for its '\n'.
func (s *Scanner) checkLine() bool {
	if s.line >= MaxLine {
		s.fail("a line of more than %d bytes", MaxLine)
		return false
	}
	return true
}

func (s *Scanner) expect(got, want byte) bool {
	if got != want {
		s.fail("%q in place of %q", got, want)
	}
	return got == want
}

func (s *Scanner) fail(format string, args ...any) {
	s.err = fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}
