package engine

import (
	"slices"
	"strings"
)

// stringNatives are those that set strings and take parts of them. miniredis checks
// options one by one, where the server reads all of them first. GET is here since it is
// asked most, and miniredis takes twice as long for it.
var stringNatives = map[string]native{
	"get":      (*cmd).getString,
	"set":      (*cmd).setString,
	"setex":    func(c *cmd) error { return c.setFor(expiry{unit: 1000, relative: true}) },
	"psetex":   func(c *cmd) error { return c.setFor(expiry{unit: 1, relative: true}) },
	"setnx":    (*cmd).setnx,
	"mset":     func(c *cmd) error { return c.mset(false) },
	"msetnx":   func(c *cmd) error { return c.mset(true) },
	"getset":   (*cmd).getset,
	"getdel":   (*cmd).getdel,
	"getex":    (*cmd).getex,
	"getrange": (*cmd).getrange,
	"substr":   (*cmd).getrange,
	"setrange": (*cmd).setrange,
	"append":   (*cmd).appendTo,
}

func (c *cmd) getString() error {
	text, ok, err := c.str(c.args[1])
	switch {
	case err != nil:
		return err
	case !ok:
		return c.null()
	}
	return c.bulk(text)
}

// A setting is the options of SET or GETEX.
type setting struct {
	words  map[string]bool // those that are given, in lower case
	expiry expiry
	at     int // the argument that says when the key expires, 0 if none does
}

// expiryWords are the options that say when a key expires.
var expiryWords = map[string]expiry{
	"ex": {unit: 1000, relative: true}, "px": {unit: 1, relative: true},
	"exat": {unit: 1000}, "pxat": {unit: 1},
}

// excludes says which options an option may not follow. Those of expiry may follow
// themselves.
var excludes = map[string][]string{
	"nx":      {"xx"},
	"xx":      {"nx"},
	"get":     {},
	"keepttl": {"persist", "ex", "exat", "px", "pxat"},
	"persist": {"keepttl", "ex", "exat", "px", "pxat"},
	"ex":      {"keepttl", "persist", "exat", "px", "pxat"},
	"px":      {"keepttl", "persist", "ex", "exat", "pxat"},
	"exat":    {"keepttl", "persist", "ex", "px", "pxat"},
	"pxat":    {"keepttl", "persist", "ex", "exat", "px"},
}

// setting reads options from argument i on: these, and those that say when the key
// expires.
func (c *cmd) setting(i int, allowed ...string) (*setting, error) {
	s := &setting{words: map[string]bool{}}
	for ; i < len(c.args); i++ {
		word := strings.ToLower(c.args[i])
		expiry, expires := expiryWords[word]
		if !expires && !slices.Contains(allowed, word) || expires && c.left(i) == 0 || s.excludes(word) {
			return nil, errSyntax
		}
		s.words[word] = true
		if expires {
			i++
			s.expiry, s.at = expiry, i
		}
	}
	return s, nil
}

func (s *setting) excludes(word string) bool {
	for _, other := range excludes[word] {
		if s.words[other] {
			return true
		}
	}
	return false
}

// settingDeadline returns when the key is to expire, 0 if the options do not say.
func (c *cmd) settingDeadline(s *setting) (int64, error) {
	if s.at == 0 {
		return 0, nil
	}
	return c.positiveExpiry(s.at, s.expiry)
}

// positiveExpiry returns the point in time that an argument says, which must be a
// positive number.
func (c *cmd) positiveExpiry(i int, e expiry) (int64, error) {
	n, err := c.int(i)
	if err != nil {
		return 0, err
	}
	at, ok := e.at(n, c.now)
	if n <= 0 || !ok {
		return 0, c.errExpiry()
	}
	return at, nil
}

func (c *cmd) setString() error {
	s, err := c.setting(3, "nx", "xx", "get", "keepttl")
	if err != nil {
		return err
	}
	at, err := c.settingDeadline(s)
	if err != nil {
		return err
	}
	key := c.args[1]
	exists := c.db.Exists(key)
	reply := c.ok
	if s.words["get"] {
		old, found, err := c.str(key)
		if err != nil {
			return err
		}
		reply = func() error { return c.bulkOrNull(old, found) }
	}
	if s.words["nx"] && exists || s.words["xx"] && !exists {
		if s.words["get"] {
			return reply()
		}
		return c.null()
	}
	if s.words["keepttl"] {
		at = c.deadline(key)
	}
	c.put(key, c.args[2])
	c.setDeadline(key, at)
	return reply()
}

func (c *cmd) bulkOrNull(text string, found bool) error {
	if !found {
		return c.null()
	}
	return c.bulk(text)
}

// setFor is SETEX and PSETEX.
func (c *cmd) setFor(e expiry) error {
	at, err := c.positiveExpiry(2, e)
	if err != nil {
		return err
	}
	c.put(c.args[1], c.args[3])
	c.setDeadline(c.args[1], at)
	return c.ok()
}

func (c *cmd) setnx() error {
	if c.db.Exists(c.args[1]) {
		return c.count(0)
	}
	c.put(c.args[1], c.args[2])
	return c.count(1)
}

// mset is MSET and MSETNX.
func (c *cmd) mset(onlyNew bool) error {
	if len(c.args)%2 == 0 {
		return c.errArity()
	}
	for i := 1; onlyNew && i < len(c.args); i += 2 {
		if c.db.Exists(c.args[i]) {
			return c.count(0)
		}
	}
	for i := 1; i < len(c.args); i += 2 {
		c.put(c.args[i], c.args[i+1])
	}
	if onlyNew {
		return c.count(1)
	}
	return c.ok()
}

func (c *cmd) getset() error {
	old, found, err := c.str(c.args[1])
	if err != nil {
		return err
	}
	c.put(c.args[1], c.args[2])
	return c.bulkOrNull(old, found)
}

func (c *cmd) getdel() error {
	text, found, err := c.str(c.args[1])
	if err != nil {
		return err
	}
	c.del(c.args[1])
	return c.bulkOrNull(text, found)
}

func (c *cmd) getex() error {
	s, err := c.setting(2, "persist")
	if err != nil {
		return err
	}
	text, found, err := c.str(c.args[1])
	if err != nil || !found {
		return c.orNull(err)
	}
	at, err := c.settingDeadline(s)
	switch {
	case err != nil:
		return err
	case at != 0:
		c.expireAt(c.args[1], at)
	case s.words["persist"] && c.deadline(c.args[1]) != 0:
		c.setDeadline(c.args[1], 0)
	}
	return c.bulk(text)
}

func (c *cmd) getrange() error {
	start, end, err := c.ints(2)
	if err != nil {
		return err
	}
	text, _, err := c.str(c.args[1])
	if err != nil {
		return err
	}
	start, end = textSpan(start, end, len(text))
	return c.bulk(text[start:end])
}

// span returns what of n elements lies from start to end, including the latter, as an
// index of Go. Negative ones count from the end.
func span(start, end int64, n int) (from, to int64) {
	length := int64(n)
	if start < 0 {
		start = max(start+length, 0)
	}
	if end < 0 {
		end += length
	}
	end = min(end, length-1)
	if start > end {
		return 0, 0
	}
	return start, end + 1
}

// textSpan is span for strings and their bits: an end that lies before the first element is
// the first one.
func textSpan(start, end int64, n int) (from, to int64) {
	if start < 0 && end < 0 && start > end {
		return 0, 0
	}
	if end < 0 {
		end = max(end+int64(n), 0)
	}
	return span(start, end, n)
}

// maxString is the most bytes that a string may have.
const maxString = 512 << 20

func (c *cmd) setrange() error {
	offset, err := c.int(2)
	if err != nil {
		return err
	}
	if offset < 0 {
		return failure("ERR offset is out of range")
	}
	key, part := c.args[1], c.args[3]
	text, _, err := c.str(key)
	switch {
	case err != nil:
		return err
	case part == "":
		return c.count(len(text))
	case offset > maxString-int64(len(part)):
		return errTooLong
	}
	all := make([]byte, max(len(text), int(offset)+len(part)))
	copy(all, text)
	copy(all[offset:], part)
	c.update(key, string(all))
	return c.count(len(all))
}

func (c *cmd) appendTo() error {
	text, _, err := c.str(c.args[1])
	if err != nil {
		return err
	}
	c.update(c.args[1], text+c.args[2])
	return c.count(len(text) + len(c.args[2]))
}
