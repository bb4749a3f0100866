package engine

import "slices"

// elementNatives work on the elements of lists, wherever they are. miniredis looks at
// indexes before it looks for the key.
var elementNatives = map[string]native{
	"lrange":  (*cmd).lrange,
	"ltrim":   (*cmd).ltrim,
	"lindex":  (*cmd).lindex,
	"lset":    (*cmd).lset,
	"linsert": (*cmd).linsert,
	"lrem":    (*cmd).lrem,
	"lpos":    (*cmd).lpos,
}

func (c *cmd) lrange() error {
	elements, err := c.listRange()
	if err != nil {
		return err
	}
	return c.bulks(elements)
}

func (c *cmd) ltrim() error {
	elements, err := c.listRange()
	if err != nil {
		return err
	}
	if c.db.Exists(c.args[1]) {
		c.setList(c.args[1], elements)
	}
	return c.ok()
}

// listRange returns the part of a list that the arguments behind its key name.
func (c *cmd) listRange() ([]string, error) {
	start, end, err := c.ints(2)
	if err != nil {
		return nil, err
	}
	elements, err := c.list(c.args[1])
	from, to := span(start, end, len(elements))
	return elements[from:to], err
}

// index returns the element that an argument names, counted from the end if it is
// negative.
func (c *cmd) index(i, n int) (at int, ok bool, err error) {
	index, err := c.int(i)
	if index < 0 {
		index += int64(n)
	}
	return int(index), index >= 0 && index < int64(n), err
}

func (c *cmd) lindex() error {
	elements, err := c.list(c.args[1])
	if err != nil || len(elements) == 0 {
		return c.orNull(err)
	}
	at, ok, err := c.index(2, len(elements))
	if err != nil || !ok {
		return c.orNull(err)
	}
	return c.bulk(elements[at])
}

func (c *cmd) lset() error {
	elements, err := c.list(c.args[1])
	if err != nil {
		return err
	}
	if len(elements) == 0 {
		return errNoSuchKey
	}
	at, ok, err := c.index(2, len(elements))
	if err != nil {
		return err
	}
	if !ok {
		return failure("ERR index out of range")
	}
	elements = slices.Clone(elements)
	elements[at] = c.args[3]
	c.setList(c.args[1], elements)
	return c.ok()
}

func (c *cmd) linsert() error {
	after := 0
	switch {
	case c.is(2, "after"):
		after = 1
	case !c.is(2, "before"):
		return errSyntax
	}
	elements, err := c.list(c.args[1])
	if err != nil {
		return err
	}
	if len(elements) == 0 {
		return c.count(0)
	}
	at := slices.Index(elements, c.args[3])
	if at < 0 {
		return c.count(-1)
	}
	c.setList(c.args[1], slices.Insert(slices.Clone(elements), at+after, c.args[4]))
	return c.count(len(elements) + 1)
}

// lrem removes elements from the front, or from the back if their number is negative; all
// if it is 0.
func (c *cmd) lrem() error {
	n, err := c.int(2)
	if err != nil {
		return err
	}
	elements, err := c.list(c.args[1])
	if err != nil {
		return err
	}
	kept := slices.Clone(elements)
	if n < 0 {
		slices.Reverse(kept)
	}
	removed := int64(0)
	kept = slices.DeleteFunc(kept, func(element string) bool {
		if element != c.args[3] || n != 0 && removed == max(n, -n) {
			return false
		}
		removed++
		return true
	})
	if n < 0 {
		slices.Reverse(kept)
	}
	if removed > 0 {
		c.setList(c.args[1], kept)
	}
	return c.count(int(removed))
}
