package engine

import (
	"math/rand/v2"
	"slices"
)

// setNatives are those on sets where miniredis differs: it replies arrays for sets in
// RESP3, stores empty sets, and does not look at the types of all keys.
var setNatives = map[string]native{
	"sadd":        (*cmd).saddCommand,
	"srem":        (*cmd).sremCommand,
	"sinter":      func(c *cmd) error { return c.algebra(intersect) },
	"sunion":      func(c *cmd) error { return c.algebra(unite) },
	"sdiff":       func(c *cmd) error { return c.algebra(subtract) },
	"sinterstore": func(c *cmd) error { return c.algebraStore(intersect) },
	"sunionstore": func(c *cmd) error { return c.algebraStore(unite) },
	"sdiffstore":  func(c *cmd) error { return c.algebraStore(subtract) },
	"sintercard":  (*cmd).sintercard,
	"smove":       (*cmd).smove,
	"spop":        (*cmd).spop,
	"srandmember": (*cmd).srandmember,
}

func (c *cmd) saddCommand() error {
	if _, err := c.has(c.args[1], typeSet); err != nil {
		return err
	}
	return c.count(c.sadd(c.args[1], c.args[2:]...))
}

func (c *cmd) sremCommand() error {
	if _, err := c.has(c.args[1], typeSet); err != nil {
		return err
	}
	return c.count(c.srem(c.args[1], c.args[2:]...))
}

// intersect, unite and subtract work on sorted elements that occur once.
func intersect(a, b []string) []string {
	return slices.DeleteFunc(a, func(s string) bool { return !holds(b, s) })
}

func unite(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

func subtract(a, b []string) []string {
	return slices.DeleteFunc(a, func(s string) bool { return holds(b, s) })
}

func holds(sorted []string, s string) bool {
	_, found := slices.BinarySearch(sorted, s)
	return found
}

// combined returns the result of an operation on sets. The type of every key is checked.
func (c *cmd) combined(keys []string, operation func(a, b []string) []string) (result []string, err error) {
	for i, key := range keys {
		members, err := c.members(key)
		switch {
		case err != nil:
			return nil, err
		case i == 0:
			result = members
		default:
			result = operation(result, members)
		}
	}
	return result, nil
}

func (c *cmd) algebra(operation func(a, b []string) []string) error {
	result, err := c.combined(c.args[1:], operation)
	if err != nil {
		return err
	}
	return c.set(result)
}

func (c *cmd) algebraStore(operation func(a, b []string) []string) error {
	result, err := c.combined(c.args[2:], operation)
	if err != nil {
		return err
	}
	c.putSet(c.args[1], result)
	return c.count(len(result))
}

// limit reads the arguments of SINTERCARD and ZINTERCARD behind the keys; 0 is no
// limit.
func (c *cmd) limit(i int) (limit int64, err error) {
	for ; i < len(c.args); i += 2 {
		if !c.is(i, "limit") || c.left(i) == 0 {
			return 0, errSyntax
		}
		if limit, err = c.intFrom(i+1, 0, "ERR LIMIT can't be negative"); err != nil {
			return 0, err
		}
	}
	return limit, nil
}

func (c *cmd) sintercard() error {
	n, err := c.intFrom(1, 1, "ERR numkeys should be greater than 0")
	if err != nil {
		return err
	}
	if n > int64(len(c.args)-2) {
		return failure("ERR Number of keys can't be greater than number of args")
	}
	limit, err := c.limit(int(2 + n))
	if err != nil {
		return err
	}
	result, err := c.combined(c.args[2:2+n], intersect)
	if err != nil {
		return err
	}
	return c.replyLimited(len(result), limit)
}

func (c *cmd) replyLimited(n int, limit int64) error {
	if limit > 0 {
		n = int(min(int64(n), limit))
	}
	return c.count(n)
}

func (c *cmd) smove() error {
	source, target, member := c.args[1], c.args[2], c.args[3]
	members, err := c.members(source)
	switch {
	case err != nil:
		return err
	case len(members) == 0:
		return c.count(0)
	}
	if _, err := c.has(target, typeSet); err != nil {
		return err
	}
	switch {
	case !holds(members, member):
		return c.count(0)
	case source != target:
		_ = c.srem(source, member)
		_ = c.sadd(target, member)
	}
	return c.count(1)
}

func (c *cmd) spop() error {
	if len(c.args) > 3 {
		return errSyntax
	}
	n, counted := int64(1), len(c.args) == 3
	if counted {
		var err error
		if n, err = c.intFrom(2, 0, errPositive); err != nil {
			return err
		}
	}
	members, err := c.members(c.args[1])
	if err != nil {
		return err
	}
	rand.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	taken := members[:min(n, int64(len(members)))]
	if len(taken) > 0 {
		_ = c.srem(c.args[1], taken...)
	}
	switch {
	case counted:
		return c.set(taken)
	case len(taken) == 0:
		return c.null()
	default:
		return c.bulk(taken[0])
	}
}

func (c *cmd) srandmember() error {
	if len(c.args) > 3 {
		return errSyntax
	}
	d, err := c.drawing("")
	if err != nil {
		return err
	}
	members, err := c.members(c.args[1])
	if err != nil {
		return err
	}
	return c.draw(d, members, nil)
}
