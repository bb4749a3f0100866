package routing

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// A transaction travels as one, in one write, and each command has its own reply.
func TestTransaction(t *testing.T) {
	m := newMesh(t, 2)
	r := m.router(t)
	m.nodes[1].on(func(q heard) string {
		if q.name == "exec" {
			return "*3\r\n:7\r\n$1\r\nv\r\n$-1\r\n"
		}
		return usual
	})
	n, v, missing := incr(m.key(1)), get(m.key(1)), get("{"+m.key(1)+"}x")
	err := r.ProcessPipeline(t.Context(), transact(n, v, missing))
	require.Equal(t, redis.Nil, err)
	require.EqualValues(t, 7, n.Val())
	require.Equal(t, "v", v.Val())
	require.NoError(t, v.Err())
	require.Equal(t, redis.Nil, missing.Err())
	require.Equal(t, [][]string{{"multi", "incr", "get", "get", "exec"}}, m.writesWith("multi"))
}

// Refused when queued, the whole of it goes to where the refusal points.
func TestTransactionIsRedirectedAsAWhole(t *testing.T) {
	for name, test := range map[string]struct {
		refuse func(*mesh) string
		writes []string
	}{
		"MOVED": {func(m *mesh) string { return movedTo(m.slot(0), m.nodes[1]) }, []string{"multi", "set", "incr", "exec"}},
		"ASK":   {func(m *mesh) string { return askTo(m.slot(0), m.nodes[1]) }, []string{"asking", "multi", "set", "incr", "exec"}},
	} {
		for _, at := range []string{"set", "incr", "exec"} {
			t.Run(name+" at "+at, func(t *testing.T) {
				m := newMesh(t, 2)
				r := m.router(t)
				m.nodes[0].on(func(q heard) string {
					switch {
					case q.name == at:
						return test.refuse(m)
					case q.name == "exec":
						return fails("EXECABORT Transaction discarded because of previous errors.")
					}
					return usual
				})
				m.nodes[1].on(func(q heard) string {
					if q.name == "exec" {
						return "*2\r\n+OK\r\n:1\r\n"
					}
					return usual
				})
				a, b := set(m.key(0), "v"), incr("{"+m.key(0)+"}n")
				require.NoError(t, r.ProcessPipeline(t.Context(), transact(a, b)))
				require.Equal(t, "OK", a.Val())
				require.EqualValues(t, 1, b.Val())
				require.Len(t, m.nodes[0].requests(), 4)
				writes := m.writesWith("multi")
				require.Equal(t, test.writes, writes[len(writes)-1])
			})
		}
	}
}

// TRYAGAIN when a command is queued is waited out, and the whole is sent again.
func TestTransactionIsWaitedFor(t *testing.T) {
	m := newMesh(t, 1)
	r := m.router(t)
	tries := 0
	m.nodes[0].on(func(q heard) string {
		switch {
		case q.name == "set" && tries < 2:
			tries++
			return fails(tryAgain)
		case q.name == "exec" && q.after == "set" && tries == 2:
			tries++
			return fails("EXECABORT Transaction discarded because of previous errors.")
		case q.name == "exec" && tries < 2:
			return fails("EXECABORT Transaction discarded because of previous errors.")
		case q.name == "exec":
			return "*1\r\n+OK\r\n"
		}
		return usual
	})
	require.NoError(t, r.ProcessPipeline(t.Context(), transact(set(m.key(0), "v"))))
}

// An error inside the reply to EXEC is a command's own, whatever its text: the others
// have run.
func TestErrorsInsideExecAreAnswers(t *testing.T) {
	for _, text := range []string{tryAgain, "MOVED 1 10.0.0.2:7000", "MOVED 8192 10.0.0.1:7000", "ASK 1 10.0.0.2:7000", loading, readOnly, clusterDown, "EXECABORT no"} {
		t.Run(text, func(t *testing.T) {
			m := newMesh(t, 2)
			r := m.router(t)
			m.nodes[1].on(func(q heard) string {
				if q.name == "exec" {
					return "*2\r\n:5\r\n" + fails(text)
				}
				return usual
			})
			a, b := incr(m.key(1)), do("eval", "x", 1, m.key(1))
			op := &Op{Cmd: do("exec"), Tx: []redis.Cmder{a, b}, Slot: int(m.slot(1)), Flags: Repeatable}
			require.EqualError(t, r.Run(Idempotent(t.Context()), []*Op{op}), text)
			require.Equal(t, Done, op.Outcome)
			require.NoError(t, a.Err())
			require.EqualValues(t, 5, a.Val())
			require.EqualError(t, b.Err(), text)
			require.Len(t, m.nodes[1].requests(), 4)
			require.Empty(t, m.nodes[0].requests())
		})
	}
}

// Lost after EXEC was written, it may have run: it is not repeated, unless all of it
// only reads.
func TestTransactionThatBreaks(t *testing.T) {
	for _, at := range []string{"multi", "incr", "exec"} {
		m := newMesh(t, 1)
		r := m.router(t)
		m.nodes[0].on(func(q heard) string {
			if q.name == at {
				return drop
			}
			return usual
		})
		n := incr(m.key(0))
		err := r.ProcessPipeline(t.Context(), transact(n, get(m.key(0))))
		e := requireOutcome(t, Unknown, err)
		require.Equal(t, "exec", e.Op)
		require.Equal(t, err, n.Err())
		require.False(t, SafeToRetry(err))
		require.Len(t, m.nodes[0].requests(), 4, "sent once, in one piece")
	}

	m := newMesh(t, 1)
	r := m.router(t)
	dropped := false
	m.nodes[0].on(func(q heard) string {
		switch {
		case q.name == "exec" && !dropped:
			dropped = true
			return drop
		case q.name == "exec":
			return "*1\r\n$1\r\nv\r\n"
		}
		return usual
	})
	v := get(m.key(0))
	require.NoError(t, r.ProcessPipeline(t.Context(), transact(v)))
	require.Equal(t, "v", v.Val())
}

// A transaction that was answered keeps its replies when the connection breaks later
// in the same write, and is not sent again.
func TestTransactionBeforeABreak(t *testing.T) {
	m := newMesh(t, 1)
	r := m.router(t)
	m.nodes[0].on(func(q heard) string {
		switch q.name {
		case "exec":
			return "*1\r\n:3\r\n"
		case "decr":
			return drop
		}
		return usual
	})
	n := incr(m.key(0))
	tx := &Op{Cmd: do("exec"), Tx: []redis.Cmder{n}, Slot: int(m.slot(0))}
	lost := &Op{Cmd: redis.NewIntCmd(t.Context(), "decr", m.key(0)), Slot: int(m.slot(0))}
	require.Error(t, r.Run(t.Context(), []*Op{tx, lost}))
	require.NoError(t, tx.Err)
	require.Equal(t, Done, tx.Outcome)
	require.EqualValues(t, 3, n.Val())
	require.Equal(t, Unknown, lost.Outcome)
}

// A bad command has the server's word about it; nothing ran.
func TestTransactionWithABadCommand(t *testing.T) {
	m := newMesh(t, 1)
	r := m.router(t)
	const bad, abort = "ERR wrong number of arguments for 'incr' command", "EXECABORT Transaction discarded because of previous errors."
	m.nodes[0].on(func(q heard) string {
		switch q.name {
		case "incr":
			return fails(bad)
		case "exec":
			return fails(abort)
		}
		return usual
	})
	a, b := set(m.key(0), "v"), incr(m.key(0))
	op := &Op{Cmd: do("exec"), Tx: []redis.Cmder{a, b}, Slot: int(m.slot(0))}
	require.EqualError(t, r.Run(t.Context(), []*Op{op}), bad)
	require.Equal(t, NotExecuted, op.Outcome)
	require.EqualError(t, a.Err(), abort)
	require.EqualError(t, b.Err(), bad)
	require.EqualError(t, op.Cmd.Err(), bad)
	require.Len(t, m.nodes[0].requests(), 4)
}

// The nil EXEC of a WATCH that saw a change is go-redis's own error, in both protocols.
func TestTransactionThatLostItsWatch(t *testing.T) {
	for _, null := range []string{"*-1\r\n", "_\r\n"} {
		m := newMesh(t, 1)
		r := m.router(t)
		m.nodes[0].on(func(q heard) string {
			if q.name == "exec" {
				return null
			}
			return usual
		})
		n := incr(m.key(0))
		err := r.ProcessPipeline(t.Context(), transact(n))
		require.Equal(t, redis.TxFailedErr, err)
		require.Equal(t, redis.TxFailedErr, n.Err())
		require.Len(t, m.nodes[0].requests(), 3)
	}
}

// An EXEC that answers to another number of commands, or nothing that can be read, is
// an error of each command and no reply of any.
func TestTransactionWithAWrongReply(t *testing.T) {
	for _, raw := range []string{"*1\r\n:1\r\n", "*3\r\n:1\r\n:2\r\n:3\r\n", "+OK\r\n", ":2\r\n", "$1\r\nx\r\n", "*0\r\n"} {
		m := newMesh(t, 1)
		r := m.router(t)
		m.nodes[0].on(func(q heard) string {
			if q.name == "exec" {
				return raw
			}
			return usual
		})
		a, b := incr(m.key(0)), incr(m.key(0))
		require.Error(t, r.ProcessPipeline(t.Context(), transact(a, b)), "%q", raw)
		require.Error(t, a.Err())
		require.Error(t, b.Err())
		require.Len(t, m.nodes[0].requests(), 4, "not repeated")
	}
}

// Keys of two slots are refused before anything is sent, naming both.
func TestTransactionAcrossSlots(t *testing.T) {
	m := newMesh(t, 2)
	r := m.router(t)
	err := r.ProcessPipeline(t.Context(), transact(incr(m.key(0)), incr(m.key(1))))
	require.ErrorIs(t, err, ErrCrossSlot)
	requireOutcome(t, NotExecuted, err)
	require.ErrorContains(t, err, "slot 0")
	require.ErrorContains(t, err, "8192")
	require.Empty(t, append(m.nodes[0].requests(), m.nodes[1].requests()...))
}

// When MULTI alone is refused the node runs the commands one by one: that is told, and
// nothing is repeated.
func TestMultiRefused(t *testing.T) {
	m := newMesh(t, 1)
	r := m.router(t)
	m.nodes[0].on(func(h heard) string {
		switch h.name {
		case "multi", "exec":
			return fails("NOPERM User app has no permissions to run the '" + h.name + "' command")
		default:
			return "+OK\r\n"
		}
	})
	write := set(m.key(0), "1")
	err := r.ProcessPipeline(t.Context(), transact(write))
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, Unknown, e.Outcome)
	require.ErrorContains(t, err, "one by one")
	require.Equal(t, err, write.Err())
	require.False(t, SafeToRetry(err))
	require.Len(t, m.nodes[0].requests(), 3)
}

// What a script answers inside EXEC, or on its own in words that are not believed, is no
// reason to think that nothing ran.
func TestSafeToRetryOfWhatRan(t *testing.T) {
	m := newMesh(t, 1)
	r := m.router(t)
	m.nodes[0].on(func(h heard) string {
		switch h.name {
		case "exec":
			return "*2\r\n:1\r\n-TRYAGAIN Multiple keys request during rehashing of slot\r\n"
		case "eval":
			if h.args[1] == "alone" {
				return fails("READONLY You can't write against a read only replica.")
			}
		}
		return usual
	})
	err := r.ProcessPipeline(t.Context(), transact(incr(m.key(0)), do("eval", "x", 1, m.key(0))))
	require.ErrorContains(t, err, "TRYAGAIN")
	require.True(t, isReply(err))
	require.False(t, SafeToRetry(err))
	err = r.Process(t.Context(), do("eval", "alone", 1, m.key(0)))
	require.ErrorContains(t, err, "READONLY")
	require.True(t, isReply(err))
	require.False(t, SafeToRetry(err))
}

// Nor does a command that ran on its own and answered nothing pass for one that did not.
func TestMultiRefusedAndNilAnswered(t *testing.T) {
	m := newMesh(t, 1)
	r := m.router(t)
	m.nodes[0].on(func(h heard) string {
		if h.name == "getset" {
			return "$-1\r\n"
		}
		return fails("NOPERM User app has no permissions to run the '" + h.name + "' command")
	})
	write := redis.NewStringCmd(t.Context(), "getset", m.key(0), "1")
	err := r.ProcessPipeline(t.Context(), transact(write))
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, Unknown, e.Outcome)
}

// A script that a node runs although it refused MULTI, and that answers like a refusal, has run.
func TestMultiRefusedAndScriptAnswersLikeARefusal(t *testing.T) {
	for _, answer := range []string{"TRYAGAIN said the script", "OOM said the script", "MOVED 1 10.0.0.1:7000", "BUSY said the script"} {
		m := newMesh(t, 1)
		r := m.router(t)
		m.nodes[0].on(func(h heard) string {
			switch h.name {
			case "multi":
				return fails("LOADING Redis is loading the dataset in memory")
			case "eval":
				return fails(answer)
			default:
				return fails("ERR EXEC without MULTI")
			}
		})
		err := r.ProcessPipeline(t.Context(), transact(do("eval", "return 1", 1, m.key(0))))
		requireOutcome(t, Unknown, err)
		require.Equal(t, 1, strings.Count(strings.Join(m.nodes[0].requests(), "\n"), "eval"), answer)
	}
}

// A transaction that may have run once stays unknown, whatever is answered the second time.
func TestTransactionStaysUnknown(t *testing.T) {
	m := newMesh(t, 1)
	r := m.router(t)
	attempts := 0
	m.nodes[0].on(func(h heard) string {
		switch {
		case h.name == "multi":
			attempts++
		case h.name == "exec" && attempts == 1:
			return drop
		case h.name == "incr" && attempts == 2:
			return fails("ERR unknown command 'incr'")
		case h.name == "exec":
			return fails("EXECABORT Transaction discarded because of previous errors.")
		}
		return usual
	})
	op, err := r.prepareTransaction(t.Context(), transact(incr(m.key(0))))
	require.NoError(t, err)
	require.Error(t, r.Run(Idempotent(t.Context()), []*Op{op}))
	require.Equal(t, 2, attempts)
	require.Equal(t, Unknown, op.Outcome)
}
