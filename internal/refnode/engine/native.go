package engine

import (
	"maps"
	"math"
	"strings"
	"time"

	"github.com/slotmesh/slotmesh/internal/refnode/decimal"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// A native is a command that the engine runs itself, on the values that miniredis keeps:
// one where miniredis and redis-server 7.0 differ. The error that it returns is the reply.
type native func(c *cmd) error

// natives are all of them, by name.
var natives = joined(
	keyNatives, expiryNatives, stringNatives, counterNatives, bitNatives, listNatives, elementNatives, mpopNatives,
	hashNatives, setNatives, scanNatives, zsetNatives, zrangeNatives, zpopNatives, zcombineNatives, geoNatives,
	geosearchNatives,
)

func joined(sets ...map[string]native) map[string]native {
	all := map[string]native{}
	for _, set := range sets {
		maps.Copy(all, set)
	}
	return all
}

// A failure is an error that a client sees as it is here.
type failure string

func (f failure) Error() string { return string(f) }

const (
	errSyntax     failure = "ERR syntax error"
	errInteger    failure = "ERR value is not an integer or out of range"
	errFloat      failure = "ERR value is not a valid float"
	errWrongType  failure = "WRONGTYPE Operation against a key holding the wrong kind of value"
	errNoSuchKey  failure = "ERR no such key"
	errOverflow   failure = "ERR increment or decrement would overflow"
	errNaN        failure = "ERR increment would produce NaN or Infinity"
	errTooLong    failure = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
	errPositive   failure = "ERR value is out of range, must be positive"
	errOutOfRange failure = "ERR value is out of range"
)

// A cmd is one run of a native. Its arguments are counted as the server counts them: the
// first is the name.
type cmd struct {
	*store
	mini  *Mini
	args  []string
	proto resp.Protocol
	now   int64 // in ms
	out   []byte
}

// runNative runs a native and appends its reply to dst.
func (m *Mini) runNative(dst []byte, run native, args []string, proto resp.Protocol, now time.Time) []byte {
	c := cmd{store: &m.store, mini: m, args: args, proto: proto, now: now.UnixMilli(), out: dst}
	if err := run(&c); err != nil {
		return resp.AppendError(dst, err.Error())
	}
	return c.out
}

func (c *cmd) errArity() error {
	return failure("ERR wrong number of arguments for '" + c.name() + "' command")
}

func (c *cmd) name() string { return strings.ToLower(c.args[0]) }

// is reports whether an argument is a word, in any case.
func (c *cmd) is(i int, word string) bool { return strings.EqualFold(c.args[i], word) }

// left returns how many arguments there are behind one.
func (c *cmd) left(i int) int { return len(c.args) - i - 1 }

// int returns an integer argument.
func (c *cmd) int(i int) (int64, error) {
	n, ok := decimal.Parse(c.args[i])
	if !ok {
		return 0, errInteger
	}
	return n, nil
}

// ints returns two integers that follow one another.
func (c *cmd) ints(i int) (first, second int64, err error) {
	if first, err = c.int(i); err != nil {
		return 0, 0, err
	}
	second, err = c.int(i + 1)
	return first, second, err
}

// intFrom returns an integer that is at least low. Why not is what is said of one that is
// no integer, too.
func (c *cmd) intFrom(i int, low int64, why failure) (int64, error) {
	n, ok := decimal.Parse(c.args[i])
	if !ok || n < low {
		return 0, why
	}
	return n, nil
}

// signed returns an integer whose negation is one, too.
func (c *cmd) signed(i int) (int64, error) {
	n, err := c.int(i)
	if err == nil && n == math.MinInt64 {
		return 0, errOutOfRange + ", value must between -9223372036854775807 and 9223372036854775807"
	}
	return n, err
}

// float returns a float argument.
func (c *cmd) float(i int, why failure) (float64, error) {
	f, ok := parseFloat(c.args[i])
	if !ok {
		return 0, why
	}
	return f, nil
}

func (c *cmd) ok() error {
	c.out = resp.AppendSimple(c.out, "OK")
	return nil
}

func (c *cmd) number(n int64) error {
	c.out = resp.AppendInt(c.out, n)
	return nil
}

func (c *cmd) count(n int) error { return c.number(int64(n)) }

func (c *cmd) bulk(text string) error {
	c.out = resp.AppendBulk(c.out, text)
	return nil
}

func (c *cmd) double(f float64) error {
	c.out = c.proto.AppendDouble(c.out, f)
	return nil
}

func (c *cmd) null() error {
	c.out = c.proto.AppendNull(c.out)
	return nil
}

// orNull replies null where there is no error.
func (c *cmd) orNull(err error) error {
	if err != nil {
		return err
	}
	return c.null()
}

func (c *cmd) nullArray() error {
	c.out = c.proto.AppendNullArray(c.out)
	return nil
}

func (c *cmd) array(n int) { c.out = resp.AppendArray(c.out, n) }

// bulks replies an array of texts.
func (c *cmd) bulks(texts []string) error {
	c.array(len(texts))
	for _, text := range texts {
		c.out = resp.AppendBulk(c.out, text)
	}
	return nil
}

// set replies a set of texts.
func (c *cmd) set(texts []string) error {
	c.out = c.proto.AppendSet(c.out, len(texts))
	for _, text := range texts {
		c.out = resp.AppendBulk(c.out, text)
	}
	return nil
}
