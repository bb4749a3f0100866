package engine

import (
	"math"
	"math/rand/v2"
	"slices"
)

// hashNatives are those on hashes where miniredis differs: it shows random fields with
// their values as a map, and values in another order than fields.
var hashNatives = map[string]native{
	"hset":       (*cmd).hsetCommand,
	"hmset":      (*cmd).hsetCommand,
	"hsetnx":     (*cmd).hsetnx,
	"hdel":       (*cmd).hdelCommand,
	"hrandfield": (*cmd).hrandfield,
	"hvals":      (*cmd).hvals,
}

// fields returns the fields of a hash.
func (c *cmd) fields(key string) ([]string, error) {
	ok, err := c.has(key, typeHash)
	if !ok {
		return nil, err
	}
	return c.db.HKeys(key)
}

// hsetCommand is HSET and HMSET.
func (c *cmd) hsetCommand() error {
	if len(c.args)%2 != 0 {
		return c.errArity()
	}
	added := 0
	for i := 2; i < len(c.args); i += 2 {
		_, found, err := c.field(c.args[1], c.args[i])
		if err != nil {
			return err
		}
		if !found {
			added++
		}
		c.hset(c.args[1], c.args[i], c.args[i+1])
	}
	if c.name() == "hmset" {
		return c.ok()
	}
	return c.count(added)
}

func (c *cmd) hsetnx() error {
	_, found, err := c.field(c.args[1], c.args[2])
	if err != nil {
		return err
	}
	if found {
		return c.count(0)
	}
	c.hset(c.args[1], c.args[2], c.args[3])
	return c.count(1)
}

func (c *cmd) hdelCommand() error {
	var found []string
	for _, field := range c.args[2:] {
		_, ok, err := c.field(c.args[1], field)
		if err != nil {
			return err
		}
		if ok && !slices.Contains(found, field) {
			found = append(found, field)
		}
	}
	if len(found) > 0 {
		c.hdel(c.args[1], found...)
	}
	return c.count(len(found))
}

func (c *cmd) hvals() error {
	fields, err := c.fields(c.args[1])
	if err != nil {
		return err
	}
	for i, field := range fields {
		fields[i] = c.db.HGet(c.args[1], field)
	}
	return c.bulks(fields)
}

func (c *cmd) hrandfield() error {
	d, err := c.drawing("withvalues")
	if err != nil {
		return err
	}
	fields, err := c.fields(c.args[1])
	if err != nil {
		return err
	}
	return c.draw(d, fields, func(field string) { _ = c.bulk(c.db.HGet(c.args[1], field)) })
}

// A drawing is how many random elements a command asks for: without a count, one.
type drawing struct {
	counted bool
	count   int64
	with    bool // what belongs to each
}

// drawing reads a count and the word that asks for more, at arguments 2 and 3.
func (c *cmd) drawing(more string) (d drawing, err error) {
	if len(c.args) == 2 {
		return d, nil
	}
	d.counted = true
	if d.count, err = c.signed(2); err != nil {
		return d, err
	}
	switch {
	case len(c.args) > 4, len(c.args) == 4 && (more == "" || !c.is(3, more)):
		return d, errSyntax
	case len(c.args) == 4 && (d.count < -math.MaxInt64/2 || d.count > math.MaxInt64/2):
		return d, errOutOfRange
	}
	d.with = len(c.args) == 4
	return d, nil
}

// of returns the elements that are drawn. A negative count draws each anew.
func (d drawing) of(elements []string) []string {
	if len(elements) == 0 {
		return nil
	}
	if d.count < 0 {
		drawn := make([]string, -d.count)
		for i := range drawn {
			drawn[i] = elements[rand.IntN(len(elements))]
		}
		return drawn
	}
	drawn := slices.Clone(elements)
	rand.Shuffle(len(drawn), func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
	return drawn[:min(d.count, int64(len(drawn)))]
}

// draw replies random elements, each with what belongs to it.
func (c *cmd) draw(d drawing, elements []string, with func(element string)) error {
	if !d.counted {
		if len(elements) == 0 {
			return c.null()
		}
		return c.bulk(elements[rand.IntN(len(elements))])
	}
	drawn := d.of(elements)
	if !d.with {
		return c.bulks(drawn)
	}
	c.pairs(len(drawn))
	for _, element := range drawn {
		c.pair()
		_ = c.bulk(element)
		with(element)
	}
	return nil
}

// pairs begins a reply of n pairs: in RESP3 they are arrays, in RESP2 they are not told
// apart.
func (c *cmd) pairs(n int) {
	if !c.nests() {
		n *= 2
	}
	c.array(n)
}

// pair begins one of them.
func (c *cmd) pair() {
	if c.nests() {
		c.array(2)
	}
}
