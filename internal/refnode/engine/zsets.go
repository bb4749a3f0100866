package engine

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// zsetNatives are those on single members of sorted sets. miniredis shows scores with as
// few digits as will do, where the server shows 17.
var zsetNatives = map[string]native{
	"zadd":        (*cmd).zaddCommand,
	"zincrby":     (*cmd).zincrby,
	"zrem":        (*cmd).zremCommand,
	"zscore":      (*cmd).zscore,
	"zmscore":     (*cmd).zmscore,
	"zrank":       (*cmd).zrank,
	"zrevrank":    (*cmd).zrank,
	"zrandmember": (*cmd).zrandmember,
}

// A member is one of a sorted set.
type member struct {
	name  string
	score float64
}

// inOrder sorts members by score, those of the same score by name.
func inOrder(members []member) []member {
	slices.SortFunc(members, func(a, b member) int {
		return cmp.Or(cmp.Compare(a.score, b.score), strings.Compare(a.name, b.name))
	})
	return members
}

func listed(scores map[string]float64) []member {
	members := make([]member, 0, len(scores))
	for name, score := range scores {
		members = append(members, member{name, score})
	}
	return members
}

// ranked returns the members of a sorted set in order.
func (c *cmd) ranked(key string) ([]member, error) {
	scores, err := c.scores(key)
	return inOrder(listed(scores)), err
}

// scoreText returns a score as it is shown.
func scoreText(score float64) string {
	text := string(resp.RESP3.AppendDouble(nil, score))
	return text[1 : len(text)-2]
}

// nests reports whether pairs are arrays in their array.
func (c *cmd) nests() bool { return c.proto == resp.RESP3 }

// withScores replies members, each with its score.
func (c *cmd) withScores(members []member) error {
	c.pairs(len(members))
	for _, m := range members {
		c.pair()
		_ = c.bulk(m.name)
		_ = c.double(m.score)
	}
	return nil
}

// names replies members without scores.
func (c *cmd) names(members []member) error {
	c.array(len(members))
	for _, m := range members {
		_ = c.bulk(m.name)
	}
	return nil
}

// storeZSet makes the first key of the members, and replies how many they are.
func (c *cmd) storeZSet(members []member) error {
	c.putZSet(c.args[1], members)
	return c.count(len(members))
}

// An addition is the options of ZADD.
type addition map[string]bool

// addition reads them, and returns where the scores begin.
func (c *cmd) addition() (a addition, first int, err error) {
	a = addition{}
	for first = 2; first < len(c.args); first++ {
		word := strings.ToLower(c.args[first])
		if !slices.Contains([]string{"nx", "xx", "ch", "incr", "gt", "lt"}, word) {
			break
		}
		a[word] = true
	}
	n := len(c.args) - first
	switch {
	case n == 0 || n%2 != 0:
		err = errSyntax
	case a["nx"] && a["xx"]:
		err = failure("ERR XX and NX options at the same time are not compatible")
	case a["gt"] && a["nx"], a["lt"] && a["nx"], a["gt"] && a["lt"]:
		err = failure("ERR GT, LT, and/or NX options at the same time are not compatible")
	case a["incr"] && n > 2:
		err = failure("ERR INCR option supports a single increment-element pair")
	}
	return a, first, err
}

// skips reports whether a member is left as it is: with this score, if it exists with the
// old one.
func (a addition) skips(exists bool, old, score float64) bool {
	if !exists {
		return a["xx"]
	}
	return a["nx"] || a["gt"] && score <= old || a["lt"] && score >= old
}

// An outcome is what became of a member that was to be added.
type outcome int

const (
	skipped outcome = iota
	same
	added
	changed
)

func (c *cmd) zaddCommand() error {
	a, first, err := c.addition()
	if err != nil {
		return err
	}
	return c.add(a, first)
}

func (c *cmd) zincrby() error { return c.add(addition{"incr": true}, 2) }

// add adds the members from argument first on, each behind its score.
func (c *cmd) add(a addition, first int) error {
	var members []member
	for i := first; i < len(c.args); i += 2 {
		score, err := c.float(i, errFloat)
		if err != nil {
			return err
		}
		members = append(members, member{c.args[i+1], score})
	}
	return c.addAll(a, members)
}

func (c *cmd) addAll(a addition, members []member) error {
	if _, err := c.has(c.args[1], typeZSet); err != nil {
		return err
	}
	counts := map[outcome]int{}
	for _, m := range members {
		score, o, err := c.addOne(a, m)
		switch {
		case err != nil:
			return err
		case a["incr"] && o == skipped:
			return c.null()
		case a["incr"]:
			return c.double(score)
		}
		counts[o]++
	}
	if a["ch"] {
		return c.count(counts[added] + counts[changed])
	}
	return c.count(counts[added])
}

// addOne adds one member, and returns the score that it has then.
func (c *cmd) addOne(a addition, m member) (score float64, o outcome, err error) {
	scores, err := c.scores(c.args[1])
	if err != nil {
		return 0, skipped, err
	}
	old, exists := scores[m.name]
	score = m.score
	if a["incr"] && exists {
		score += old
	}
	switch {
	case math.IsNaN(score):
		return 0, skipped, failure("ERR resulting score is not a number (NaN)")
	case a.skips(exists, old, score):
		return old, skipped, nil
	case exists && score == old:
		return old, same, nil
	}
	c.zadd(c.args[1], member{m.name, score})
	if exists {
		return score, changed, nil
	}
	return score, added, nil
}

func (c *cmd) zremCommand() error {
	ok, err := c.has(c.args[1], typeZSet)
	if err != nil {
		return err
	}
	removed := 0
	for _, name := range c.args[2:] {
		if ok && c.zrem(c.args[1], name) {
			removed++
		}
	}
	return c.count(removed)
}

func (c *cmd) zscore() error {
	scores, err := c.scores(c.args[1])
	if err != nil {
		return err
	}
	return c.scoreOf(scores, c.args[2])
}

// scoreOf replies the score of a member, null if there is none.
func (c *cmd) scoreOf(scores map[string]float64, name string) error {
	score, ok := scores[name]
	if !ok {
		return c.null()
	}
	return c.double(score)
}

func (c *cmd) zmscore() error {
	scores, err := c.scores(c.args[1])
	if err != nil {
		return err
	}
	c.array(len(c.args) - 2)
	for _, name := range c.args[2:] {
		_ = c.scoreOf(scores, name)
	}
	return nil
}

func (c *cmd) zrank() error {
	members, err := c.ranked(c.args[1])
	if err != nil {
		return err
	}
	if c.name() == "zrevrank" {
		slices.Reverse(members)
	}
	rank := slices.IndexFunc(members, func(m member) bool { return m.name == c.args[2] })
	if rank < 0 {
		return c.null()
	}
	return c.count(rank)
}

func (c *cmd) zrandmember() error {
	d, err := c.drawing("withscores")
	if err != nil {
		return err
	}
	scores, err := c.scores(c.args[1])
	if err != nil {
		return err
	}
	return c.draw(d, slices.Collect(maps.Keys(scores)), func(name string) { _ = c.double(scores[name]) })
}
