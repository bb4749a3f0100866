package batch_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/batch"
	"github.com/slotmesh/slotmesh/routing"
)

func unanswered(addr string, o routing.Outcome, cause error) error {
	return &routing.Error{Op: "mget", Addr: addr, Slot: routing.AnySlot, Attempts: 1, Outcome: o, Err: cause}
}

// The text of a PartialError counts the keys, quotes one key for each cause, shows
// three causes at most, and stays short whatever the keys are.
func TestPartialErrorText(t *testing.T) {
	key := func(i int, name string, err error) batch.KeyError {
		return batch.KeyError{Index: i, Key: name, Err: err}
	}
	one := unanswered("10.0.0.1:7000", routing.Unknown, errBroke)
	for name, tc := range map[string]struct {
		err  batch.PartialError
		want string
	}{
		"one key": {batch.PartialError{Op: "del", Total: 1, Failed: []batch.KeyError{key(0, "a", errOOM)}},
			`del: 1 of 1 key failed; key "a": OOM command not allowed when used memory > 'maxmemory'.`},
		"one cause": {batch.PartialError{Op: "mget", Total: 9, Failed: []batch.KeyError{key(2, "a", one), key(3, "b", one)}},
			`mget: 2 of 9 keys failed; key "a": mget at 10.0.0.1:7000, unknown: connection reset by peer`},
		"the same cause for another slot": {batch.PartialError{Op: "mget", Total: 9, Failed: []batch.KeyError{
			key(2, "a", &routing.Error{Op: "mget", Addr: "n:1", Slot: 3, Attempts: 1, Err: errBroke}),
			key(3, "b", &routing.Error{Op: "get", Addr: "n:1", Slot: 4, Attempts: 2, Err: errBroke}),
		}}, `mget: 2 of 9 keys failed; key "a": mget (slot 3) at n:1, unknown: connection reset by peer`},
		"three causes": {batch.PartialError{Op: "mset", Total: 9, Failed: []batch.KeyError{
			key(1, "a", errOOM), key(2, "b", errOdd), key(3, "c", errOOM), key(4, "d", errWrongType),
		}}, `mset: 4 of 9 keys failed; key "a": ` + string(errOOM) + `; key "b": ` + string(errOdd) + `; key "d": ` + string(errWrongType)},
		"one more": {batch.PartialError{Op: "mset", Total: 9, Failed: []batch.KeyError{
			key(1, "a", reply("A")), key(2, "b", reply("B")), key(3, "c", reply("C")), key(4, "d", reply("D")),
		}}, `mset: 4 of 9 keys failed; key "a": A; key "b": B; key "c": C; and 1 other cause`},
		"five causes": {batch.PartialError{Op: "mset", Total: 9, Failed: []batch.KeyError{
			key(1, "a", reply("A")), key(2, "b", reply("B")), key(3, "c", reply("C")), key(4, "d", reply("D")), key(5, "e", reply("E")),
		}}, `mset: 5 of 9 keys failed; key "a": A; key "b": B; key "c": C; and 2 other causes`},
		"odd keys": {batch.PartialError{Op: "del", Total: 2, Failed: []batch.KeyError{key(0, "\r\n\xff", errOdd)}},
			`del: 1 of 2 keys failed; key "\r\n\xff": ERR something odd`},
		"a long key": {batch.PartialError{Op: "del", Total: 2, Failed: []batch.KeyError{key(0, strings.Repeat("x", 1000), errOdd)}},
			`del: 1 of 2 keys failed; key "` + strings.Repeat("x", 64) + `"... (1000 bytes): ERR something odd`},
	} {
		t.Run(name, func(t *testing.T) { require.EqualError(t, &tc.err, tc.want) })
	}
}

// A PartialError unwraps to each different cause once, so that errors.Is and errors.As
// find every one of them.
func TestPartialErrorUnwrap(t *testing.T) {
	closed := unanswered("", routing.NotExecuted, routing.ErrClosed)
	err := error(&batch.PartialError{Op: "mget", Total: 5, Failed: []batch.KeyError{
		{Index: 0, Key: "a", Err: errOOM},
		{Index: 1, Key: "b", Err: unanswered("n:1", routing.Unknown, context.DeadlineExceeded)},
		{Index: 2, Key: "c", Err: unanswered("n:2", routing.Unknown, errBroke)},
		{Index: 3, Key: "d", Err: unanswered("n:2", routing.Unknown, errBroke)},
		{Index: 4, Key: "e", Err: closed},
	}})
	require.Len(t, err.(interface{ Unwrap() []error }).Unwrap(), 4)
	for _, cause := range []error{errOOM, context.DeadlineExceeded, errBroke, redis.ErrClosed} {
		require.ErrorIs(t, err, cause)
	}
	require.NotErrorIs(t, err, routing.ErrUncovered)
	require.ErrorAs(t, err, new(redis.Error))
	require.ErrorAs(t, err, new(*routing.Error))
	require.ErrorAs(t, fmt.Errorf("load users: %w", err), new(*batch.PartialError))
}

// The same cause at another node, or with another outcome, is another cause.
func TestPartialErrorCauses(t *testing.T) {
	for name, tc := range map[string]struct{ a, b error }{
		"another node":    {unanswered("n:1", routing.Unknown, errBroke), unanswered("n:2", routing.Unknown, errBroke)},
		"another outcome": {unanswered("n:1", routing.Unknown, errBroke), unanswered("n:1", routing.NotExecuted, errBroke)},
		"another text":    {unanswered("n:1", routing.Unknown, errBroke), unanswered("n:1", routing.Unknown, errRefused)},
		"another reply":   {errOOM, errOdd},
	} {
		t.Run(name, func(t *testing.T) {
			err := &batch.PartialError{Op: "del", Total: 2, Failed: []batch.KeyError{{Key: "a", Err: tc.a}, {Key: "b", Err: tc.b}}}
			require.Equal(t, []error{tc.a, tc.b}, err.Unwrap())
		})
	}
}

// safety are failures of calls of two keys, and whether they prove that nothing ran.
var safety = map[string]struct {
	failed []error
	safe   bool
}{
	"nothing ran":                       {[]error{unanswered("n:1", routing.NotExecuted, errRefused), unanswered("n:2", routing.NotExecuted, errRefused)}, true},
	"one key may have been written":     {[]error{unanswered("n:1", routing.NotExecuted, errRefused), unanswered("n:2", routing.Unknown, errBroke)}, false},
	"the other way round":               {[]error{unanswered("n:2", routing.Unknown, errBroke), unanswered("n:1", routing.NotExecuted, errRefused)}, false},
	"one key was written":               {[]error{unanswered("n:1", routing.NotExecuted, errRefused)}, false},
	"one key has an answer of its own":  {[]error{unanswered("n:1", routing.NotExecuted, errRefused), errWrongType}, false},
	"all refused by name":               {[]error{reply("CLUSTERDOWN The cluster is down"), reply("LOADING Redis is loading the dataset in memory")}, true},
	"it would not help, for the client": {[]error{unanswered("", routing.NotExecuted, routing.ErrClosed), unanswered("", routing.NotExecuted, routing.ErrClosed)}, false},
}

func partialError(failed []error) *batch.PartialError {
	err := &batch.PartialError{Op: "mset", Total: 2}
	for i, cause := range failed {
		outcome := routing.Done
		if e, ok := errors.AsType[*routing.Error](cause); ok {
			outcome = e.Outcome
		}
		err.Failed = append(err.Failed, batch.KeyError{Index: i, Key: fmt.Sprint(i), Outcome: outcome, Err: cause})
	}
	return err
}

// SafeToRetry of a PartialError is true only if it is proven of every key of the call
// that nothing ran.
func TestPartialErrorSafeToRetry(t *testing.T) {
	for name, tc := range safety {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.safe, partialError(tc.failed).SafeToRetry()) })
	}
}

// routing.SafeToRetry, which is slotmesh.SafeToRetry, says of a PartialError what the
// PartialError itself says: one key that was not executed proves nothing about others.
func TestSafeToRetryOfPartialError(t *testing.T) {
	for name, tc := range safety {
		t.Run(name, func(t *testing.T) {
			err := partialError(tc.failed)
			require.Equal(t, tc.safe, routing.SafeToRetry(err))
			require.Equal(t, tc.safe, routing.SafeToRetry(fmt.Errorf("save users: %w", err)))
		})
	}
}

// All yields every position in order, duplicates included, and stops when told.
func TestValuesAll(t *testing.T) {
	x := newMemory(threeMasters(t), "a", "1", "b", "")
	values, err := batch.MGet(t.Context(), x, []string{"a", "none", "a", "b"})
	require.NoError(t, err)
	var seen []string
	for key, v := range values.All() {
		seen = append(seen, fmt.Sprintf("%s=%q,%v", key, v.Data, v.OK))
	}
	require.Equal(t, []string{`a="1",true`, `none="",false`, `a="1",true`, `b="",true`}, seen)
	for key := range values.All() {
		require.Equal(t, "a", key)
		break
	}
	require.Equal(t, map[string]string{"a": "1", "b": ""}, values.Map(), "an empty value is present")
}

// A position that the call does not have is a mistake that shows at once, also where
// nothing failed.
func TestPositionOutOfRange(t *testing.T) {
	x := newMemory(threeMasters(t))
	values, err := batch.MGet(t.Context(), x, []string{"a"})
	require.NoError(t, err)
	results, err := batch.Del(t.Context(), x, []string{"a"})
	require.NoError(t, err)
	for _, i := range []int{-1, 1} {
		require.Panics(t, func() { values.At(i) })
		require.Panics(t, func() { values.Err(i) })
		require.Panics(t, func() { values.Outcome(i) })
		require.Panics(t, func() { values.Key(i) })
		require.Panics(t, func() { results.Err(i) })
		require.Panics(t, func() { results.Outcome(i) })
	}
}
