package routing

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/slotmap"
)

// MOVED: the target is asked at once, the slot is patched before any refresh, and a
// refresh is asked for.
func TestMovedIsFollowedAndLearned(t *testing.T) {
	m := newMesh(t, 2)
	var pauses int
	opts := m.options()
	opts.Trace = &Trace{Retry: func(Retry) { pauses++ }}
	r := open(t, opts)

	refreshing, release := make(chan struct{}, 10), make(chan struct{})
	m.answerSlots(func(*scriptedNode) string {
		refreshing <- struct{}{}
		<-release
		return slotsOf([]*scriptedNode{m.nodes[1], m.nodes[1]})
	})
	m.nodes[0].says(movedTo(m.slot(0), m.nodes[1]))
	require.NoError(t, r.Process(t.Context(), set(m.key(0), "v")))
	<-refreshing
	require.Equal(t, m.nodes[1].addr, r.SlotMap().Master(m.slot(0)), "patched while the refresh runs")
	require.Equal(t, m.nodes[0].addr, r.SlotMap().Master(m.slot(0)+1), "and only that slot")

	require.NoError(t, r.Process(t.Context(), get(m.key(0))))
	close(release)
	require.Len(t, m.nodes[0].requests(), 1, "the second command went straight to the new node")
	require.Equal(t, []string{"set " + m.key(0) + " v", "get " + m.key(0)}, m.nodes[1].requests())
	require.Zero(t, pauses)
	require.EqualValues(t, 1, r.Stats().Moved)
}

// An empty host in a MOVED is the host of the node that answered.
func TestMovedWithoutHost(t *testing.T) {
	m := newMesh(t, 2)
	r := m.router(t)
	m.nodes[1].addr = "10.0.0.1:7001" // same host, other port
	m.nodes[0].says(fails(fmt.Sprintf("MOVED %d :7001", m.slot(0))))
	require.NoError(t, r.Process(t.Context(), set(m.key(0), "v")))
	require.Len(t, m.nodes[1].requests(), 1)
}

// "?" is nobody: the command waits and asks the map, which was refreshed.
func TestMovedToNobody(t *testing.T) {
	m := newMesh(t, 2)
	r := m.router(t)
	m.nodes[0].says(fails(fmt.Sprintf("MOVED %d ?:7001", m.slot(0))))
	m.setOwner(0, 1)
	require.NoError(t, r.Process(t.Context(), set(m.key(0), "v")))
	require.Equal(t, 2, len(m.nodes[0].requests())+len(m.nodes[1].requests()), "refused once, served once")
}

// ASK: ASKING and the command go to the target in one write; the map stays.
func TestAskIsFollowedOnce(t *testing.T) {
	m := newMesh(t, 2)
	r := m.router(t)
	before := m.nodes[0].mapsAsked() + m.nodes[1].mapsAsked()
	m.nodes[0].says(askTo(m.slot(0), m.nodes[1]))
	require.NoError(t, r.Process(t.Context(), set(m.key(0), "v")))
	require.Equal(t, "asking", m.nodes[1].received()[0].after)
	require.Equal(t, [][]string{{"asking", "set"}}, m.writesWith("asking"))
	require.Equal(t, m.nodes[0].addr, r.SlotMap().Master(m.slot(0)))
	require.Equal(t, before, m.nodes[0].mapsAsked()+m.nodes[1].mapsAsked(), "no reason to refresh")

	require.NoError(t, r.Process(t.Context(), set(m.key(0), "w")))
	require.Len(t, m.nodes[0].requests(), 2, "the next command asks the owner again")
	require.EqualValues(t, 1, r.Stats().Asked)
}

// The op that waits for TRYAGAIN or LOADING at the target of an ASK is asked again
// there, with ASKING.
func TestAskStaysAtItsTarget(t *testing.T) {
	m := newMesh(t, 2)
	r := m.router(t)
	m.nodes[0].says(askTo(m.slot(0), m.nodes[1]))
	m.nodes[1].says(fails(tryAgain), fails(loading))
	require.NoError(t, r.Process(t.Context(), set(m.key(0), "v")))
	require.Len(t, m.nodes[0].requests(), 1)
	require.Len(t, m.nodes[1].requests(), 3)
	for _, got := range m.nodes[1].received() {
		require.Equal(t, "asking", got.after)
	}
}

// An ASK to a node that is down is bounded, and told, as a node that cannot be reached,
// not as a redirection too many; when it is up again the command runs.
func TestAskToANodeThatIsDown(t *testing.T) {
	m := newMesh(t, 2)
	opts := m.options()
	opts.Policy.MaxRetries = 9
	r := open(t, opts)
	m.nodes[0].on(func(heard) string { return askTo(m.slot(0), m.nodes[1]) })
	m.nodes[1].setDown(true)
	err := r.Process(t.Context(), incr(m.key(0)))
	require.NotErrorIs(t, err, ErrTooManyRedirects)
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, m.nodes[1].addr, e.Addr)
	require.Equal(t, NotExecuted, e.Outcome)
	require.Len(t, m.nodes[0].requests(), 10)
	m.nodes[1].setDown(false)
	require.NoError(t, r.Process(t.Context(), incr(m.key(0))))
}

// An error whose outcome is unknown tells why, also when the last attempt is proven not
// to have run.
func TestUnknownTellsItsCause(t *testing.T) {
	m := newMesh(t, 1)
	r := m.router(t)
	m.nodes[0].on(func(heard) string {
		m.nodes[0].setDown(true)
		return drop
	})
	err := r.Process(Idempotent(t.Context()), incr(m.key(0)))
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, Unknown, e.Outcome)
	require.ErrorIs(t, err, io.EOF)
	require.ErrorContains(t, err, "earlier attempt")
}

// One ASKING covers one command: in a pipeline each redirected command has its own.
func TestAskingPrecedesEachCommandOfAPipeline(t *testing.T) {
	m := newMesh(t, 2)
	r := m.router(t)
	m.nodes[0].on(func(heard) string { return askTo(m.slot(0), m.nodes[1]) })
	a, b := set(m.key(0), "1"), incr("{"+m.key(0)+"}b")
	require.NoError(t, r.ProcessPipeline(t.Context(), []redis.Cmder{a, b}))
	require.Equal(t, [][]string{{"asking", "set", "asking", "incr"}}, m.writesWith("asking"))
	require.Equal(t, "OK", a.Val())
	require.EqualValues(t, 1, b.Val())
}

// Redirections without end stop after five, with an error that names the slot and
// each hop; the command is proven not to have run.
func TestTooManyRedirections(t *testing.T) {
	for _, code := range []string{"MOVED", "ASK"} {
		t.Run(code+" in a circle", func(t *testing.T) {
			m := newMesh(t, 3)
			r := m.router(t)
			for i, n := range m.nodes {
				next := m.nodes[(i+1)%3]
				n.on(func(heard) string { return fails(fmt.Sprintf("%s %d %s", code, m.slot(0), next.addr)) })
			}
			err := r.Process(t.Context(), incr(m.key(0)))
			requireLost(t, m, err, 6)
			for _, n := range m.nodes {
				require.Contains(t, err.Error(), n.addr)
			}
		})
		t.Run(code+" to itself", func(t *testing.T) {
			m := newMesh(t, 1)
			r := m.router(t)
			m.nodes[0].on(func(heard) string { return fails(fmt.Sprintf("%s %d %s", code, m.slot(0), m.nodes[0].addr)) })
			requireLost(t, m, r.Process(t.Context(), incr(m.key(0))), 6)
		})
	}
}

func requireLost(t *testing.T, m *mesh, err error, requests int) {
	t.Helper()
	require.ErrorIs(t, err, ErrTooManyRedirects)
	require.ErrorContains(t, err, "too many cluster redirections")
	e := requireOutcome(t, NotExecuted, err)
	require.EqualValues(t, m.slot(0), e.Slot)
	require.ErrorContains(t, err, fmt.Sprintf("slot %d", m.slot(0)))
	require.Equal(t, requests, e.Attempts)
	sent := 0
	for _, n := range m.nodes {
		sent += len(n.requests())
	}
	require.Equal(t, requests, sent)
	require.Equal(t, requests, strings.Count(err.Error(), "10.0.0.")/2, "each of %d hops is named, from and to: %v", requests, err)
}

// Five redirections are followed.
func TestFiveRedirectionsAreFollowed(t *testing.T) {
	m := newMesh(t, 2)
	r := m.router(t)
	left := 5
	var mu sync.Mutex
	for i, n := range m.nodes {
		n.on(func(heard) string {
			mu.Lock()
			defer mu.Unlock()
			if left == 0 {
				return usual
			}
			left--
			return movedTo(m.slot(0), m.nodes[1-i])
		})
	}
	require.NoError(t, r.Process(t.Context(), incr(m.key(0))))
}

// What a node cannot do now is waited out, and the caller sees no error.
func TestPassingRefusalsAreWaitedOut(t *testing.T) {
	for _, text := range []string{tryAgain, clusterDown, loading, masterDown, readOnly, busy, maxClients} {
		t.Run(strings.Fields(text)[0], func(t *testing.T) {
			m := newMesh(t, 1)
			var retried []Retry
			opts := m.options()
			opts.Trace = &Trace{Retry: func(r Retry) { retried = append(retried, r) }}
			r := open(t, opts)
			m.nodes[0].says(fails(text), fails(text), fails(text))
			cmd := incr(m.key(0))
			require.NoError(t, r.Process(t.Context(), cmd))
			require.EqualValues(t, 1, cmd.Val())
			require.Len(t, m.nodes[0].requests(), 4)
			require.Len(t, retried, 3)
			for _, r := range retried {
				require.Positive(t, r.Pause)
			}
		})
	}
}

// In the end the caller has the server's own reply, and may send it again.
func TestRefusalsThatLast(t *testing.T) {
	for _, text := range []string{tryAgain, clusterDown, loading, masterDown, readOnly, busy} {
		m := newMesh(t, 1)
		r := m.router(t)
		m.nodes[0].on(func(heard) string { return fails(text) })
		cmd := incr(m.key(0))
		err := r.Process(t.Context(), cmd)
		require.EqualError(t, err, text)
		require.Implements(t, (*redis.Error)(nil), err)
		require.Equal(t, err, cmd.Err())
		require.True(t, SafeToRetry(err))
		require.Len(t, m.nodes[0].requests(), 5, "once, and four retries")
	}
}

// READONLY and CLUSTERDOWN put the map in doubt; TRYAGAIN does not.
func TestWhatAsksForARefresh(t *testing.T) {
	for text, want := range map[string]bool{readOnly: true, clusterDown: true, masterDown: true, tryAgain: false, busy: false} {
		m := newMesh(t, 1)
		refreshed := make(chan struct{}, 100)
		opts := m.options()
		opts.Trace = &Trace{Refresh: func(Refresh) { refreshed <- struct{}{} }}
		r := open(t, opts)
		<-refreshed // that of New
		m.nodes[0].says(fails(text))
		require.NoError(t, r.Process(t.Context(), incr(m.key(0))))
		if want {
			<-refreshed
			continue
		}
		require.Equal(t, 1, m.nodes[0].mapsAsked(), text)
	}
}

// A write whose connection broke after it was read may have run: it is sent once.
func TestBrokenWriteIsUnknown(t *testing.T) {
	m := newMesh(t, 1)
	r := m.router(t)
	m.nodes[0].says(drop)
	err := r.Process(t.Context(), incr(m.key(0)))
	e := requireOutcome(t, Unknown, err)
	require.Equal(t, m.nodes[0].addr, e.Addr)
	require.Equal(t, 1, e.Attempts)
	require.False(t, SafeToRetry(err))
	require.NoError(t, r.Process(t.Context(), get(m.key(0))), "the next command has a new connection")
	require.Equal(t, []string{"incr " + m.key(0), "get " + m.key(0)}, m.nodes[0].requests())
}

// A read is sent again, and the caller sees no error.
func TestBrokenReadIsSentAgain(t *testing.T) {
	m := newMesh(t, 1)
	r := m.router(t)
	m.nodes[0].says(drop, drop)
	cmd := get(m.key(0))
	require.NoError(t, r.Process(t.Context(), cmd))
	require.Equal(t, "value of "+m.key(0), cmd.Val())
	require.Len(t, m.nodes[0].requests(), 3)
}

// What the caller marked may run twice; but if it is refused in the end, the first
// attempt may still have run.
func TestIdempotent(t *testing.T) {
	t.Run("served", func(t *testing.T) {
		m := newMesh(t, 1)
		r := m.router(t)
		m.nodes[0].says(drop)
		require.NoError(t, r.Process(Idempotent(t.Context()), incr(m.key(0))))
		require.Len(t, m.nodes[0].requests(), 2)
	})
	for name, last := range map[string]string{"TRYAGAIN": tryAgain, "READONLY": readOnly, "NOPERM": "NOPERM no"} {
		t.Run("then "+name, func(t *testing.T) {
			m := newMesh(t, 1)
			r := m.router(t)
			dropped := false
			m.nodes[0].on(func(heard) string {
				if !dropped {
					dropped = true
					return drop
				}
				return fails(last)
			})
			op := &Op{Cmd: incr(m.key(0)), Slot: int(m.slot(0))}
			err := r.Run(Idempotent(t.Context()), []*Op{op})
			require.Error(t, err)
			require.Equal(t, Unknown, op.Outcome)
			require.False(t, SafeToRetry(err), "the first attempt may have run: %v", err)
		})
	}
	t.Run("then redirected too often", func(t *testing.T) {
		m := newMesh(t, 1)
		r := m.router(t)
		dropped := false
		m.nodes[0].on(func(heard) string {
			if !dropped {
				dropped = true
				return drop
			}
			return movedTo(m.slot(0), m.nodes[0])
		})
		err := r.Process(Idempotent(t.Context()), incr(m.key(0)))
		require.ErrorIs(t, err, ErrTooManyRedirects)
		requireOutcome(t, Unknown, err)
		require.False(t, SafeToRetry(err))
	})
}

// A refused connection proves that nothing ran: also writes are tried again.
func TestDialRefused(t *testing.T) {
	m := newMesh(t, 2)
	opts := m.options()
	retries := 0
	opts.Trace = &Trace{Retry: func(r Retry) {
		retries++
		require.Equal(t, FaultDial, r.Fault)
		m.nodes[1].setDown(false)
	}}
	r := open(t, opts)
	m.nodes[1].setDown(true)
	require.NoError(t, r.Process(t.Context(), incr(m.key(1))))
	require.Equal(t, 1, retries)

	opts.Trace = nil
	r = open(t, opts)
	m.nodes[1].setDown(true)
	err := r.Process(t.Context(), incr(m.key(1)))
	requireOutcome(t, NotExecuted, err)
	require.True(t, SafeToRetry(err))
	require.Len(t, m.nodes[1].requests(), 1, "nothing since the first router's")
	require.NoError(t, r.Process(t.Context(), incr(m.key(0))), "the other node is none the worse")

	for _, cmds := range [][]redis.Cmder{{incr(m.key(1)), get(m.key(1))}, transact(incr(m.key(1)))} {
		requireOutcome(t, NotExecuted, r.ProcessPipeline(t.Context(), cmds))
	}
}

// Where a pipeline breaks, what was answered stays answered and is not sent again;
// of the rest, reads are sent again, and writes may have run.
func TestPipelineThatBreaks(t *testing.T) {
	for answered := range 5 {
		t.Run(fmt.Sprintf("after %d replies", answered), func(t *testing.T) {
			m := newMesh(t, 1)
			r := m.router(t)
			k := m.key(0)
			n := 0
			m.nodes[0].on(func(heard) string {
				if n++; n == answered+1 {
					return drop
				}
				return usual
			})
			cmds := []redis.Cmder{incr(k), get(k), incr(k), get(k), incr(k)}
			_ = r.ProcessPipeline(t.Context(), cmds)
			sent := map[string]int{}
			for _, q := range m.nodes[0].requests() {
				sent[q]++
			}
			require.Equal(t, 3, sent["incr "+k], "no write twice")
			for i, cmd := range cmds {
				if i < answered || cmd.Name() == "get" {
					require.NoError(t, cmd.Err(), "%d", i)
					continue
				}
				requireOutcome(t, Unknown, cmd.Err())
			}
			readsLost := 2 - answered/2
			require.Equal(t, 2+readsLost, sent["get "+k])
		})
	}
}

// Of a pipeline only what a node redirected is sent again, in the order of the slot.
func TestPipelineRepeatsOnlyWhatMoved(t *testing.T) {
	m := newMesh(t, 3)
	r := m.router(t)
	gone, stays := m.key(0), "{"+r0(t, m)+"}s"
	m.nodes[0].on(func(q heard) string {
		if strings.Contains(q.String(), "gone") {
			return movedTo(m.slot(0), m.nodes[2])
		}
		return usual
	})
	goneKey := func(i int) string { return fmt.Sprintf("{%s}gone%d", gone, i) }
	var cmds []redis.Cmder
	for i := range 4 {
		cmds = append(cmds, incr(goneKey(i)), incr(stays), incr(m.key(1)))
	}
	require.NoError(t, r.ProcessPipeline(t.Context(), cmds))
	require.Len(t, m.nodes[0].requests(), 8)
	require.Len(t, m.nodes[1].requests(), 4)
	var want []string
	for i := range 4 {
		want = append(want, "incr "+goneKey(i))
	}
	require.Equal(t, want, m.nodes[2].requests())
}

// r0 is a tag of node 0's whose slot is not that of key(0).
func r0(t *testing.T, m *mesh) string {
	tag := m.key(0)
	for i := 0; ; i++ {
		k := fmt.Sprintf("%s%d", tag, i)
		slot, err := keySlot(k)
		require.NoError(t, err)
		if slot > m.slot(0) && slot < m.slot(1) {
			return k
		}
	}
}

// An op that waits holds back those of its slot that were refused as well, wherever
// they are to go; those of other slots it does not.
func TestOrderWithinASlot(t *testing.T) {
	m := newMesh(t, 2)
	r := m.router(t)
	k := m.key(0)
	var mu sync.Mutex
	refused := map[string]bool{}
	var served []string
	for _, n := range m.nodes {
		n.on(func(q heard) string {
			mu.Lock()
			defer mu.Unlock()
			key := q.args[1]
			if refused[key] {
				served = append(served, key)
				return usual
			}
			refused[key] = true
			switch {
			case strings.HasSuffix(key, "first"):
				return fails(tryAgain)
			case strings.HasSuffix(key, "second"):
				return movedTo(m.slot(0), m.nodes[1])
			}
			return askTo(m.slot(0), m.nodes[1])
		})
	}
	require.NoError(t, r.ProcessPipeline(t.Context(), []redis.Cmder{
		incr("{" + k + "}first"), incr("{" + k + "}second"), incr("{" + k + "}third"),
	}))
	require.Equal(t, []string{"{" + k + "}first", "{" + k + "}second", "{" + k + "}third"}, served)
	require.Len(t, m.nodes[0].requests(), 3+len(served)-len(m.nodes[1].requests()))
}

// A script's answer is its answer: text that only resembles a refusal is no reason to
// run it again.
func TestScriptsAreNotBelieved(t *testing.T) {
	for _, text := range []string{
		"TRYAGAIN maybe", "TRYAGAIN", "BUSY my own", "READONLY mine", "CLUSTERDOWN oh", "LOADING...", "LOADING soon",
		"MOVED 1 ?:7001", "MOVED 1 10.0.0.2:7000", "MOVED 1 :7000", "ASK 1 10.0.0.2:7000", "ASK 1 ?:7000", "MOVED x", "OOM no", "NOPERM no", "EXECABORT no",
	} {
		t.Run(text, func(t *testing.T) {
			m := newMesh(t, 2)
			r := m.router(t)
			m.nodes[1].on(func(heard) string { return fails(text) })
			cmd := do("eval", "return 1", 1, m.key(1))
			err := r.Process(t.Context(), cmd)
			require.Len(t, m.nodes[1].requests(), 1, "run again after: %v", err)
			require.Empty(t, m.nodes[0].requests())
			require.EqualError(t, err, text)
			require.False(t, SafeToRetry(err))
		})
	}
}

// The server's exact words, and a redirection for the script's own slot, are proof.
func TestScriptsFollowTheServer(t *testing.T) {
	m := newMesh(t, 2)
	r := m.router(t)
	m.nodes[0].says(fails(tryAgain), fails(clusterDown), fails(loading), movedTo(m.slot(0), m.nodes[1]))
	require.NoError(t, r.Process(t.Context(), do("eval", "return 1", 1, m.key(0))))
	require.Len(t, m.nodes[0].requests(), 4)
	require.Len(t, m.nodes[1].requests(), 1)
}

// cuttable is an MGET of two keys of one slot that can be cut, with its parts.
func cuttable(m *mesh) (op *Op, parts []*Op) {
	a, b := "{"+m.key(0)+"}a", "{"+m.key(0)+"}b"
	slot := int(m.slot(0))
	parts = []*Op{{Cmd: get(a), Slot: slot, Flags: Repeatable}, {Cmd: get(b), Slot: slot, Flags: Repeatable}}
	op = &Op{
		Cmd:  redis.NewSliceCmd(context.Background(), "mget", a, b),
		Slot: slot, Flags: Repeatable, Cut: func() []*Op { return parts },
	}
	return op, parts
}

// TRYAGAIN cuts a read of many keys into its keys; each then finds its node.
func TestTryAgainCuts(t *testing.T) {
	m := newMesh(t, 2)
	r := m.router(t)
	m.nodes[0].on(func(q heard) string {
		switch {
		case q.name == "mget":
			return fails(tryAgain)
		case strings.HasSuffix(q.args[1], "b"):
			return askTo(m.slot(0), m.nodes[1])
		}
		return usual
	})
	op, parts := cuttable(m)
	require.NoError(t, r.Run(t.Context(), []*Op{op}))
	require.Equal(t, "value of {"+m.key(0)+"}a", parts[0].Cmd.(*redis.StringCmd).Val())
	require.Equal(t, "value of {"+m.key(0)+"}b", parts[1].Cmd.(*redis.StringCmd).Val())
	require.Len(t, m.nodes[1].received(), 1)
	require.Equal(t, "asking", m.nodes[1].received()[0].after)
	for _, p := range parts {
		require.Equal(t, Done, p.Outcome)
	}
	require.EqualValues(t, 1, r.Stats().Splits)
}

// ASK cuts as well: the keys go to the target, each behind its ASKING, since another
// client may bring one key back between the two.
func TestAskCuts(t *testing.T) {
	m := newMesh(t, 2)
	r := m.router(t)
	m.nodes[0].says(askTo(m.slot(0), m.nodes[1]))
	op, parts := cuttable(m)
	require.NoError(t, r.Run(t.Context(), []*Op{op}))
	require.Equal(t, [][]string{{"asking", "get", "asking", "get"}}, m.writesWith("asking"))
	require.Equal(t, "value of {"+m.key(0)+"}b", parts[1].Cmd.(*redis.StringCmd).Val())
}

// One part that fails is the error of the op, and the others keep their replies.
func TestCutWithAFailure(t *testing.T) {
	m := newMesh(t, 1)
	r := m.router(t)
	m.nodes[0].on(func(q heard) string {
		switch {
		case q.name == "mget":
			return fails(tryAgain)
		case strings.HasSuffix(q.args[1], "b"):
			return fails("NOPERM no")
		}
		return usual
	})
	op, parts := cuttable(m)
	require.EqualError(t, r.Run(t.Context(), []*Op{op}), "NOPERM no")
	require.NoError(t, parts[0].Err)
	require.Equal(t, Done, parts[0].Outcome)
	require.Equal(t, NotExecuted, parts[1].Outcome)
}

// A slot that nobody serves is ErrUncovered, after it was waited for.
func TestUncovered(t *testing.T) {
	m := newMesh(t, 2)
	m.answerSlots(func(*scriptedNode) string {
		return "*1\r\n*3\r\n:0\r\n:8191\r\n*3\r\n" + bulk("10.0.0.1") + ":7000\r\n" + bulk(strings.Repeat("a", 40))
	})
	opts := m.options()
	opts.Policy.MaxRetries, opts.Policy.MaxBackoff = 8, 64*time.Millisecond // time to ask two nodes
	r := open(t, opts)
	err := r.Process(t.Context(), incr(m.key(1)))
	require.ErrorIs(t, err, ErrUncovered)
	e := requireOutcome(t, NotExecuted, err)
	require.EqualValues(t, m.slot(1), e.Slot)
	require.Zero(t, e.Attempts)
	require.True(t, SafeToRetry(err))
	require.NoError(t, r.Process(t.Context(), incr(m.key(0))))

	m.answerSlots(nil)
	require.NoError(t, r.Process(t.Context(), incr(m.key(1))), "found as soon as the map knows")
}

// slow is a policy whose pauses are long enough to be noticed.
func slow(m *mesh) Options {
	opts := m.options()
	opts.Policy = Policy{MaxRedirects: 5, MaxRetries: 100, MinBackoff: time.Hour, MaxBackoff: time.Hour}
	return opts
}

// Cancellation ends a pause at once; the command did not run.
func TestCancelledWhileBackingOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newPipeMesh(t, 1)
		r := open(t, slow(m))
		m.nodes[0].on(func(heard) string { return fails(tryAgain) })
		ctx, cancel := context.WithCancel(t.Context())
		start := time.Now()
		done := make(chan error)
		go func() { done <- r.Process(ctx, incr(m.key(0))) }()
		synctest.Wait()
		cancel()
		err := <-done
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorContains(t, err, tryAgain, "and says what it waited for")
		requireOutcome(t, NotExecuted, err)
		require.Zero(t, time.Since(start))
	})
}

// A pause that would pass the deadline is not begun.
func TestDeadlineShorterThanThePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newPipeMesh(t, 1)
		r := open(t, slow(m))
		m.nodes[0].on(func(heard) string { return fails(tryAgain) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		err := r.Process(ctx, incr(m.key(0)))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		requireOutcome(t, NotExecuted, err)
		require.Zero(t, time.Since(start))
	})
}

// A context that is done sends nothing.
func TestContextDoneBefore(t *testing.T) {
	m := newMesh(t, 1)
	r := m.router(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := r.Process(ctx, incr(m.key(0)))
	require.ErrorIs(t, err, context.Canceled)
	requireOutcome(t, NotExecuted, err)
	require.Empty(t, m.nodes[0].requests())
	//lint:ignore SA1012 that nil is an error is the promise
	require.Error(t, r.Process(nil, incr(m.key(0))))
}

// A silent node costs a write its read timeout, once, and leaves it unknown; a read is
// asked for twice.
func TestSilentNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newPipeMesh(t, 1)
		r := open(t, readTimeout(m.options(), time.Second))
		m.nodes[0].on(func(heard) string { return silence })
		start := time.Now()
		requireOutcome(t, Unknown, r.Process(t.Context(), incr(m.key(0))))
		require.Equal(t, time.Second, time.Since(start))
		require.Len(t, m.nodes[0].requests(), 1)

		start = time.Now()
		require.Error(t, r.Process(t.Context(), get(m.key(0))))
		require.Len(t, m.nodes[0].requests(), 3)
		require.Less(t, time.Since(start), 3*time.Second)

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute/1000)
		defer cancel()
		start = time.Now()
		err := r.Process(ctx, incr(m.key(0)))
		requireOutcome(t, Unknown, err)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 60*time.Millisecond, time.Since(start), "the deadline bounds it")
	})
}

// What is no RESP, or half a reply, is an error soon, never data, and the next command
// has a connection of its own.
func TestRepliesThatAreNone(t *testing.T) {
	for name, raw := range map[string]string{
		"http": "HTTP/1.1 400 Bad Request\r\n\r\n", "bytes": "\x00\x01\x02\r\n", "half a bulk": "$100\r\nhalf", "no end": "+OK",
		"bad length": "$abc\r\n", "array for a string": "*1\r\n$1\r\nx\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newPipeMesh(t, 1)
				r := open(t, readTimeout(m.options(), time.Second))
				m.nodes[0].on(func(heard) string { return raw })
				start := time.Now()
				read, write := get(m.key(0)), incr(m.key(0))
				require.Error(t, r.Process(t.Context(), read))
				require.Empty(t, read.Val())
				requireOutcome(t, Unknown, r.Process(t.Context(), write))
				require.Zero(t, write.Val())
				require.Less(t, time.Since(start), 10*time.Second)
				m.nodes[0].on(nil)
				require.NoError(t, r.Process(t.Context(), read))
				require.Equal(t, "value of "+m.key(0), read.Val())
			})
		})
	}
}

// In a pipeline garbage spoils only what comes after it.
func TestGarbageInAPipeline(t *testing.T) {
	m := newMesh(t, 1)
	r := m.router(t)
	m.nodes[0].says(usual, "garbage\r\n")
	a, b, c := incr(m.key(0)), incr(m.key(0)), incr(m.key(0))
	_ = r.ProcessPipeline(t.Context(), []redis.Cmder{a, b, c})
	require.NoError(t, a.Err())
	requireOutcome(t, Unknown, b.Err())
	requireOutcome(t, Unknown, c.Err())
	require.Len(t, m.nodes[0].requests(), 3)
}

// A closed router takes no command, and ends those that wait.
func TestClose(t *testing.T) {
	t.Run("backing off", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := newPipeMesh(t, 1)
			r := open(t, slow(m))
			m.nodes[0].on(func(heard) string { return fails(tryAgain) })
			requireEndsWithClose(t, r, NotExecuted, incr(m.key(0)))
		})
	})
	t.Run("waiting for a reply", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := newPipeMesh(t, 1)
			r := open(t, slow(m))
			m.nodes[0].on(func(heard) string { return silence })
			requireEndsWithClose(t, r, Unknown, incr(m.key(0)))
		})
	})
	t.Run("blocking", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := newPipeMesh(t, 1)
			r := open(t, slow(m))
			m.nodes[0].on(func(heard) string { return silence })
			requireEndsWithClose(t, r, Unknown, do("blpop", m.key(0), 0))
		})
	})
}

func requireEndsWithClose(t *testing.T, r *Router, want Outcome, cmd redis.Cmder) {
	t.Helper()
	start := time.Now()
	done := make(chan error)
	go func() { done <- r.Process(context.Background(), cmd) }()
	synctest.Wait()
	r.Close()
	err := <-done
	require.ErrorIs(t, err, ErrClosed)
	requireOutcome(t, want, err)
	require.Zero(t, time.Since(start))
	err = r.Process(context.Background(), get("k"))
	require.ErrorIs(t, err, ErrClosed)
	requireOutcome(t, NotExecuted, err)
	require.False(t, SafeToRetry(err))
	require.ErrorIs(t, r.Refresh(context.Background()), ErrClosed)
	r.Close()
}

// Close ends all connections: no command opens one afterwards.
func TestNothingIsSentAfterClose(t *testing.T) {
	m := newMesh(t, 2)
	opts := m.options()
	var r *Router
	opts.Trace = &Trace{Redirect: func(Redirect) {
		closed := make(chan struct{})
		go func() { defer close(closed); r.Close() }()
		<-closed
	}}
	opts = readTimeout(opts, time.Second)
	r = open(t, opts)
	m.nodes[0].says(movedTo(m.slot(0), m.nodes[1]))
	m.nodes[1].on(func(heard) string { return drop })
	err := r.Process(t.Context(), do("blpop", m.key(0), 1))
	require.ErrorIs(t, err, ErrClosed)
	require.Empty(t, m.nodes[1].requests(), "the exclusive pool of a closed node was opened")
}

// Shutdown lets what runs come to its end, and takes nothing new.
func TestShutdown(t *testing.T) {
	m := newMesh(t, 1)
	r := m.router(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	m.nodes[0].on(func(heard) string { close(arrived); <-release; return usual })
	running, down := make(chan error, 1), make(chan error, 1)
	go func() { running <- r.Process(context.Background(), incr(m.key(0))) }()
	<-arrived
	go func() { down <- r.Shutdown(context.Background()) }()
	require.Eventually(t, r.closing.Load, 5*time.Second, time.Millisecond)
	require.ErrorIs(t, r.Process(t.Context(), get(m.key(0))), ErrClosed)
	require.Empty(t, down)
	close(release)
	require.NoError(t, <-running)
	require.NoError(t, <-down)
	require.Len(t, m.nodes[0].requests(), 1)
}

// Shutdown waits no longer than its context; what still runs ends with ErrClosed.
func TestShutdownGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newPipeMesh(t, 1)
		r := open(t, readTimeout(m.options(), time.Hour))
		m.nodes[0].on(func(heard) string { return silence })
		running := make(chan error, 1)
		go func() { running <- r.Process(context.Background(), incr(m.key(0))) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, r.Shutdown(ctx), context.DeadlineExceeded)
		require.ErrorIs(t, <-running, ErrClosed)
	})
}

// A handshake that fails says so, sends nothing, and does not pass for a reply.
func TestHandshakeThatFails(t *testing.T) {
	t.Run("wrong password", func(t *testing.T) {
		m := newMesh(t, 2)
		r := open(t, with(m.options(), func(o *redis.Options) { o.Password = "s3cret" }))
		m.nodes[1].greets(func(heard) string { return fails("WRONGPASS invalid username-password pair or user is disabled.") })
		op := &Op{Cmd: incr(m.key(1)), Slot: int(m.slot(1))}
		err := r.Run(t.Context(), []*Op{op})
		require.Equal(t, NotExecuted, op.Outcome)
		require.ErrorContains(t, err, "WRONGPASS")
		require.NotContains(t, err.Error(), "s3cret")
		require.Empty(t, m.nodes[1].requests())
	})
	t.Run("no answer of the command", func(t *testing.T) {
		m := newMesh(t, 2)
		r := open(t, with(m.options(), func(o *redis.Options) { o.Password = "s3cret" }))
		m.nodes[1].greets(func(heard) string { return fails("ERR Client sent AUTH, but no password is set") })
		for _, ops := range [][]*Op{
			{{Cmd: incr(m.key(1)), Slot: int(m.slot(1))}},
			{{Cmd: incr(m.key(1)), Slot: int(m.slot(1))}, {Cmd: incr(m.key(1)), Slot: int(m.slot(1))}},
		} {
			require.Error(t, r.Run(t.Context(), ops))
			require.Empty(t, m.nodes[1].requests())
			for _, op := range ops {
				require.Equal(t, NotExecuted.String(), op.Outcome.String(), "never sent, and yet: %v", op.Err)
			}
		}
	})
	t.Run("crowded", func(t *testing.T) {
		m := newMesh(t, 2)
		r := m.router(t)
		refused := false
		m.nodes[1].greets(func(heard) string {
			if refused {
				return usual
			}
			refused = true
			return fails(maxClients)
		})
		require.NoError(t, r.Process(t.Context(), incr(m.key(1))))
	})
	t.Run("crowded and hung up", func(t *testing.T) {
		m := newMesh(t, 2)
		r := m.router(t)
		var mu sync.Mutex
		first := 0
		m.nodes[1].greets(func(q heard) string {
			mu.Lock()
			defer mu.Unlock()
			switch {
			case first == 0:
				first = q.conn
				return fails(maxClients)
			case q.conn == first:
				return drop
			}
			return usual
		})
		op := &Op{Cmd: incr(m.key(1)), Slot: int(m.slot(1))}
		require.NoError(t, r.Run(t.Context(), []*Op{op}), "so does redis-server refuse: it is to be waited out")
	})
	t.Run("busy", func(t *testing.T) {
		m := newMesh(t, 2)
		r := open(t, with(m.options(), func(o *redis.Options) { o.ClientName = "me" }))
		left := 2
		m.nodes[1].greets(func(q heard) string {
			if q.name != "client" || left == 0 {
				return usual
			}
			left--
			return fails(busy)
		})
		require.NoError(t, r.Process(t.Context(), incr(m.key(1))), "promise 4: BUSY is waited out, also by a new connection")
	})
	t.Run("dropped", func(t *testing.T) {
		m := newMesh(t, 2)
		r := m.router(t)
		m.nodes[1].greets(func(heard) string { return drop })
		err := r.Process(t.Context(), incr(m.key(1)))
		require.Empty(t, m.nodes[1].requests(), "nothing was sent")
		requireOutcome(t, NotExecuted, err)
	})
}

// New names each seed and why, and no secret.
func TestNewSaysWhy(t *testing.T) {
	const secret = "s3cret-passw0rd"
	for name, test := range map[string]struct {
		prepare func(*mesh)
		want    []string
	}{
		"refused": {func(m *mesh) { m.nodes[0].setDown(true); m.nodes[1].setDown(true) }, []string{"connection refused"}},
		"standalone": {func(m *mesh) {
			m.answerSlots(func(*scriptedNode) string { return fails("ERR This instance has cluster support disabled") })
		}, []string{"not a cluster node"}},
		"no slots": {func(m *mesh) { m.answerSlots(func(*scriptedNode) string { return "*0\r\n" }) }, []string{"no node that serves a slot"}},
		"wrong password": {func(m *mesh) {
			for _, n := range m.nodes {
				n.greets(func(heard) string { return fails("WRONGPASS invalid username-password pair or user is disabled.") })
			}
		}, []string{"WRONGPASS"}},
		"old server": {func(m *mesh) { // it quotes what it does not know
			for _, n := range m.nodes {
				n.greets(func(q heard) string {
					return fails(fmt.Sprintf("ERR unknown command `%s`, with args beginning with: `%s`", q.args[0], strings.Join(q.args[1:], "`, `")))
				})
			}
		}, nil},
		"garbage": {func(m *mesh) { m.answerSlots(func(*scriptedNode) string { return "HTTP/1.1 400\r\n" }) }, nil},
		"overlap": {func(m *mesh) {
			m.answerSlots(func(*scriptedNode) string {
				both := slotsOf(m.nodes[:1]) // one master of all slots, twice
				entry := strings.TrimPrefix(both, "*1\r\n")
				return "*2\r\n" + entry + strings.Replace(entry, "10.0.0.1", "10.0.0.7", 1)
			})
		}, []string{slotmap.ErrBadReply.Error()}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMesh(t, 2)
			test.prepare(m)
			opts := with(m.options(), func(o *redis.Options) { o.Username, o.Password = "ada", secret })
			opts.Seeds = append(opts.Seeds, m.nodes[1].addr)
			_, err := New(t.Context(), opts)
			require.Error(t, err)
			for _, n := range m.nodes {
				require.Equal(t, 1, strings.Count(err.Error(), n.addr+": "), "%v", err)
			}
			for _, want := range test.want {
				require.Equal(t, 2, strings.Count(err.Error(), want), "%v", err)
			}
			require.NotContains(t, err.Error(), secret)
			require.Eventually(t, func() bool { return m.nodes[0].connections()+m.nodes[1].connections() == 0 }, 5*time.Second, time.Millisecond,
				"connections are left")
		})
	}
}

// New needs one seed that answers.
func TestNewWithOneGoodSeed(t *testing.T) {
	m := newMesh(t, 2)
	opts := m.options()
	opts.Seeds = []string{"10.9.9.9:1", "nowhere:7000", m.nodes[1].addr}
	r := open(t, opts)
	require.NoError(t, r.Process(t.Context(), incr(m.key(0))))
}

// New ends with its context.
func TestNewCancelled(t *testing.T) {
	m := newMesh(t, 1)
	opts := m.options()
	ctx, cancel := context.WithCancel(t.Context())
	hung := make(chan struct{})
	opts.Connect = func(addr string) *redis.Options {
		o := m.options().Connect(addr)
		o.Dialer = func(context.Context, string, string) (net.Conn, error) {
			cancel()
			<-hung
			return nil, net.ErrClosed
		}
		return o
	}
	_, err := New(ctx, opts)
	require.ErrorIs(t, err, context.Canceled)
	close(hung)
}

// Close ends what dials: no goroutine waits for DialTimeout.
func TestCloseEndsADial(t *testing.T) {
	m := newMesh(t, 2)
	dialing, ended := make(chan struct{}), make(chan struct{})
	opts := with(m.options(), func(o *redis.Options) {
		if o.Addr != m.nodes[1].addr {
			return
		}
		o.DialTimeout = 10 * time.Second
		o.Dialer = func(ctx context.Context, _, _ string) (net.Conn, error) {
			close(dialing)
			<-ctx.Done()
			close(ended)
			return nil, ctx.Err()
		}
	})
	r := open(t, opts)
	done := make(chan error, 1)
	go func() { done <- r.Process(context.Background(), incr(m.key(1))) }()
	<-dialing
	r.Close()
	select {
	case <-ended:
	case <-time.After(2 * time.Second):
		require.Fail(t, "the dial goes on after Close")
	}
	require.ErrorIs(t, <-done, ErrClosed)
}
