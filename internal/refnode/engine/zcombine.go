package engine

import (
	"math"
	"slices"
	"strings"
)

// zcombineNatives combine sorted sets, and sets, whose members all have the score 1.
// miniredis has not all of them.
var zcombineNatives = map[string]native{
	"zunion":      func(c *cmd) error { return c.combine(combining{numkeys: 1}) },
	"zinter":      func(c *cmd) error { return c.combine(combining{numkeys: 1, operation: zinter}) },
	"zdiff":       func(c *cmd) error { return c.combine(combining{numkeys: 1, operation: zdiff}) },
	"zunionstore": func(c *cmd) error { return c.combine(combining{numkeys: 2, store: true}) },
	"zinterstore": func(c *cmd) error { return c.combine(combining{numkeys: 2, operation: zinter, store: true}) },
	"zdiffstore":  func(c *cmd) error { return c.combine(combining{numkeys: 2, operation: zdiff, store: true}) },
	"zintercard":  func(c *cmd) error { return c.combine(combining{numkeys: 1, operation: zinter, counts: true}) },
}

type zoperation int

const (
	zunion zoperation = iota
	zinter
	zdiff
)

// A combining is what a command combines, and how.
type combining struct {
	numkeys   int // the argument that says how many keys follow it
	operation zoperation
	store     bool
	counts    bool // only how many members there are is asked for

	sources    []source
	aggregate  func(a, b float64) float64
	withScores bool
	limit      int64
}

// A source is one of the sets.
type source struct {
	scores map[string]float64
	weight float64
}

// weighted returns a score of the source as it goes into the result.
func (s source) weighted(score float64) float64 { return orZero(s.weight * score) }

// orZero makes what is no number 0, such as the sum of two infinities.
func orZero(f float64) float64 {
	if math.IsNaN(f) {
		return 0
	}
	return f
}

// aggregates are the ways of making one score of two.
var aggregates = map[string]func(a, b float64) float64{
	"sum": func(a, b float64) float64 { return orZero(a + b) },
	"min": func(a, b float64) float64 { return min(a, b) },
	"max": func(a, b float64) float64 { return max(a, b) },
}

func (c *cmd) combine(z combining) error {
	next, err := c.sources(&z)
	if err != nil {
		return err
	}
	if err := z.options(c, next); err != nil {
		return err
	}
	members := z.result()
	switch {
	case z.counts:
		return c.replyLimited(len(members), z.limit)
	case z.store:
		return c.storeZSet(members)
	case z.withScores:
		return c.withScores(members)
	default:
		return c.names(members)
	}
}

// sources reads the sets, and returns where the options begin.
func (c *cmd) sources(z *combining) (next int, err error) {
	n, err := c.int(z.numkeys)
	switch {
	case err != nil:
		return 0, err
	case n < 1:
		return 0, failure("ERR at least 1 input key is needed for '" + c.name() + "' command")
	case n > int64(c.left(z.numkeys)):
		return 0, errSyntax
	}
	first := z.numkeys + 1
	for _, key := range c.args[first : first+int(n)] {
		scores, err := c.anyScores(key)
		if err != nil {
			return 0, err
		}
		z.sources = append(z.sources, source{scores, 1})
	}
	z.aggregate = aggregates["sum"]
	return first + int(n), nil
}

// anyScores is scores for sets, too.
func (c *cmd) anyScores(key string) (map[string]float64, error) {
	if c.db.Type(key) != typeSet {
		return c.scores(key)
	}
	members, err := c.members(key)
	scores := make(map[string]float64, len(members))
	for _, name := range members {
		scores[name] = 1
	}
	return scores, err
}

// options reads the arguments from i on.
func (z *combining) options(c *cmd, i int) (err error) {
	for ; i < len(c.args); i++ {
		switch {
		case !z.counts && z.operation != zdiff && c.is(i, "weights") && c.left(i) >= len(z.sources):
			if err := z.weights(c, i+1); err != nil {
				return err
			}
			i += len(z.sources)
		case !z.counts && z.operation != zdiff && c.is(i, "aggregate") && c.left(i) > 0:
			i++
			if z.aggregate = aggregates[strings.ToLower(c.args[i])]; z.aggregate == nil {
				return errSyntax
			}
		case !z.counts && !z.store && c.is(i, "withscores"):
			z.withScores = true
		case z.counts:
			z.limit, err = c.limit(i)
			return err
		default:
			return errSyntax
		}
	}
	return nil
}

func (z *combining) weights(c *cmd, first int) (err error) {
	for i := range z.sources {
		if z.sources[i].weight, err = c.float(first+i, "ERR weight value is not a float"); err != nil {
			return err
		}
	}
	return nil
}

// result returns the members of the result, in order.
func (z *combining) result() []member {
	result := map[string]float64{}
	if z.operation == zdiff {
		z.subtract(result)
		return inOrder(listed(result))
	}
	// Scores are added up in this order, which may matter to the last digit.
	slices.SortStableFunc(z.sources, func(a, b source) int { return len(a.scores) - len(b.scores) })
	in := map[string]int{}
	for _, s := range z.sources {
		for name, score := range s.scores {
			score = s.weighted(score)
			if in[name]++; in[name] > 1 {
				score = z.aggregate(result[name], score)
			}
			result[name] = score
		}
	}
	for name := range result {
		if z.operation == zinter && in[name] < len(z.sources) {
			delete(result, name)
		}
	}
	return inOrder(listed(result))
}

// subtract leaves what is in the first set only.
func (z *combining) subtract(result map[string]float64) {
	for name, score := range z.sources[0].scores {
		if !slices.ContainsFunc(z.sources[1:], func(s source) bool { _, ok := s.scores[name]; return ok }) {
			result[name] = score
		}
	}
}
