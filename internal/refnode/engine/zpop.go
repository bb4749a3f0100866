package engine

import "slices"

// zpopNatives take members at an end of a sorted set. In RESP3 miniredis does not nest them
// where the server does.
var zpopNatives = map[string]native{
	"zpopmin": func(c *cmd) error { return c.zpop(false) },
	"zpopmax": func(c *cmd) error { return c.zpop(true) },
}

// takeMembers removes n members at an end and returns them, the outermost first.
func (c *cmd) takeMembers(key string, greatest bool, n int64) ([]member, error) {
	members, err := c.ranked(key)
	if greatest {
		slices.Reverse(members)
	}
	taken := members[:min(n, int64(len(members)))]
	c.remove(key, taken)
	return taken, err
}

func (c *cmd) zpop(greatest bool) error {
	n, counted := int64(1), len(c.args) == 3
	if len(c.args) > 3 {
		return errSyntax
	}
	if counted {
		var err error
		if n, err = c.intFrom(2, 0, errPositive); err != nil {
			return err
		}
	}
	taken, err := c.takeMembers(c.args[1], greatest, n)
	switch {
	case err != nil:
		return err
	case counted:
		return c.withScores(taken)
	case len(taken) == 0:
		return c.bulks(nil)
	}
	c.array(2)
	_ = c.bulk(taken[0].name)
	return c.double(taken[0].score)
}
