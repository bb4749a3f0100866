package routing

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// Light is a GET or a SET that takes little memory and time: a batch may have a million of
// them. It has a request once Get or Set was called. It is for Run, and not to be handed to
// go-redis, nor to be asked for more than it has methods of its own.
type Light struct {
	redis.Cmder // all that nobody asks it for

	key   string
	value any // what to set; nil for a GET
	reply string
	err   error
}

var _ redis.Cmder = (*Light)(nil)

// anyGet is what all of them have in common.
var anyGet redis.Cmder = redis.NewStringCmd(context.Background(), "get", "")

// Get makes c a GET.
func (c *Light) Get(key string) { c.Cmder, c.key, c.value = anyGet, key, nil }

// Set makes c a SET. value is anything that go-redis can send.
func (c *Light) Set(key string, value any) {
	if value == nil {
		value = ""
	}
	c.Cmder, c.key, c.value = anyGet, key, value
}

// Name returns get or set.
func (c *Light) Name() string {
	if c.value == nil {
		return "get"
	}
	return "set"
}

// Args returns the command and its arguments.
func (c *Light) Args() []any {
	if c.value == nil {
		return []any{"get", c.key}
	}
	return []any{"set", c.key, c.value}
}

// Val returns the reply.
func (c *Light) Val() string { return c.reply }

// SetVal makes val the reply, for executors that have one without asking a node.
func (c *Light) SetVal(val string) { c.reply = val }

func (c *Light) Err() error       { return c.err }
func (c *Light) SetErr(err error) { c.err = err }
func (c *Light) NoRetry() bool    { return false }

// appendRequest appends the request to dst.
func (c *Light) appendRequest(dst []byte) ([]byte, error) {
	if c.value == nil {
		return resp.AppendBulk(append(dst, "*2\r\n$3\r\nget\r\n"...), c.key), nil
	}
	start := len(dst)
	dst = resp.AppendBulk(append(dst, "*3\r\n$3\r\nset\r\n"...), c.key)
	dst, err := resp.AppendArg(dst, c.value)
	if err != nil {
		return dst[:start], err
	}
	return dst, nil
}

// decodeLight is decode for c.
func (rs *replays) decodeLight(c *Light, raw []byte, keep keeping) error {
	c.err = nil // of an earlier attempt
	switch r := readScalar(raw); r.kind {
	case resp.Bulk:
		c.reply = r.string(keep.small || keep.large)
	case resp.Simple:
		c.reply = r.status()
	case resp.Null:
		c.err = redis.Nil
	default:
		get := redis.NewStringCmd(context.Background(), "get")
		c.err = rs.decodeAny(raw, get)
		c.reply = get.Val()
	}
	return c.err
}
