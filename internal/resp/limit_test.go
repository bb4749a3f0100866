package resp

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReaderMaxRequest(t *testing.T) {
	read := func(size int) error {
		r := NewReader(strings.NewReader("*2\r\n$4\r\nECHO\r\n$" + "100000\r\n" + strings.Repeat("x", size)))
		r.max = 50_000
		for {
			if _, ok, err := r.Next(); ok || err != nil {
				return err
			}
			if err := r.Fill(); err != nil {
				return err
			}
		}
	}
	require.ErrorContains(t, read(40_000), "EOF")
	require.Equal(t, ErrRequestTooLarge, read(90_000))
}

// What a large request needed is given back, and none takes more than twice its size.
func TestReaderMemory(t *testing.T) {
	value := strings.Repeat("x", 10<<20)
	large, err := AppendRequest(nil, []any{"SET", "k", value})
	require.NoError(t, err)
	r := NewReader(strings.NewReader(string(large) + "PING\r\n"))
	for {
		_, ok, err := r.Next()
		require.NoError(t, err)
		if ok {
			break
		}
		require.NoError(t, r.Fill())
	}
	require.LessOrEqual(t, cap(r.buf), len(large)+readSize)
	for {
		_, ok, err := r.Next()
		require.NoError(t, err)
		if ok {
			break
		}
		require.NoError(t, r.Fill())
	}
	require.LessOrEqual(t, cap(r.buf), keepBuffer)

	// A length alone costs nothing.
	r = NewReader(strings.NewReader("*2147483647\r\n$536870912\r\nabc"))
	for r.Fill() == nil {
		_, ok, err := r.Next()
		require.NoError(t, err)
		require.False(t, ok)
	}
	require.LessOrEqual(t, cap(r.buf), 4*readSize)
}
