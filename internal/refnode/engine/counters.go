package engine

import (
	"math"
	"strconv"

	"github.com/slotmesh/slotmesh/internal/refnode/decimal"
)

// counterNatives change numbers. miniredis takes second forms of integers for integers, and
// counts floats with more digits than the server has.
var counterNatives = map[string]native{
	"incr":         func(c *cmd) error { return c.incr(1) },
	"decr":         func(c *cmd) error { return c.incr(-1) },
	"incrby":       func(c *cmd) error { return c.incrBy(1) },
	"decrby":       func(c *cmd) error { return c.incrBy(-1) },
	"incrbyfloat":  (*cmd).incrByFloat,
	"hincrby":      (*cmd).hincrBy,
	"hincrbyfloat": (*cmd).hincrByFloat,
}

func (c *cmd) incr(by int64) error {
	text, found, err := c.str(c.args[1])
	if err != nil {
		return err
	}
	sum, err := add(text, found, by, errInteger)
	if err != nil {
		return err
	}
	c.update(c.args[1], strconv.FormatInt(sum, 10))
	return c.number(sum)
}

// add adds to a number, 0 if there is none so far.
func add(text string, found bool, by int64, why failure) (int64, error) {
	n, ok := decimal.Parse(text)
	if found && !ok {
		return 0, why
	}
	if by > 0 && n > math.MaxInt64-by || by < 0 && n < math.MinInt64-by {
		return 0, errOverflow
	}
	return n + by, nil
}

func (c *cmd) incrBy(sign int64) error {
	by, err := c.int(2)
	if err != nil {
		return err
	}
	if sign < 0 && by == math.MinInt64 {
		return failure("ERR decrement would overflow")
	}
	return c.incr(sign * by)
}

func (c *cmd) incrByFloat() error {
	text, found, err := c.str(c.args[1])
	if err != nil {
		return err
	}
	sum, err := addFloat(text, found, c.args[2], errFloat)
	if err != nil {
		return err
	}
	c.update(c.args[1], sum)
	return c.bulk(sum)
}

// addFloat is add for floats. Its result is as the server stores it.
func addFloat(text string, found bool, by string, why failure) (sum string, err error) {
	if !found {
		text = "0"
	}
	n, ok := parseLong(text)
	if !ok {
		return "", why
	}
	delta, ok := parseLong(by)
	if !ok {
		return "", errFloat
	}
	total, ok := addLong(n, delta)
	if !ok {
		return "", errNaN
	}
	return longText(total), nil
}

func (c *cmd) hincrBy() error {
	by, err := c.int(3)
	if err != nil {
		return err
	}
	text, found, err := c.field(c.args[1], c.args[2])
	if err != nil {
		return err
	}
	sum, err := add(text, found, by, "ERR hash value is not an integer")
	if err != nil {
		return err
	}
	c.hset(c.args[1], c.args[2], strconv.FormatInt(sum, 10))
	return c.number(sum)
}

func (c *cmd) hincrByFloat() error {
	by, ok := parseLong(c.args[3])
	switch {
	case !ok:
		return errFloat
	case by.IsInf():
		return failure("ERR value is NaN or Infinity")
	}
	text, found, err := c.field(c.args[1], c.args[2])
	if err != nil {
		return err
	}
	sum, err := addFloat(text, found, c.args[3], "ERR hash value is not a float")
	if err != nil {
		return err
	}
	c.hset(c.args[1], c.args[2], sum)
	return c.bulk(sum)
}
