package slotmesh_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/batch"
	"github.com/slotmesh/slotmesh/clustertest"
	"github.com/slotmesh/slotmesh/routing"
)

// A state is one in which a call may be when its context ends.
type state struct {
	slow   bool                                        // pauses before retries are
	cold   bool                                        // no shared connection is open yet
	before func(s *scene)                              // what comes before the call
	call   func(ctx context.Context, s *scene) []error // the errors that are to be the context's
	after  func(s *scene)                              // who comes behind it
	lift   func(s *scene)                              // ends what keeps the callers waiting
	check  func(s *scene)                              // what must hold when all have their replies
	want   routing.Outcome
}

// large is most of what may go over a shared connection, and several times what the network
// between client and node takes.
var large = strings.Repeat("x", 900<<10)

func (s *scene) pause(i int)  { require.NoError(s.t, s.Pause(s.Masters()[i])) }
func (s *scene) resume(i int) { require.NoError(s.t, s.Resume(s.Masters()[i])) }

func holdDials(s *scene)   { s.holdDials(true) }
func pauseFirst(s *scene)  { s.pause(0) }
func resumeFirst(s *scene) { s.resume(0) }
func readFirst(s *scene)   { s.read(0) }

func pauseAndRead(s *scene) {
	s.pause(0)
	s.read(0)
}

func cutOff(s *scene) { require.NoError(s.t, s.Cut(s.Masters()[0], clustertest.Clients)) }
func heal(s *scene)   { require.NoError(s.t, s.Heal(s.Masters()[0], clustertest.Clients)) }

func pauseAll(s *scene) {
	for i := range s.Masters() {
		s.pause(i)
	}
}

func resumeAll(s *scene) {
	for i := range s.Masters() {
		s.resume(i)
	}
}

// jam has others write more to the first node than the network takes.
func jam(s *scene) {
	for i := range 3 {
		s.other(func(ctx context.Context) error {
			return s.client.Set(ctx, keyOn(0, fmt.Sprint("large", i)), large, 0).Err()
		})
	}
}

func pauseAndJam(s *scene) {
	s.pause(0)
	jam(s)
}

func cutAndJam(s *scene) {
	cutOff(s)
	jam(s)
}

func get(ctx context.Context, s *scene) []error { return []error{s.reads(ctx, 0, 0)} }

func incr(ctx context.Context, s *scene) []error {
	return []error{s.client.Incr(ctx, keyOn(0, "n")).Err()}
}

func setLarge(ctx context.Context, s *scene) []error {
	return []error{s.client.Set(ctx, keyOn(0, "mine"), large, 0).Err()}
}

// pop waits for an element of a list of the first node.
func pop(ctx context.Context, s *scene) []error {
	return []error{s.client.BLPop(ctx, 0, keyOn(0, "list")).Err()}
}

// push ends what pop waits for, of n callers.
func push(n int) func(s *scene) {
	return func(s *scene) {
		for range n {
			require.NoError(s.t, s.client.RPush(s.t.Context(), keyOn(0, "list"), "x").Err())
		}
	}
}

// poppers starts n callers who pop.
func poppers(n int) func(s *scene) {
	return func(s *scene) {
		for range n {
			s.other(func(ctx context.Context) error { return errors.Join(pop(ctx, s)...) })
		}
	}
}

// errs returns the errors of commands.
func errs(cmds []redis.Cmder) (all []error) {
	for _, cmd := range cmds {
		all = append(all, cmd.Err())
	}
	return all
}

// incrs is a pipeline over the given nodes.
func incrs(nodes ...int) func(p redis.Pipeliner) error {
	return func(p redis.Pipeliner) error {
		for _, i := range nodes {
			p.Incr(context.Background(), keyOn(i, "n"))
			p.Incr(context.Background(), keyOn(i, "m"))
		}
		return nil
	}
}

func pipeline(ctx context.Context, s *scene) []error {
	cmds, _ := s.client.Pipelined(ctx, incrs(0))
	return errs(cmds)
}

func transaction(ctx context.Context, s *scene) []error {
	cmds, _ := s.client.TxPipelined(ctx, incrs(0))
	return errs(cmds)
}

// wide is a pipeline over all nodes, of which the first does not answer.
func wide(ctx context.Context, s *scene) []error {
	cmds, err := s.client.Pipelined(ctx, incrs(2, 0, 1))
	for _, i := range []int{0, 1, 4, 5} {
		if cmds[i].Err() != nil {
			s.t.Errorf("another node has answered: %v", cmds[i])
		}
	}
	return append(errs(cmds[2:4]), err)
}

// mget reads keys of all nodes, of which so many fail.
func mget(fail int) func(ctx context.Context, s *scene) []error {
	return func(ctx context.Context, s *scene) []error {
		keys := []string{keyOn(1, "0"), keyOn(0, "0"), keyOn(0, "1"), keyOn(2, "0")}
		values, err := batch.MGet(ctx, s.client, keys)
		failed := []error{err}
		for i, key := range keys {
			if values.Err(i) != nil {
				failed = append(failed, values.Err(i))
			} else if got, _ := values.At(i); got != key {
				s.t.Errorf("MGET %s: got %q", key, got)
			}
		}
		if len(failed) != 1+fail {
			s.t.Errorf("want %d keys that fail, got %d", fail, len(failed)-1)
		}
		return failed
	}
}

// isUnset checks that keys of the first node were never set.
func isUnset(names ...string) func(s *scene) {
	return func(s *scene) {
		for _, name := range names {
			require.Equal(s.t, redis.Nil, s.client.Get(s.t.Context(), keyOn(0, name)).Err(), name)
		}
	}
}

// isSet checks that a key of the first node has what a call that was cancelled gave it:
// its request was complete, or was completed, since those of others came behind it.
func isSet(name, want string) func(s *scene) {
	return func(s *scene) {
		got, err := s.client.Get(s.t.Context(), keyOn(0, name)).Result()
		require.NoError(s.t, err)
		require.True(s.t, want == got, "%d bytes", len(got))
	}
}

// answer makes the first node answer each command of a name so.
func answer(command, reply string) func(s *scene) {
	return func(s *scene) {
		s.Fault(clustertest.Fault{
			Match: clustertest.Selector{Addr: s.Masters()[0], Command: command},
			Count: -1, Kind: clustertest.Answer, Reply: reply,
		})
	}
}

// states are all of them, by name.
var states = map[string]state{
	"queued":               {before: pauseAndJam, call: incr, after: readFirst, lift: resumeFirst, check: isUnset("n"), want: routing.NotExecuted},
	"queued, a read":       {before: pauseAndJam, call: get, after: readFirst, lift: resumeFirst, want: routing.NotExecuted},
	"queued, large":        {before: pauseAndJam, call: setLarge, after: readFirst, lift: resumeFirst, check: isUnset("mine"), want: routing.NotExecuted},
	"queued, pipeline":     {before: pauseAndJam, call: pipeline, after: readFirst, lift: resumeFirst, check: isUnset("n", "m"), want: routing.NotExecuted},
	"queued, transaction":  {before: pauseAndJam, call: transaction, after: readFirst, lift: resumeFirst, check: isUnset("n", "m"), want: routing.NotExecuted},
	"queued, cut off":      {before: cutAndJam, call: incr, after: readFirst, lift: heal, check: isUnset("n"), want: routing.NotExecuted},
	"writing":              {before: pauseFirst, call: setLarge, after: readFirst, lift: resumeFirst, check: isSet("mine", large)},
	"writing, others read": {before: pauseAndRead, call: setLarge, after: readFirst, lift: resumeFirst, check: isSet("mine", large)},
	"reading":              {before: pauseFirst, call: get, lift: resumeFirst},
	"reading, a write":     {before: pauseFirst, call: incr, lift: resumeFirst, check: isSet("n", "1")},
	"reading for others":   {before: pauseFirst, call: get, after: readFirst, lift: resumeFirst},
	"read for by others":   {before: pauseAndRead, call: get, after: readFirst, lift: resumeFirst},
	"behind a write that is held": {
		before: func(s *scene) {
			s.holdFirst("incr")
			s.other(func(ctx context.Context) error { return s.client.Incr(ctx, keyOn(0, "n")).Err() })
		},
		call: func(ctx context.Context, s *scene) []error {
			return []error{s.client.Append(ctx, keyOn(0, "mine"), "x").Err()}
		},
		after: readFirst, lift: (*scene).release, check: isSet("mine", "x"),
	},
	"pipeline":                    {before: pauseFirst, call: pipeline, after: readFirst, lift: resumeFirst, check: isSet("n", "1")},
	"transaction":                 {before: pauseFirst, call: transaction, after: readFirst, lift: resumeFirst, check: isSet("n", "1")},
	"pipeline over several nodes": {before: pauseFirst, call: wide, after: readFirst, lift: resumeFirst},
	"batch":                       {before: pauseFirst, call: mget(2), after: readFirst, lift: resumeFirst},
	"MGET": {before: pauseFirst, after: readFirst, lift: resumeFirst, call: func(ctx context.Context, s *scene) []error {
		return []error{s.client.MGet(ctx, keyOn(1, "0"), keyOn(0, "0")).Err()}
	}},
	"BLPOP":                    {call: pop, after: poppers(2), lift: push(2)},
	"BLPOP on a borrowed link": {before: poppers(3), call: pop, after: poppers(1), lift: push(4)},
	"BLPOP, many":              {before: poppers(1000), call: pop, lift: push(1000), want: routing.NotExecuted},
	"connecting":               {cold: true, before: holdDials, call: get, lift: (*scene).letDial, want: routing.NotExecuted},
	"connecting, with others": {
		cold: true, before: func(s *scene) { s.holdDials(true); s.read(0) },
		call: incr, after: readFirst, lift: (*scene).letDial, check: isUnset("n"), want: routing.NotExecuted,
	},
	"connecting, handshake": {cold: true, before: pauseAndRead, call: incr, after: readFirst, lift: resumeFirst, check: isUnset("n"), want: routing.NotExecuted},
	"connecting, BLPOP": {
		before: func(s *scene) { poppers(2)(s); s.holdDials(true) },
		call:   pop, lift: func(s *scene) { s.letDial(); push(2)(s) }, want: routing.NotExecuted,
	},
	"connecting, batch": {
		cold: true, before: holdDials, lift: (*scene).letDial, want: routing.NotExecuted, call: mget(4),
	},
	"backing off":           {slow: true, before: answer("get", "-LOADING Redis is loading the dataset in memory\r\n"), call: get, want: routing.NotExecuted},
	"backing off, a write":  {slow: true, before: answer("incr", "-CLUSTERDOWN The cluster is down\r\n"), call: incr, want: routing.NotExecuted},
	"backing off, pipeline": {slow: true, before: answer("incr", "-LOADING Redis is loading the dataset in memory\r\n"), call: pipeline, want: routing.NotExecuted},
	"backing off, and it may have run": {
		slow: true, call: func(ctx context.Context, s *scene) []error { return incr(slotmesh.Idempotent(ctx), s) },
		before: func(s *scene) {
			s.Fault(clustertest.Fault{Match: clustertest.Selector{Command: "incr"}, Kind: clustertest.ResetReply})
		},
		check: isSet("n", "1"),
	},
	"sent on by ASK": {
		before: func(s *scene) {
			require.NoError(s.t, s.BeginMigration(s.t.Context(), 0, s.Masters()[1]))
			s.pause(1)
		},
		call: incr, lift: func(s *scene) { s.resume(1) },
	},
	"asking about an unknown command": {
		before: pauseAll, lift: resumeAll, want: routing.NotExecuted,
		call: func(ctx context.Context, s *scene) []error {
			return []error{s.client.Do(ctx, "module.command", keyOn(0, "0")).Err()}
		},
	},
}
