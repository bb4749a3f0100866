package engine

import (
	"math"
	"strings"
)

// expiryNatives say or set when keys expire. miniredis has no point in time for that, and
// checks other things in another order.
var expiryNatives = map[string]native{
	"expire":      func(c *cmd) error { return c.expire(expiry{unit: 1000, relative: true}) },
	"pexpire":     func(c *cmd) error { return c.expire(expiry{unit: 1, relative: true}) },
	"expireat":    func(c *cmd) error { return c.expire(expiry{unit: 1000}) },
	"pexpireat":   func(c *cmd) error { return c.expire(expiry{unit: 1}) },
	"persist":     (*cmd).persist,
	"ttl":         func(c *cmd) error { return c.tell(func(at int64) int64 { return (max(at-c.now, 0) + 500) / 1000 }) },
	"pttl":        func(c *cmd) error { return c.tell(func(at int64) int64 { return max(at-c.now, 0) }) },
	"expiretime":  func(c *cmd) error { return c.tell(func(at int64) int64 { return (at + 500) / 1000 }) },
	"pexpiretime": func(c *cmd) error { return c.tell(func(at int64) int64 { return at }) },
}

// An expiry is how a command says when a key expires.
type expiry struct {
	unit     int64 // in ms
	relative bool  // to now
}

// at returns the point in time that n says, ok if there is such.
func (e expiry) at(n, now int64) (ms int64, ok bool) {
	if n > math.MaxInt64/e.unit || n < math.MinInt64/e.unit {
		return 0, false
	}
	n *= e.unit
	if !e.relative {
		return n, true
	}
	return n + now, n <= math.MaxInt64-now
}

func (c *cmd) errExpiry() error {
	return failure("ERR invalid expire time in '" + c.name() + "' command")
}

// expire is EXPIRE and its like.
func (c *cmd) expire(e expiry) error {
	allows, err := c.expireConditions()
	if err != nil {
		return err
	}
	n, err := c.int(2)
	if err != nil {
		return err
	}
	at, ok := e.at(n, c.now)
	key := c.args[1]
	switch {
	case !ok:
		return c.errExpiry()
	case !c.db.Exists(key) || !allows(c.deadline(key), at):
		return c.count(0)
	}
	c.expireAt(key, at)
	return c.count(1)
}

// expireAt removes key if it has expired by now.
func (c *cmd) expireAt(key string, at int64) {
	if at <= c.now {
		c.del(key)
		return
	}
	c.setDeadline(key, at)
}

// expireWhen are the conditions on the deadline that a key has, 0 if it has none, and the
// one that it is to get.
var expireWhen = map[string]func(has, gets int64) bool{
	"nx": func(has, _ int64) bool { return has == 0 },
	"xx": func(has, _ int64) bool { return has != 0 },
	"gt": func(has, gets int64) bool { return has != 0 && gets > has },
	"lt": func(has, gets int64) bool { return has == 0 || gets < has },
}

func (c *cmd) expireConditions() (allows func(has, gets int64) bool, err error) {
	given := map[string]bool{}
	for _, word := range c.args[3:] {
		name := strings.ToLower(word)
		if expireWhen[name] == nil {
			return nil, failure("ERR Unsupported option " + shown(word))
		}
		given[name] = true
	}
	switch {
	case given["nx"] && len(given) > 1:
		return nil, failure("ERR NX and XX, GT or LT options at the same time are not compatible")
	case given["gt"] && given["lt"]:
		return nil, failure("ERR GT and LT options at the same time are not compatible")
	}
	return func(has, gets int64) bool {
		for name := range given {
			if !expireWhen[name](has, gets) {
				return false
			}
		}
		return true
	}, nil
}

func (c *cmd) persist() error {
	if c.deadline(c.args[1]) == 0 {
		return c.count(0)
	}
	c.setDeadline(c.args[1], 0)
	return c.count(1)
}

// tell answers when a key expires, as show says it.
func (c *cmd) tell(show func(at int64) int64) error {
	at := c.deadline(c.args[1])
	switch {
	case !c.db.Exists(c.args[1]):
		return c.count(-2)
	case at == 0:
		return c.count(-1)
	default:
		return c.number(show(at))
	}
}
