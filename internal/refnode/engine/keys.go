package engine

import (
	"slices"

	"github.com/slotmesh/slotmesh/internal/refnode/glob"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// keyNatives are about keys of any type. miniredis lets the copy of a key inherit what was
// there before, and matches other names than the server.
var keyNatives = map[string]native{
	"del":      (*cmd).delCommand,
	"unlink":   (*cmd).delCommand,
	"rename":   (*cmd).rename,
	"renamenx": (*cmd).rename,
	"copy":     (*cmd).copy,
	"keys":     (*cmd).keys,
	"type": func(c *cmd) error {
		c.out = resp.AppendSimple(c.out, shownType(c.db.Type(c.args[1])))
		return nil
	},
}

// shownType returns a type as TYPE says it.
func shownType(kind string) string {
	if kind == typeNone {
		return "none"
	}
	return kind
}

func (c *cmd) delCommand() error {
	n := 0
	for _, key := range c.args[1:] {
		if c.del(key) {
			n++
		}
	}
	return c.count(n)
}

// rename is RENAME and RENAMENX.
func (c *cmd) rename() error {
	from, to := c.args[1], c.args[2]
	onlyNew := c.name() == "renamenx"
	switch {
	case !c.db.Exists(from):
		return errNoSuchKey
	case onlyNew && c.db.Exists(to):
		return c.count(0)
	case from != to:
		c.mini.dispatch(nil, []string{"rename", from, to}, c.proto, c.mini.now)
		c.mark(from)
		c.mark(to)
	}
	if onlyNew {
		return c.count(1)
	}
	return c.ok()
}

func (c *cmd) copy() error {
	replace, err := c.copyOptions()
	if err != nil {
		return err
	}
	from, to := c.args[1], c.args[2]
	switch {
	case from == to:
		return failure("ERR source and destination objects are the same")
	case !c.db.Exists(from), c.db.Exists(to) && !replace:
		return c.count(0)
	}
	c.del(to)
	c.mini.dispatch(nil, []string{"copy", from, to}, c.proto, c.mini.now)
	c.mark(to)
	return c.count(1)
}

func (c *cmd) copyOptions() (replace bool, err error) {
	db := int64(0)
	for i := 3; i < len(c.args); i++ {
		switch {
		case c.is(i, "replace"):
			replace = true
		case c.is(i, "db") && c.left(i) > 0:
			i++
			if db, err = c.int(i); err != nil {
				return false, err
			}
			if db != int64(int32(db)) {
				return false, errOutOfRange + ", value must between -2147483648 and 2147483647"
			}
			if db < 0 || db > 15 {
				return false, failure("ERR DB index is out of range")
			}
		default:
			return false, errSyntax
		}
	}
	if db != 0 {
		return false, failure("ERR Copying to another database is not allowed in cluster mode")
	}
	return replace, nil
}

func (c *cmd) keys() error {
	pattern := []byte(c.args[1])
	return c.bulks(slices.DeleteFunc(c.db.Keys(), func(key string) bool { return !glob.Match(pattern, []byte(key)) }))
}
