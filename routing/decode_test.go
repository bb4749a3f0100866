package routing

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// A command that is used again has nothing left of its last reply when it gets null.
func TestDecodeNullLeavesNoValue(t *testing.T) {
	cmd := redis.NewStringCmd(t.Context(), "get", "a")
	require.NoError(t, decoder.decode(cmd, []byte("$1\r\nx\r\n"), keeping{}))
	require.ErrorIs(t, decoder.decode(cmd, []byte("$-1\r\n"), keeping{}), redis.Nil)
	require.Empty(t, cmd.Val())
}

// A carriage return within a line is part of the text, as go-redis has it.
func TestDecodeCarriageReturnInALine(t *testing.T) {
	for _, raw := range []string{"*2\r\n+a\rX$999\r\n:1\r\n", "*2\r\n+a\rX:5\r\n:1\r\n", "+a\rb\r\n", ":1\r2\r\n"} {
		ours, theirs := redis.NewSliceCmd(t.Context(), "mget"), redis.NewSliceCmd(t.Context(), "mget")
		got, want := decoder.decode(ours, []byte(raw), keeping{}), decoder.decodeAny([]byte(raw), theirs)
		require.Equal(t, want, got, "%q", raw)
		require.Equal(t, theirs.Val(), ours.Val(), "%q", raw)
	}
}
