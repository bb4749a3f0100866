package batch_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/batch"
	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/routing"
)

var bg = context.Background()

// split splits cmd, runs its ops on x, and finishes.
func split(tb testing.TB, x *memory, cmd redis.Cmder) {
	keys, err := routing.Keys(cmd.Args())
	require.NoError(tb, err)
	ops, finish, ok := batch.Split(cmd, keys)
	require.True(tb, ok)
	_ = x.Run(bg, ops)
	finish()
}

// Every type of command that Split takes gets the reply that one node with all the keys
// would have given it.
func TestSplitTypes(t *testing.T) {
	read := []any{"a", "none", "b", "a", "list"}
	for _, args := range [][]any{{"mget"}, {"MGET"}, {"Mget"}} {
		args = append(args, read...)
		x := newMemory(threeMasters(t), "a", "1", "b", "2")
		x.lists["list"] = true

		slice := redis.NewSliceCmd(bg, args...)
		split(t, x, slice)
		require.NoError(t, slice.Err())
		require.Equal(t, []any{"1", nil, "2", "1", nil}, slice.Val())

		plain := redis.NewCmd(bg, args...)
		split(t, x, plain)
		require.NoError(t, plain.Err())
		require.Equal(t, []any{"1", nil, "2", "1", nil}, plain.Val())

		texts := redis.NewStringSliceCmd(bg, args...)
		split(t, x, texts)
		require.NoError(t, texts.Err())
		require.Equal(t, []string{"1", "", "2", "1", ""}, texts.Val())
	}

	written := map[string]string{"a": "3", "b": "2", "c": "4"}
	x := newMemory(threeMasters(t))
	status := redis.NewStatusCmd(bg, "mset", "a", "1", "b", "2", "a", "3", "c", "4")
	split(t, x, status)
	require.NoError(t, status.Err())
	require.Equal(t, "OK", status.Val())
	require.Equal(t, written, x.data)

	x = newMemory(threeMasters(t))
	plain := redis.NewCmd(bg, "mset", "a", "1", "b", "2", "a", "3", "c", "4")
	split(t, x, plain)
	require.NoError(t, plain.Err())
	require.Equal(t, "OK", plain.Val())
	require.Equal(t, written, x.data)

	count := redis.NewIntCmd(bg, "del", "a", "none", "b", "a")
	split(t, x, count)
	require.NoError(t, count.Err())
	require.EqualValues(t, 2, count.Val(), "a key that is named twice existed once")
	require.Equal(t, map[string]string{"c": "4"}, x.data)

	plain = redis.NewCmd(bg, "del", "c", "none")
	split(t, x, plain)
	require.NoError(t, plain.Err())
	require.Equal(t, int64(1), plain.Val())
	require.Empty(t, x.data)
}

// What must run as a whole, or cannot take the reply, is not split: MSETNX sets all or
// nothing.
func TestSplitRefuses(t *testing.T) {
	type mine struct{ redis.SliceCmd }
	own := &mine{}
	own.SliceCmd = *redis.NewSliceCmd(bg, "mget", "a", "b")
	for _, cmd := range []redis.Cmder{
		redis.NewBoolCmd(bg, "msetnx", "a", "1", "b", "2"),
		redis.NewCmd(bg, "MSETNX", "a", "1", "b", "2"),
		redis.NewStatusCmd(bg, "msetnx", "a", "1", "b", "2"),
		redis.NewStatusCmd(bg, "rename", "a", "b"),
		redis.NewIntCmd(bg, "sinterstore", "a", "b", "c"),
		redis.NewStringSliceCmd(bg, "sunion", "a", "b"),
		redis.NewIntCmd(bg, "pfcount", "a", "b"),
		redis.NewCmd(bg, "eval", "return 1", 2, "a", "b"),
		redis.NewBoolCmd(bg, "copy", "a", "b"),
		redis.NewStringCmd(bg, "lmove", "a", "b", "left", "left"),

		redis.NewStringCmd(bg, "mget", "a", "b"),
		redis.NewIntCmd(bg, "mget", "a", "b"),
		redis.NewStatusCmd(bg, "mget", "a", "b"),
		redis.NewMapStringStringCmd(bg, "mget", "a", "b"),
		redis.NewSliceCmd(bg, "mset", "a", "1", "b", "2"),
		redis.NewBoolCmd(bg, "mset", "a", "1", "b", "2"),
		redis.NewStringCmd(bg, "mset", "a", "1", "b", "2"),
		redis.NewBoolCmd(bg, "del", "a", "b"),
		redis.NewStatusCmd(bg, "del", "a", "b"),
		own,

		redis.NewCmd(bg, "mget", "a", struct{}{}),
		redis.NewCmd(bg, "mset", "a", "1", []string{"b"}, "2"),
	} {
		t.Run(fmt.Sprintf("%T %v", cmd, cmd.Args()), func(t *testing.T) {
			keys, err := routing.Keys(cmd.Args())
			require.NoError(t, err)
			require.GreaterOrEqual(t, len(keys), 2)
			ops, finish, ok := batch.Split(cmd, keys)
			require.False(t, ok)
			require.Nil(t, ops)
			require.Nil(t, finish)
			require.NoError(t, cmd.Err(), "what is not split is left alone")
		})
	}
}

type binary string

func (b binary) MarshalBinary() ([]byte, error) { return []byte("binary " + b), nil }

// Keys and values of every type that go-redis can send are sent as go-redis sends
// them, to the slot of what is sent.
func TestSplitArgumentTypes(t *testing.T) {
	day := time.Date(2024, 2, 29, 1, 2, 3, 0, time.UTC)
	text := "pointed at"
	sent := map[string]any{
		"text":                 "text",
		"bytes \x00\xff":       []byte("bytes \x00\xff"),
		"-7":                   -7,
		"255":                  uint8(255),
		"9007199254740993":     int64(9007199254740993),
		"2.5":                  2.5,
		"1":                    true,
		"2024-02-29T01:02:03Z": day,
		"3000000000":           3 * time.Second,
		"binary thing":         binary("thing"),
		"pointed at":           &text,
	}
	mset, mget, del := []any{"mset"}, []any{"mget"}, []any{"del"}
	want, values := make(map[string]string), []any{}
	for name, arg := range sent {
		mset, mget, del = append(mset, arg, arg), append(mget, arg), append(del, arg)
		want[name], values = name, append(values, name)
	}
	x := newMemory(threeMasters(t))
	write := redis.NewStatusCmd(bg, mset...)
	split(t, x, write)
	require.NoError(t, write.Err())
	require.Equal(t, want, x.data)
	for _, op := range x.runs[0] {
		for _, key := range keysOf(words(op.Cmd)) {
			require.EqualValues(t, op.Slot, hashtag.Slot(key))
		}
	}
	read := redis.NewSliceCmd(bg, mget...)
	split(t, x, read)
	require.Equal(t, values, read.Val())
	gone := redis.NewIntCmd(bg, del...)
	split(t, x, gone)
	require.EqualValues(t, len(sent), gone.Val())
}

// Two spellings of one key are one key: the last MSET of it wins.
func TestSplitDuplicatesOfTwoTypes(t *testing.T) {
	x := newMemory(threeMasters(t))
	cmd := redis.NewStatusCmd(bg, "mset", "7", "text", 7, "number", "b", "x", []byte("7"), "bytes")
	split(t, x, cmd)
	require.Equal(t, "OK", cmd.Val())
	require.Equal(t, map[string]string{"7": "bytes", "b": "x"}, x.data)
	require.Len(t, x.told["7"], 1, "a pair that is overwritten is not sent")
}

// A split command has one op per slot, in the order of the slots' first keys.
func TestSplitOps(t *testing.T) {
	cmd := redis.NewSliceCmd(bg, "mget", "{x}1", "y", "{x}2")
	ops, _, ok := batch.Split(cmd, []int{1, 2, 3})
	require.True(t, ok)
	require.Len(t, ops, 2)
	require.Equal(t, []string{"mget", "{x}1", "{x}2"}, words(ops[0].Cmd))
	require.EqualValues(t, hashtag.Slot("x"), ops[0].Slot)
	require.NotNil(t, ops[0].Cut)
	require.Equal(t, []string{"get", "y"}, words(ops[1].Cmd))
	require.EqualValues(t, hashtag.Slot("y"), ops[1].Slot)
	require.Nil(t, ops[1].Cut)
}

// When some keys fail, the command has a PartialError and the rest of its reply.
func TestSplitFailures(t *testing.T) {
	fail := func(keys []string) reaction {
		if keys[0] == "bad" {
			return failed(routing.Unknown, errBroke)
		}
		return ran
	}
	x := newMemory(threeMasters(t), "a", "1", "bad", "2", "c", "3")
	x.answer = fail
	partial := func(cmd redis.Cmder, op string, total int) {
		t.Helper()
		var err *batch.PartialError
		require.ErrorAs(t, cmd.Err(), &err)
		require.ErrorIs(t, cmd.Err(), errBroke)
		require.Equal(t, op, err.Op)
		require.Equal(t, total, err.Total)
		require.Len(t, err.Failed, 1)
		require.Equal(t, "bad", err.Failed[0].Key)
		require.Equal(t, 1, err.Failed[0].Index)
		require.Equal(t, routing.Unknown, err.Failed[0].Outcome)
	}
	slice := redis.NewSliceCmd(bg, "mget", "a", "bad", "c")
	split(t, x, slice)
	partial(slice, "mget", 3)
	require.Equal(t, []any{"1", nil, "3"}, slice.Val())

	status := redis.NewStatusCmd(bg, "mset", "a", "x", "bad", "y")
	split(t, x, status)
	partial(status, "mset", 2)
	require.Empty(t, status.Val(), "not OK")
	require.Equal(t, "x", x.data["a"])

	count := redis.NewIntCmd(bg, "del", "a", "bad", "c")
	split(t, x, count)
	partial(count, "del", 3)
	require.EqualValues(t, 2, count.Val())
}

// A command may be split again after an error: a later reply without one clears it.
func TestSplitClearsError(t *testing.T) {
	x := newMemory(threeMasters(t), "a", "1")
	cmd := redis.NewSliceCmd(bg, "mget", "a", "b")
	cmd.SetErr(errOdd)
	split(t, x, cmd)
	require.NoError(t, cmd.Err())
}

// Whatever the keys are and wherever they lie, with cuts and without: a split command
// answers, and leaves behind, what one node with all the keys would have.
func TestSplitIsOneNode(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	apart, one := newMemory(threeMasters(t)), newMemory(threeMasters(t))
	apart.cut = func([]string) bool { return rnd.IntN(2) == 0 }
	for range 1000 {
		var args []any
		var make func() redis.Cmder
		kind := rnd.IntN(3)
		for range 2 + rnd.IntN(12) {
			args = append(args, randomKey(rnd))
			if kind == 0 {
				args = append(args, fmt.Sprint(rnd.IntN(1000)))
			}
		}
		switch kind {
		case 0:
			make = func() redis.Cmder { return redis.NewStatusCmd(bg, append([]any{"mset"}, args...)...) }
		case 1:
			make = func() redis.Cmder { return redis.NewSliceCmd(bg, append([]any{"mget"}, args...)...) }
		default:
			make = func() redis.Cmder { return redis.NewIntCmd(bg, append([]any{"del"}, args...)...) }
		}
		got, want := make(), make()
		split(t, apart, got)
		require.NoError(t, one.apply(want, words(want)))
		require.Equal(t, want.String(), got.String())
		require.NoError(t, got.Err())
		require.Equal(t, one.data, apart.data)
	}
}
