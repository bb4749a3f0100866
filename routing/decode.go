package routing

import (
	"bytes"
	"strconv"
	"unsafe"

	"github.com/redis/go-redis/v9"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// Wrapper is a command that sends arguments of its own and has another one take the reply.
type Wrapper interface {
	redis.Cmder
	// Taker returns the command that takes the reply.
	Taker() redis.Cmder
}

// decode gives cmd its reply, as it came, and returns the error that it then has. The common
// types of commands and replies are decoded here, all others by go-redis itself.
func (rs *replays) decode(cmd redis.Cmder, raw []byte, keep keeping) error {
	if light, ok := cmd.(*Light); ok {
		return rs.decodeLight(light, raw, keep)
	}
	taker := cmd
	if w, ok := cmd.(Wrapper); ok {
		taker = w.Taker()
	}
	err, ok := decodeCommon(taker, raw, keep)
	if !ok {
		return rs.decodeAny(raw, taker)
	}
	cmd.SetErr(err)
	return err
}

// keeping says when strings may lie where their reply does, rather than be copied.
type keeping struct {
	small bool // with those of other replies
	large bool // the reply has memory of its own
}

// maxPinned is the size of the largest array that one of its strings may keep from being
// collected.
const maxPinned = 64 << 10

// decodeCommon is decode for what is common. It reports false for all else.
func decodeCommon(cmd redis.Cmder, raw []byte, keep keeping) (err error, ok bool) {
	r := readScalar(raw)
	if r.kind == resp.Null {
		return decodeNull(cmd)
	}
	switch cmd := cmd.(type) {
	case *redis.StringCmd:
		if ok = r.kind == resp.Bulk || r.kind == resp.Simple; ok {
			cmd.SetVal(r.string(keep.small || keep.large))
		}
	case *redis.StatusCmd:
		if ok = r.kind == resp.Simple || r.kind == resp.Bulk; ok {
			cmd.SetVal(r.status())
		}
	case *redis.IntCmd:
		if ok = r.kind == resp.Int; ok {
			cmd.SetVal(r.num)
		}
	case *redis.BoolCmd:
		if ok = r.kind == resp.Int; ok {
			cmd.SetVal(r.num == 1)
		}
	case *redis.SliceCmd:
		var vals []any
		if vals, ok = decodeSlice(raw, keep.small && len(raw) <= maxPinned); ok {
			cmd.SetVal(vals)
		}
	case *redis.Cmd:
		var val any
		if val, ok = r.value(keep.small || keep.large); ok {
			cmd.SetVal(val)
		}
	}
	return nil, ok
}

// decodeNull is decodeCommon for null.
func decodeNull(cmd redis.Cmder) (err error, ok bool) {
	switch cmd := cmd.(type) {
	case *redis.StringCmd:
		cmd.SetVal("")
	case *redis.StatusCmd:
		cmd.SetVal("")
	case *redis.IntCmd:
		cmd.SetVal(0)
	case *redis.SliceCmd:
		cmd.SetVal(nil)
	case *redis.Cmd:
		cmd.SetVal(nil)
	case *redis.BoolCmd: // SET ... NX that did not set
		cmd.SetVal(false)
		return nil, true
	default:
		return nil, false
	}
	return redis.Nil, true
}

// scalar is a reply that is no aggregate, or nothing: then its kind is 0.
type scalar struct {
	kind resp.Kind
	text []byte
	num  int64
	size int // of the reply
}

// readScalar reads the common replies, of which raw begins with one that is complete.
func readScalar(raw []byte) (r scalar) {
	end, ok := lineEnd(raw)
	if !ok {
		return r
	}
	line := raw[1:end]
	switch kind := resp.Kind(raw[0]); kind {
	case resp.Simple:
		return scalar{kind: kind, text: line, size: end + 2}
	case resp.Null:
		return scalar{kind: kind, size: end + 2}
	case resp.Int:
		n, err := strconv.ParseInt(string(line), 10, 64)
		if err == nil {
			return scalar{kind: kind, num: n, size: end + 2}
		}
	case resp.Bulk:
		if n, ok := length(line); ok {
			text := end + 2
			return scalar{kind: kind, text: raw[text : text+n], size: text + n + 2}
		}
		return nullIf(line, end+2)
	case resp.Array:
		return nullIf(line, end+2)
	}
	return r
}

// lineEnd returns where the text of the first line ends. It reports false for one with a
// carriage return in it, which is none of the common ones.
func lineEnd(raw []byte) (end int, ok bool) {
	end = bytes.IndexByte(raw, '\r')
	return end, end > 0 && end+1 < len(raw) && raw[end+1] == '\n'
}

// nullIf is the null of RESP2, a length of -1.
func nullIf(line []byte, size int) (r scalar) {
	if string(line) == "-1" {
		return scalar{kind: resp.Null, size: size}
	}
	return r
}

// length reads a length that is plain.
func length(line []byte) (n int, ok bool) {
	if len(line) == 0 || len(line) > 10 {
		return 0, false
	}
	for _, c := range line {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

func (r *scalar) string(keep bool) string {
	if !keep || len(r.text) == 0 {
		return string(r.text)
	}
	return unsafe.String(&r.text[0], len(r.text))
}

// status is string for what is nearly always OK.
func (r *scalar) status() string {
	if string(r.text) == "OK" {
		return "OK"
	}
	return string(r.text)
}

// value is the reply as an any.
func (r *scalar) value(keep bool) (val any, ok bool) {
	switch r.kind {
	case resp.Bulk:
		return r.string(keep), true
	case resp.Simple:
		return r.status(), true
	case resp.Int:
		return r.num, true
	default:
		return nil, false
	}
}

// decodeSlice reads an array of scalars. It reports false for all else.
func decodeSlice(raw []byte, keep bool) (vals []any, ok bool) {
	end, ok := lineEnd(raw)
	if !ok || resp.Kind(raw[0]) != resp.Array {
		return nil, false
	}
	n, ok := length(raw[1:end])
	if !ok {
		return nil, false
	}
	vals = make([]any, n)
	raw = raw[end+2:]
	for i := range vals {
		r := readScalar(raw)
		if r.kind != resp.Null {
			if vals[i], ok = r.value(keep); !ok {
				return nil, false
			}
		}
		raw = raw[r.size:]
	}
	return vals, true
}
