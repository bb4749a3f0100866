package slotmesh_test

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/clustertest"
	"github.com/slotmesh/slotmesh/routing"
)

// Nothing is sent again without proof.
func TestPromise5(t *testing.T) {
	prove(t,
		statement{says: "what broke after it was written is Unknown, and not sent again", play: brokenIsUnknown},
		statement{says: "however it breaks", play: brokenAnyhow, on: embeddedOnly},
		statement{says: "what is Unknown may still land", play: landsLater, on: embeddedOnly},
		statement{says: "reads and what the caller marked are sent again", play: repeatable},
		statement{says: "a dial that failed proves that nothing ran", play: dialFailed},
		statement{says: "an EXEC that was never handed over proves that nothing ran", play: execNotWritten},
		statement{says: "errors inside EXEC are answers", play: insideExec},
		statement{says: "scripts follow the server", play: scriptsFollow},
		statement{says: "scripts that answer a refusal are not run again", play: scriptsLie},
		statement{says: "functions that answer a refusal are not run again", play: functionsLie, on: realOnly},
	)
}

// requireUnknown checks that err says that a command, sent once, may have run.
func requireUnknown(t *testing.T, err error) {
	t.Helper()
	var failed *slotmesh.Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, routing.Unknown, failed.Outcome, "%v", err)
	require.Equal(t, 1, failed.Attempts)
	require.False(t, slotmesh.SafeToRetry(err))
}

const incrScript = "return redis.call('incr', KEYS[1])"

// increments are ways to add one to a key.
var increments = map[string]func(ctx context.Context, client *slotmesh.Client, key string) error{
	"incr": func(ctx context.Context, client *slotmesh.Client, key string) error {
		return client.Incr(ctx, key).Err()
	},
	"eval": func(ctx context.Context, client *slotmesh.Client, key string) error {
		return client.Eval(ctx, incrScript, []string{key}).Err()
	},
	"pipeline": func(ctx context.Context, client *slotmesh.Client, key string) error {
		_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error { p.Incr(ctx, key); return nil })
		return err
	},
	"transaction": func(ctx context.Context, client *slotmesh.Client, key string) error {
		_, err := client.TxPipelined(ctx, func(p redis.Pipeliner) error { p.Incr(ctx, key); return nil })
		return err
	},
}

func brokenIsUnknown(s *stage) {
	const slot = 500
	ctx := testContext(s.t)
	for way, increment := range increments {
		key := keyIn(slot, "broken-"+way)
		s.cut("broken-" + way)
		requireUnknown(s.t, increment(ctx, s.client, key))
		require.Len(s.t, s.written("broken-"+way), 1, way)
		require.Equal(s.t, "1", s.value(key), way)
		require.NoError(s.t, increment(ctx, s.client, key), "the next one has a new connection")
		require.Equal(s.t, "2", s.value(key), way)
	}
	require.Empty(s.t, s.repeats())
}

func brokenAnyhow(s *stage) {
	const slot = 501
	for kind, want := range map[clustertest.FaultKind]string{
		clustertest.Reset: "", clustertest.ResetReply: "1", clustertest.Drop: "", clustertest.DropReply: "1", clustertest.Garbage: "1",
	} {
		for way, increment := range increments {
			key := keyIn(slot, fmt.Sprint(way, kind))
			require.Equal(s.t, redis.Nil, s.client.Get(testContext(s.t), key).Err(), "the connection is there")
			command := map[string]string{"eval": "eval", "transaction": "exec"}[way]
			s.faults.Fault(clustertest.Fault{Match: clustertest.Selector{Command: cmp.Or(command, "incr")}, Kind: kind})
			requireUnknown(s.t, increment(testContext(s.t), s.client, key))
			require.Equal(s.t, want, s.value(key), "%s, fault %d", way, kind)
		}
	}
	require.Empty(s.t, s.repeats())
}

func landsLater(s *stage) {
	const slot = 502
	key := keyIn(slot, "n")
	held := s.faults.Hold(clustertest.Selector{Command: "incr"})
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Second)
	defer cancel()
	err := s.client.Incr(ctx, key).Err()
	require.ErrorIs(s.t, err, context.DeadlineExceeded)
	requireUnknown(s.t, err)
	require.Equal(s.t, "", s.value(key))
	held.Release()
	s.eventually("it lands", func() bool { return s.value(key) == "1" })
}

func repeatable(s *stage) {
	const slot = 503
	ctx := testContext(s.t)
	key := keyIn(slot, "again")
	require.NoError(s.t, s.client.Set(ctx, key, 1, 0).Err())
	s.cut("again")
	require.Equal(s.t, "1", s.client.Get(ctx, key).Val())
	s.cut("again")
	require.Equal(s.t, []any{"1"}, s.client.MGet(ctx, key).Val())
	require.Len(s.t, s.repeats(), 2)
	s.cut("again")
	require.EqualValues(s.t, 3, s.client.Incr(slotmesh.Idempotent(ctx), key).Val(), "it ran twice")
	require.Len(s.t, s.repeats(), 1)
}

func dialFailed(s *stage) {
	const slot = 504
	ctx := testContext(s.t)
	addr, _, _ := s.ends(slot)
	for way, increment := range increments {
		client := s.connect()
		s.refuse(addr, 3)
		require.NoError(s.t, increment(ctx, client, keyIn(slot, way)), way)
		s.refuse(addr, 0)
		require.Equal(s.t, "1", s.value(keyIn(slot, way)))
		met := s.repeats()
		require.NotEmpty(s.t, met)
		for _, r := range met {
			require.Equal(s.t, routing.FaultDial, r.Fault)
		}
	}
	client := s.connect(func(o *slotmesh.Options) { o.Retry.MaxRetries = 2 })
	s.refuse(addr, 1000)
	err := client.Incr(ctx, keyIn(slot, "never")).Err()
	var failed *slotmesh.Error
	require.ErrorAs(s.t, err, &failed)
	require.Equal(s.t, routing.NotExecuted, failed.Outcome)
	require.True(s.t, slotmesh.SafeToRetry(err))
}

func execNotWritten(s *stage) {
	const slot = 505
	ctx := testContext(s.t)
	counter := keyIn(slot, "unwritten")
	s.disturb(&trouble{word: "multi", after: 1})
	var n *redis.IntCmd
	_, err := s.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		n = p.Incr(ctx, counter)
		p.Set(ctx, keyIn(slot, "large"), strings.Repeat("x", 800_000), 0) // in several writes
		return nil
	})
	require.NoError(s.t, err)
	require.EqualValues(s.t, 1, n.Val())
	require.Equal(s.t, "1", s.value(counter))
	require.Len(s.t, s.written("multi"), 2, "it broke, and was sent again")
	require.Len(s.t, s.repeats(), 1)
}

// tryAgain is what a server says, word for word.
const tryAgain = "TRYAGAIN Multiple keys request during rehashing of slot"

func insideExec(s *stage) {
	const slot = 506
	ctx := testContext(s.t)
	counter := keyIn(slot, "n")
	_, other, _ := s.ends(slot)
	lies := []string{tryAgain, fmt.Sprintf("MOVED %d %s", slot, other), fmt.Sprintf("ASK %d %s", slot, other), "LOADING Redis is loading the dataset in memory"}
	var before, after *redis.IntCmd
	told := make([]*redis.Cmd, len(lies))
	_, err := s.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		before = p.Incr(ctx, counter)
		for i, text := range lies {
			told[i] = p.Eval(ctx, "return redis.error_reply(ARGV[1])", []string{counter}, text)
		}
		after = p.Incr(ctx, counter)
		return nil
	})
	require.ErrorContains(s.t, err, lies[0])
	for i, text := range lies {
		require.EqualError(s.t, told[i].Err(), text)
		require.Implements(s.t, (*redis.Error)(nil), told[i].Err())
		require.False(s.t, slotmesh.SafeToRetry(told[i].Err()), text)
	}
	require.Equal(s.t, []int64{1, 2}, []int64{before.Val(), after.Val()})
	require.Equal(s.t, "2", s.value(counter))
	require.Empty(s.t, s.hops())
	require.Empty(s.t, s.repeats())
	require.Empty(s.t, s.became(slot))
}

func scriptsFollow(s *stage) {
	const slot = 507
	ctx := testContext(s.t)
	key := keyIn(slot, "n")
	run := func() any {
		n, err := s.client.Eval(ctx, incrScript, []string{key}).Result()
		require.NoError(s.t, err)
		return n
	}
	require.EqualValues(s.t, 1, run())
	s.open(slot, 1)
	require.EqualValues(s.t, 2, run(), "by ASK")
	require.NoError(s.t, s.FinishMigration(ctx, slot))
	require.EqualValues(s.t, 3, run(), "by MOVED")
	hops := s.hops()
	require.Len(s.t, hops, 2)
	require.Equal(s.t, []bool{true, false}, []bool{hops[0].Ask, hops[1].Ask})
}

// lies are what code on the server may answer and is no refusal of the server's.
func (s *stage) lies(slot uint16) []string {
	_, other, _ := s.ends(slot)
	return []string{
		"TRYAGAIN I have written", tryAgain + ".", "CLUSTERDOWN so it seems", "LOADING all the time", "BUSY with that", "READONLY mine", "OOM no",
		fmt.Sprintf("MOVED %d %s", slot+1, other), fmt.Sprintf("ASK %d %s", slot+1, other), "MOVED x",
	}
}

func (s *stage) ranOnce(i int, key, text string, err error) {
	s.t.Helper()
	require.EqualError(s.t, err, text)
	require.False(s.t, slotmesh.SafeToRetry(err), text)
	require.Equal(s.t, fmt.Sprint(i+1), s.value(key), text)
	require.Empty(s.t, s.hops(), text)
	require.Empty(s.t, s.repeats(), text)
}

const lyingScript = "redis.call('incr', KEYS[1]) return redis.error_reply(ARGV[1])"

func scriptsLie(s *stage) {
	const slot = 508
	ctx := testContext(s.t)
	addr, _, _ := s.ends(slot)
	sha := s.do(addr, "script", "load", lyingScript).(string)
	for i, text := range s.lies(slot) {
		s.ranOnce(i, keyIn(slot, "eval"), text, s.client.Eval(ctx, lyingScript, []string{keyIn(slot, "eval")}, text).Err())
		s.ranOnce(i, keyIn(slot, "sha"), text, s.client.EvalSha(ctx, sha, []string{keyIn(slot, "sha")}, text).Err())
		var cmd *redis.Cmd
		_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
			cmd = p.Eval(ctx, lyingScript, []string{keyIn(slot, "piped")}, text)
			return nil
		})
		require.Equal(s.t, err, cmd.Err())
		s.ranOnce(i, keyIn(slot, "piped"), text, err)
	}
}

func functionsLie(s *stage) {
	const slot = 509
	addr, _, _ := s.ends(slot)
	s.do(addr, "function", "load", "#!lua name=lying\nredis.register_function('lie', function(KEYS, ARGV) "+lyingScript+" end)")
	for i, text := range s.lies(slot) {
		s.ranOnce(i, keyIn(slot, "n"), text, s.client.FCall(testContext(s.t), "lie", []string{keyIn(slot, "n")}, text).Err())
	}
}
