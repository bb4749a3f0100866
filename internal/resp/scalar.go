package resp

import (
	"fmt"
	"strconv"
	"time"
)

// appendScalar appends the text of arg to dst, if it is of a type that go-redis
// knows by itself, or a pointer to one.
func appendScalar(dst []byte, arg any) (text []byte, known bool) {
	switch arg := arg.(type) {
	case *string:
		return append(dst, deref(arg)...), true
	case int:
		return appendInt(dst, arg), true
	case *int:
		return appendInt(dst, deref(arg)), true
	case int8:
		return appendInt(dst, arg), true
	case *int8:
		return appendInt(dst, deref(arg)), true
	case int16:
		return appendInt(dst, arg), true
	case *int16:
		return appendInt(dst, deref(arg)), true
	case int32:
		return appendInt(dst, arg), true
	case *int32:
		return appendInt(dst, deref(arg)), true
	case int64:
		return appendInt(dst, arg), true
	case *int64:
		return appendInt(dst, deref(arg)), true
	case uint:
		return appendUint(dst, arg), true
	case *uint:
		return appendUint(dst, deref(arg)), true
	case uint8:
		return appendUint(dst, arg), true
	case *uint8:
		return appendUint(dst, deref(arg)), true
	case uint16:
		return appendUint(dst, arg), true
	case *uint16:
		return appendUint(dst, deref(arg)), true
	case uint32:
		return appendUint(dst, arg), true
	case *uint32:
		return appendUint(dst, deref(arg)), true
	case uint64:
		return appendUint(dst, arg), true
	case *uint64:
		return appendUint(dst, deref(arg)), true
	case uintptr:
		return appendUint(dst, arg), true
	case *uintptr:
		return appendUint(dst, deref(arg)), true
	case float32:
		return appendFloat(dst, float64(arg)), true
	case *float32:
		return appendFloat(dst, float64(deref(arg))), true
	case float64:
		return appendFloat(dst, arg), true
	case *float64:
		return appendFloat(dst, deref(arg)), true
	case bool:
		return appendBit(dst, arg), true
	case *bool:
		return appendBit(dst, deref(arg)), true
	case time.Time:
		return arg.AppendFormat(dst, time.RFC3339Nano), true
	case *time.Time:
		return deref(arg).AppendFormat(dst, time.RFC3339Nano), true
	case time.Duration:
		return appendInt(dst, arg), true
	case *time.Duration:
		return appendInt(dst, deref(arg)), true
	default:
		return dst, false
	}
}

func unencodable(arg any) error {
	return fmt.Errorf("encoding an argument of type %T: it does not implement encoding.BinaryMarshaler", arg)
}

// deref returns what p points to, the zero value for nil.
func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func appendInt[T ~int | ~int8 | ~int16 | ~int32 | ~int64](dst []byte, n T) []byte {
	return strconv.AppendInt(dst, int64(n), 10)
}

func appendUint[T ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr](dst []byte, n T) []byte {
	return strconv.AppendUint(dst, uint64(n), 10)
}

func appendFloat(dst []byte, f float64) []byte {
	return strconv.AppendFloat(dst, f, 'f', -1, 64)
}

func appendBit(dst []byte, b bool) []byte {
	if b {
		return append(dst, '1')
	}
	return append(dst, '0')
}
