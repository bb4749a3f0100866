package routing

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// What cannot be sent is refused before anything is, with an error that says why, and
// the rest of a pipeline runs.
func TestRefusedBeforeSending(t *testing.T) {
	for name, test := range map[string]struct {
		cmd  *redis.Cmd
		want error
		text []string
	}{
		"two slots":       {do("rename", "{a}x", "{b}y"), ErrCrossSlot, []string{`"{a}x"`, `"{b}y"`}},
		"two slots, mget": {do("mget", "{a}x", "{b}y"), ErrCrossSlot, []string{`"{a}x"`, `"{b}y"`}},
		"eval":            {do("eval", "return 1", 2, "{a}x", "{b}y"), ErrCrossSlot, nil},
		"flushall":        {do("flushall"), ErrUnsupported, []string{"flushall"}},
		"select":          {do("select", 1), ErrUnsupported, nil},
		"empty":           {do(), nil, []string{"empty command"}},
		"bad argument":    {do("get", struct{}{}), nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMesh(t, 2)
			r := m.router(t)
			good := incr(m.key(1))
			err := r.ProcessPipeline(t.Context(), []redis.Cmder{test.cmd, good})
			require.Error(t, err)
			require.Equal(t, err, test.cmd.Err())
			requireOutcome(t, NotExecuted, err)
			require.False(t, SafeToRetry(err) && test.want != nil)
			if test.want != nil {
				require.ErrorIs(t, err, test.want)
			}
			for _, text := range test.text {
				require.ErrorContains(t, err, text)
			}
			require.NoError(t, good.Err())
			require.Empty(t, m.nodes[0].requests())
			require.Len(t, m.nodes[1].requests(), 1)
		})
	}
}

// Long keys are cut in errors: a value of a megabyte is not logged.
func TestCrossSlotErrorIsShort(t *testing.T) {
	m := newMesh(t, 1)
	r := m.router(t)
	err := r.Process(t.Context(), do("rename", make([]byte, 1<<20), "y"))
	require.ErrorIs(t, err, ErrCrossSlot)
	require.Less(t, len(err.Error()), 1000)
}

// A splitter has the commands whose keys are apart; its ops run with the others, and its
// reply is there when the pipeline returns.
func TestSplitter(t *testing.T) {
	m := newMesh(t, 2)
	opts := m.options()
	opts.Split = func(cmd redis.Cmder, keys []int) ([]*Op, func() error, bool) {
		if cmd.Name() != "mget" {
			return nil, nil, false
		}
		var ops []*Op
		for i, k := range keys {
			ops = append(ops, &Op{Cmd: get(cmd.Args()[k].(string)), Slot: int(m.slot(i)), Flags: Repeatable})
		}
		return ops, func() error {
			var all []any
			for _, op := range ops {
				all = append(all, op.Cmd.(*redis.StringCmd).Val())
			}
			cmd.(*redis.SliceCmd).SetVal(all)
			return nil
		}, true
	}
	r := open(t, opts)
	mget := redis.NewSliceCmd(t.Context(), "mget", m.key(0), m.key(1))
	require.NoError(t, r.Process(t.Context(), mget))
	require.Equal(t, []any{"value of " + m.key(0), "value of " + m.key(1)}, mget.Val())
	require.ErrorIs(t, r.Process(t.Context(), do("rename", m.key(0), m.key(1))), ErrCrossSlot)
}

// A value that cannot be encoded fails its own command and no other.
func TestValueThatCannotBeSent(t *testing.T) {
	m := newMesh(t, 3)
	r := m.router(t)
	a, b, c := incr(m.key(0)), incr("{"+m.key(0)+"}x"), incr(m.key(1))
	bad := redis.NewStatusCmd(t.Context(), "set", m.key(0), struct{}{})
	err := r.ProcessPipeline(t.Context(), []redis.Cmder{a, bad, b, c})
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, NotExecuted, e.Outcome)
	require.ErrorContains(t, err, "argument 2")
	require.Equal(t, err, bad.Err())
	for _, cmd := range []redis.Cmder{a, b, c} {
		require.NoError(t, cmd.Err())
	}
}
