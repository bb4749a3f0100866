package engine

import "math"

// mpopNatives pop from the first of several keys that has something. miniredis checks their
// arguments in another order.
var mpopNatives = map[string]native{"lmpop": (*cmd).lmpop, "zmpop": (*cmd).zmpop}

// several reads numkeys, at argument 1, and returns where the arguments behind the keys
// begin.
func (c *cmd) several() (keys []string, next int, err error) {
	n, err := c.intFrom(1, 1, "ERR numkeys should be greater than 0")
	if err != nil {
		return nil, 0, err
	}
	if n > int64(len(c.args)-3) { // one behind them at least
		return nil, 0, errSyntax
	}
	return c.args[2 : 2+n], int(2 + n), nil
}

// counted reads an optional COUNT, from argument i to the end.
func (c *cmd) counted(i int) (n int64, err error) {
	n = -1
	for ; i < len(c.args); i += 2 {
		if !c.is(i, "count") || c.left(i) == 0 || n >= 0 {
			return 0, errSyntax
		}
		if n, err = c.intFrom(i+1, 1, "ERR count should be greater than 0"); err != nil {
			return 0, err
		}
	}
	return min(max(n, 1), math.MaxInt32), nil
}

func (c *cmd) lmpop() error {
	keys, next, err := c.several()
	if err != nil {
		return err
	}
	from, err := c.end(next)
	if err != nil {
		return err
	}
	n, err := c.counted(next + 1)
	if err != nil {
		return err
	}
	for _, key := range keys {
		elements, err := c.list(key)
		if err != nil {
			return err
		}
		if len(elements) > 0 {
			c.array(2)
			_ = c.bulk(key)
			return c.bulks(c.take(key, elements, from, int(n)))
		}
	}
	return c.nullArray()
}

func (c *cmd) zmpop() error {
	keys, next, err := c.several()
	if err != nil {
		return err
	}
	if !c.is(next, "min") && !c.is(next, "max") {
		return errSyntax
	}
	n, err := c.counted(next + 1)
	if err != nil {
		return err
	}
	for _, key := range keys {
		taken, err := c.takeMembers(key, c.is(next, "max"), n)
		if err != nil {
			return err
		}
		if len(taken) > 0 {
			return c.popped(key, taken)
		}
	}
	return c.nullArray()
}

// popped replies members of a key, as arrays in RESP2 too.
func (c *cmd) popped(key string, taken []member) error {
	c.array(2)
	_ = c.bulk(key)
	c.array(len(taken))
	for _, m := range taken {
		c.array(2)
		_ = c.bulk(m.name)
		_ = c.double(m.score)
	}
	return nil
}
