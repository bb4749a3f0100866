package routing

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// infoOf is COMMAND INFO of one command.
func infoOf(name string, firstKey int, flags ...string) string {
	var f strings.Builder
	for _, flag := range flags {
		f.WriteString("+" + flag + "\r\n")
	}
	return fmt.Sprintf("*1\r\n*6\r\n%s:-2\r\n~%d\r\n%s:%d\r\n:%d\r\n:1\r\n", bulk(name), len(flags), f.String(), firstKey, firstKey)
}

// asked returns how often any node was asked with COMMAND.
func asked(m *mesh) (n int) {
	for _, node := range m.nodes {
		for _, q := range node.received() {
			if q.name == "command" {
				n++
			}
		}
	}
	return n
}

// An unknown command is asked about once, however many callers wait for it.
func TestUnknownCommandIsLearnedOnce(t *testing.T) {
	m := newMesh(t, 2)
	r := m.router(t)
	for _, n := range m.nodes {
		n.on(func(q heard) string {
			if q.name == "command" {
				return infoOf("my.add", 2, "write")
			}
			return ":1\r\n"
		})
	}
	var callers sync.WaitGroup
	start := make(chan struct{})
	errs := make(chan error, 50)
	for range 50 {
		callers.Go(func() {
			<-start
			errs <- r.Process(context.Background(), do("MY.Add", "opt", m.key(1)))
		})
	}
	close(start)
	callers.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	require.Equal(t, 1, asked(m))
	served := 0
	for _, q := range m.nodes[1].received() {
		if q.name == "my.add" {
			served++
		}
	}
	require.Equal(t, 50, served, "by the key in second place")
}

// Who may not ask is told once: the refusal is remembered, and the first argument is
// taken for the key.
func TestDenialIsRemembered(t *testing.T) {
	for name, answer := range map[string]string{
		"acl":     fails("NOPERM User ada has no permissions to run the 'command|info' command"),
		"unknown": "*1\r\n*-1\r\n", "unknown in RESP3": "*1\r\n_\r\n",
		"old": fails("ERR unknown command 'COMMAND'"),
	} {
		t.Run(name, func(t *testing.T) {
			m := newMesh(t, 2)
			r := m.router(t)
			for _, n := range m.nodes {
				n.on(func(q heard) string {
					if q.name == "command" {
						return answer
					}
					return usual
				})
			}
			for range 3 {
				require.NoError(t, r.Process(t.Context(), do("my.set", m.key(1))))
			}
			require.Equal(t, 1, asked(m))
		})
	}
}

// A node that is busy now has not answered: who asks later is told.
func TestPassingRefusalIsNotRemembered(t *testing.T) {
	m := newMesh(t, 2)
	r := m.router(t)
	answer := fails(busy)
	for _, n := range m.nodes {
		n.on(func(q heard) string {
			if q.name == "command" {
				return answer
			}
			return usual
		})
	}
	_ = r.Process(t.Context(), do("my.set", "opt", m.key(1)))
	answer = infoOf("my.set", 2, "write")
	require.NoError(t, r.Process(t.Context(), do("my.set", "opt", m.key(1))))
	require.Contains(t, m.nodes[1].requests(), "my.set opt "+m.key(1), "by the key that COMMAND INFO tells")
}

// A command that had to be learned is repeated after a break only when it reads.
func TestUnknownCommandIsNotTrusted(t *testing.T) {
	for flag, want := range map[string]int{"write": 1, "readonly": 2} {
		m := newMesh(t, 1)
		r := m.router(t)
		dropped := false
		m.nodes[0].on(func(q heard) string {
			switch {
			case q.name == "command":
				return infoOf("my.op", 1, flag)
			case !dropped:
				dropped = true
				return drop
			}
			return usual
		})
		err := r.Process(t.Context(), do("my.op", m.key(0)))
		require.Equal(t, want == 2, err == nil, "%v", err)
		require.Len(t, m.nodes[0].requests(), 1+want)
	}
}

// One caller that gives up does not end the wait of the others.
func TestLearningOutlivesItsFirstCaller(t *testing.T) {
	m := newMesh(t, 1)
	r := m.router(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	m.nodes[0].on(func(q heard) string {
		if q.name == "command" {
			close(arrived)
			<-release
			return infoOf("my.op", 1, "write")
		}
		return usual
	})
	ctx, cancel := context.WithCancel(t.Context())
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { first <- r.Process(ctx, do("my.op", m.key(0))) }()
	<-arrived
	cancel()
	err := <-first
	require.ErrorIs(t, err, context.Canceled)
	requireOutcome(t, NotExecuted, err)
	go func() { second <- r.Process(context.Background(), do("my.op", m.key(0))) }()
	close(release)
	require.NoError(t, <-second)
}
