package resp

import (
	"encoding"
	"net"
	"slices"
	"strconv"
)

// AppendRequest appends a request of args to dst, a command and its arguments,
// byte for byte as go-redis sends it. An argument that [AppendArg] cannot encode
// is an error; dst is then returned with its bytes and its length unchanged.
//
// It does not keep args, and allocates only where dst is too small, or an
// argument marshals itself.
func AppendRequest(dst []byte, args []any) ([]byte, error) {
	start := len(dst)
	dst = AppendArray(dst, len(args))
	for _, arg := range args {
		var err error
		if dst, err = AppendArg(dst, arg); err != nil {
			return dst[:start], err
		}
	}
	return dst, nil
}

// AppendArg appends one argument of a request to dst, as a bulk of the text that
// [AppendText] says. On an error dst is returned with its bytes and its length
// unchanged.
func AppendArg(dst []byte, arg any) ([]byte, error) {
	switch arg := arg.(type) {
	case string:
		return AppendBulk(dst, arg), nil
	case []byte:
		return AppendBulk(dst, arg), nil
	case *string:
		if arg != nil {
			return AppendBulk(dst, *arg), nil
		}
	}
	start := len(dst)
	dst, err := AppendText(dst, arg)
	if err != nil {
		return dst, err
	}
	return bulkFrom(dst, start), nil
}

// AppendText appends the text of an argument to dst, as go-redis would send it.
// Strings and bytes are sent as they are, nil and nil pointers as the zero value,
// numbers in decimal, floats in the shortest form without an exponent, a bool as 1 or
// 0, a time.Duration as nanoseconds, a time.Time in RFC 3339; an
// encoding.BinaryMarshaler is asked. All else is an error, and dst is returned with
// its bytes and its length unchanged.
func AppendText(dst []byte, arg any) ([]byte, error) {
	switch arg := arg.(type) {
	case string:
		return append(dst, arg...), nil
	case []byte:
		return append(dst, arg...), nil
	case net.IP:
		return append(dst, arg...), nil
	case nil:
		return dst, nil
	}
	dst, known := appendScalar(dst, arg)
	if known {
		return dst, nil
	}
	marshaler, ok := arg.(encoding.BinaryMarshaler)
	if !ok {
		return dst, unencodable(arg)
	}
	text, err := marshaler.MarshalBinary()
	if err != nil {
		return dst, err
	}
	return append(dst, text...), nil
}

// bulkFrom makes the text in dst from start on a bulk. So its length need not be
// known before it is there.
func bulkFrom(dst []byte, start int) []byte {
	var scratch [24]byte
	header := appendHeader(scratch[:0], Bulk, len(dst)-start)
	return append(slices.Insert(dst, start, header...), "\r\n"...)
}

// AppendBulk appends text to dst as a bulk.
func AppendBulk[T ~string | ~[]byte](dst []byte, text T) []byte {
	const most = 5 + 2 // header and end of a text that is shorter than 100 bytes
	n := len(text)
	if n >= 100 || cap(dst)-len(dst) < n+most {
		dst = AppendBulkHeader(dst, n)
		dst = append(dst, text...)
		return append(dst, "\r\n"...)
	}
	// At once: most texts are short.
	at := len(dst)
	dst = dst[:at+n+most]
	tail := dst[at:]
	tail[0] = byte(Bulk)
	i := 1
	if n >= 10 {
		tail[1] = byte('0' + n/10)
		i = 2
	}
	tail[i], tail[i+1], tail[i+2] = byte('0'+n%10), '\r', '\n'
	i += 3
	i += copy(tail[i:], text)
	tail[i], tail[i+1] = '\r', '\n'
	return dst[:at+i+2]
}

// AppendBulkHeader appends to dst what goes before the text of a bulk of n bytes.
// Behind the text goes "\r\n".
func AppendBulkHeader(dst []byte, n int) []byte { return appendHeader(dst, Bulk, n) }

// AppendArray appends the header of an array to dst; n elements are to follow.
func AppendArray(dst []byte, n int) []byte { return appendHeader(dst, Array, n) }

func appendHeader(dst []byte, kind Kind, n int) []byte {
	if n >= 0 && n < 10 {
		return append(dst, byte(kind), byte('0'+n), '\r', '\n')
	}
	dst = append(dst, byte(kind))
	dst = strconv.AppendInt(dst, int64(n), 10)
	return append(dst, "\r\n"...)
}
