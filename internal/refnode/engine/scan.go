package engine

import (
	"math"
	"slices"
	"strconv"

	"github.com/slotmesh/slotmesh/internal/refnode/glob"
)

// scanNatives show a value part by part; here that is all at once, as the server does with
// one that is small. miniredis looks at the options of a scan of nothing.
var scanNatives = map[string]native{
	"sscan": func(c *cmd) error { return c.scan((*cmd).scanSet) },
	"hscan": func(c *cmd) error { return c.scan((*cmd).scanHash) },
	"zscan": func(c *cmd) error { return c.scan((*cmd).scanZSet) },
}

// scan replies what elements returns for the key: a name, and maybe a text that belongs to
// it.
func (c *cmd) scan(elements func(c *cmd) (found [][]string, err error)) error {
	if _, err := strconv.ParseUint(c.args[2], 10, 64); err != nil {
		return failure("ERR invalid cursor")
	}
	found, err := elements(c)
	if err != nil {
		return err
	}
	if found != nil {
		pattern, err := c.scanPattern()
		if err != nil {
			return err
		}
		found = slices.DeleteFunc(found, func(e []string) bool { return !glob.Match([]byte(pattern), []byte(e[0])) })
	}
	c.array(2)
	_ = c.bulk("0")
	return c.bulks(slices.Concat(found...))
}

func (c *cmd) scanPattern() (pattern string, err error) {
	pattern = "*"
	for i := 3; i < len(c.args); i += 2 {
		switch {
		case c.left(i) == 0:
			return "", errSyntax
		case c.is(i, "match"):
			pattern = c.args[i+1]
		case c.is(i, "count"):
			n, err := c.int(i + 1)
			if err != nil {
				return "", err
			}
			if n < 1 {
				return "", errSyntax
			}
		default:
			return "", errSyntax
		}
	}
	return pattern, nil
}

func (c *cmd) scanSet() (found [][]string, err error) {
	members, err := c.members(c.args[1])
	for _, member := range members {
		found = append(found, []string{member})
	}
	return found, err
}

func (c *cmd) scanHash() (found [][]string, err error) {
	fields, err := c.fields(c.args[1])
	for _, field := range fields {
		found = append(found, []string{field, c.db.HGet(c.args[1], field)})
	}
	return found, err
}

func (c *cmd) scanZSet() (found [][]string, err error) {
	members, err := c.ranked(c.args[1])
	small := isSmall(members)
	for _, m := range members {
		text := scoreText(m.score)
		if n := int64(m.score); small && float64(n) == m.score && -math.MaxInt64/2 <= n && n <= math.MaxInt64/2 {
			text = strconv.FormatInt(n, 10)
		}
		found = append(found, []string{m.name, text})
	}
	return found, err
}

// isSmall reports whether the server keeps a sorted set as a listpack, where scores are
// integers if they can be.
func isSmall(members []member) bool {
	return len(members) <= 128 && !slices.ContainsFunc(members, func(m member) bool { return len(m.name) > 64 })
}
