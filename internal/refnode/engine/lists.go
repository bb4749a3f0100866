package engine

import (
	"slices"
	"strings"
)

// listNatives work on lists. miniredis checks arguments before it looks for the key where
// the server does it behind, and the other way round.
var listNatives = map[string]native{
	"lpush":     (*cmd).pushCommand,
	"rpush":     (*cmd).pushCommand,
	"lpushx":    (*cmd).pushCommand,
	"rpushx":    (*cmd).pushCommand,
	"lpop":      (*cmd).pop,
	"rpop":      (*cmd).pop,
	"lmove":     (*cmd).lmove,
	"rpoplpush": func(c *cmd) error { return c.move(right, left) },
}

// An end is one of the two of a list.
type end int

const (
	left end = iota
	right
)

// end returns the end that an argument names.
func (c *cmd) end(i int) (end, error) {
	switch {
	case c.is(i, "left"):
		return left, nil
	case c.is(i, "right"):
		return right, nil
	default:
		return 0, errSyntax
	}
}

// ofName returns the end that a command has in its first letter.
func (c *cmd) ofName() end {
	if c.name()[0] == 'l' {
		return left
	}
	return right
}

// pushCommand adds elements at an end, one by one.
func (c *cmd) pushCommand() error {
	key := c.args[1]
	elements, err := c.list(key)
	if err != nil {
		return err
	}
	if len(elements) == 0 && strings.HasSuffix(c.name(), "x") {
		return c.count(0)
	}
	if c.ofName() == right {
		return c.count(c.push(key, c.args[2:]...))
	}
	if len(c.args) == 3 {
		return c.count(c.pushFront(key, c.args[2]))
	}
	added := slices.Clone(c.args[2:])
	slices.Reverse(added)
	c.setList(key, append(added, elements...))
	return c.count(len(added) + len(elements))
}

// take removes n elements at an end and returns them, the outermost first.
func (c *cmd) take(key string, elements []string, from end, n int) []string {
	n = min(n, len(elements))
	if n == 0 {
		return nil
	}
	if n == 1 {
		return []string{c.popElement(key, from)}
	}
	if from == left {
		taken := slices.Clone(elements[:n])
		c.setList(key, elements[n:])
		return taken
	}
	taken := slices.Clone(elements[len(elements)-n:])
	slices.Reverse(taken)
	c.setList(key, elements[:len(elements)-n])
	return taken
}

func (c *cmd) pop() error {
	n, counted := int64(1), len(c.args) > 2
	if len(c.args) > 3 {
		return c.errArity()
	}
	if counted {
		var err error
		if n, err = c.intFrom(2, 0, errPositive); err != nil {
			return err
		}
	}
	elements, err := c.list(c.args[1])
	switch {
	case err != nil:
		return err
	case len(elements) == 0 && counted:
		return c.nullArray()
	case len(elements) == 0:
		return c.null()
	}
	taken := c.take(c.args[1], elements, c.ofName(), int(n))
	if !counted {
		return c.bulk(taken[0])
	}
	return c.bulks(taken)
}

func (c *cmd) lmove() error {
	from, err := c.end(3)
	if err != nil {
		return err
	}
	to, err := c.end(4)
	if err != nil {
		return err
	}
	return c.move(from, to)
}

// move moves an element from the end of a list to one of another, or of the same.
func (c *cmd) move(from, to end) error {
	source, target := c.args[1], c.args[2]
	elements, err := c.list(source)
	if err != nil || len(elements) == 0 {
		return c.orNull(err)
	}
	if _, err := c.list(target); err != nil {
		return err
	}
	at := c.deadline(source)
	element := c.take(source, elements, from, 1)
	rest, _ := c.list(target)
	if to == left {
		c.setList(target, append(slices.Clone(element), rest...))
	} else {
		c.setList(target, append(slices.Clone(rest), element...))
	}
	if source == target { // which may have been empty meanwhile
		c.setDeadline(source, at)
	}
	return c.bulk(element[0])
}
