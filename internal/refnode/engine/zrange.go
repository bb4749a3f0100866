package engine

import (
	"slices"
	"strings"
)

// zrangeNatives show, count, store or remove a range of a sorted set. miniredis shows
// scores with fewer digits and checks options in another order.
var zrangeNatives = map[string]native{
	"zrange":           func(c *cmd) error { return c.showRange(ranging{first: 1}) },
	"zrevrange":        func(c *cmd) error { return c.showRange(ranging{first: 1, by: byRank, fixed: true, reverse: true}) },
	"zrangebyscore":    func(c *cmd) error { return c.showRange(ranging{first: 1, by: byScore, fixed: true}) },
	"zrevrangebyscore": func(c *cmd) error { return c.showRange(ranging{first: 1, by: byScore, fixed: true, reverse: true}) },
	"zrangebylex":      func(c *cmd) error { return c.showRange(ranging{first: 1, by: byName, fixed: true}) },
	"zrevrangebylex":   func(c *cmd) error { return c.showRange(ranging{first: 1, by: byName, fixed: true, reverse: true}) },
	"zrangestore":      func(c *cmd) error { return c.showRange(ranging{first: 2, store: true}) },
	"zcount":           func(c *cmd) error { return c.countRange(byScore) },
	"zlexcount":        func(c *cmd) error { return c.countRange(byName) },
	"zremrangebyrank":  func(c *cmd) error { return c.removeRange(byRank) },
	"zremrangebyscore": func(c *cmd) error { return c.removeRange(byScore) },
	"zremrangebylex":   func(c *cmd) error { return c.removeRange(byName) },
}

// An order is by what a range is bounded.
type order int

const (
	byRank order = iota
	byScore
	byName
)

// A ranging is which part of which sorted set a command is about.
type ranging struct {
	first   int // the argument that is the key; the bounds follow
	store   bool
	fixed   bool // the options below are the command's: it takes no others
	by      order
	reverse bool

	withScores    bool
	offset, limit int64 // a limit below zero is none
}

// options reads what stands behind the bounds.
func (r *ranging) options(c *cmd) (err error) {
	r.limit = -1
	chosen := r.fixed // by what it is bounded
	for i := r.first + 3; i < len(c.args); i++ {
		switch {
		case !r.store && c.is(i, "withscores"):
			r.withScores = true
		case c.is(i, "limit") && c.left(i) >= 2:
			if r.offset, r.limit, err = c.ints(i + 1); err != nil {
				return err
			}
			i += 2
		case !r.fixed && !r.reverse && c.is(i, "rev"):
			r.reverse = true
		case !chosen && c.is(i, "bylex"):
			r.by, chosen = byName, true
		case !chosen && c.is(i, "byscore"):
			r.by, chosen = byScore, true
		default:
			return errSyntax
		}
	}
	switch {
	case r.limit != -1 && r.by == byRank:
		return errSyntax + ", LIMIT is only supported in combination with either BYSCORE or BYLEX"
	case r.withScores && r.by == byName:
		return errSyntax + ", WITHSCORES not supported in combination with BYLEX"
	}
	return nil
}

func (c *cmd) showRange(r ranging) error {
	if err := r.options(c); err != nil {
		return err
	}
	members, err := c.selected(&r)
	switch {
	case err != nil:
		return err
	case r.store:
		return c.storeZSet(members)
	case r.withScores:
		return c.withScores(members)
	default:
		return c.names(members)
	}
}

// selected returns the members in a range.
func (c *cmd) selected(r *ranging) ([]member, error) {
	selects, err := c.bounds(r)
	if err != nil {
		return nil, err
	}
	members, err := c.ranked(c.args[r.first])
	if err != nil {
		return nil, err
	}
	if r.reverse {
		slices.Reverse(members)
	}
	members = selects(members)
	if r.by == byRank {
		return members, nil
	}
	if r.offset < 0 {
		return nil, nil
	}
	members = members[min(r.offset, int64(len(members))):]
	if r.limit >= 0 {
		members = members[:min(r.limit, int64(len(members)))]
	}
	return members, nil
}

// bounds reads the two bounds of a range, and returns what selects its members.
func (c *cmd) bounds(r *ranging) (selects func([]member) []member, err error) {
	low, high := r.first+1, r.first+2
	if r.by == byRank {
		start, end, err := c.ints(low)
		return func(members []member) []member {
			from, to := span(start, end, len(members))
			return members[from:to]
		}, err
	}
	if r.reverse {
		low, high = high, low
	}
	within := c.scoresWithin
	if r.by == byName {
		within = c.namesWithin
	}
	inside, err := within(low, high)
	return func(members []member) []member {
		return slices.DeleteFunc(members, func(m member) bool { return !inside(m) })
	}, err
}

func (c *cmd) scoresWithin(low, high int) (inside func(member) bool, err error) {
	least, above, ok1 := scoreLimit(c.args[low])
	most, below, ok2 := scoreLimit(c.args[high])
	if !ok1 || !ok2 {
		return nil, failure("ERR min or max is not a float")
	}
	return func(m member) bool {
		return (m.score > least || m.score == least && !above) && (m.score < most || m.score == most && !below)
	}, nil
}

// scoreLimit parses a bound; an open one begins with a parenthesis.
func scoreLimit(text string) (score float64, open, ok bool) {
	text, open = strings.CutPrefix(text, "(")
	score, ok = parseLimit(text)
	return score, open, ok
}

func (c *cmd) namesWithin(low, high int) (inside func(member) bool, err error) {
	least, ok1 := parseNameLimit(c.args[low])
	most, ok2 := parseNameLimit(c.args[high])
	if !ok1 || !ok2 {
		return nil, failure("ERR min or max not valid string range item")
	}
	return func(m member) bool {
		fromLeast, fromMost := least.compare(m.name), most.compare(m.name)
		return (fromLeast > 0 || fromLeast == 0 && !least.open) && (fromMost < 0 || fromMost == 0 && !most.open)
	}, nil
}

// A nameLimit is a bound of a range of names.
type nameLimit struct {
	end  int // -1 before all names, 1 behind them, 0 at this one:
	name string
	open bool
}

func parseNameLimit(text string) (l nameLimit, ok bool) {
	switch {
	case text == "-":
		return nameLimit{end: -1}, true
	case text == "+":
		return nameLimit{end: 1}, true
	case strings.HasPrefix(text, "["), strings.HasPrefix(text, "("):
		return nameLimit{name: text[1:], open: text[0] == '('}, true
	default:
		return nameLimit{}, false
	}
}

// compare returns on which side of the bound a name is.
func (l nameLimit) compare(name string) int {
	if l.end != 0 {
		return -l.end
	}
	return strings.Compare(name, l.name)
}

func (c *cmd) countRange(by order) error {
	members, err := c.selected(&ranging{first: 1, by: by, limit: -1})
	if err != nil {
		return err
	}
	return c.count(len(members))
}

func (c *cmd) removeRange(by order) error {
	members, err := c.selected(&ranging{first: 1, by: by, limit: -1})
	if err != nil {
		return err
	}
	c.remove(c.args[1], members)
	return c.count(len(members))
}

// remove removes members from a sorted set.
func (c *cmd) remove(key string, members []member) {
	for _, m := range members {
		_ = c.zrem(key, m.name)
	}
}
