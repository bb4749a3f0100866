package slotmesh_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/clustertest"
	"github.com/slotmesh/slotmesh/routing"
)

// What a node cannot do now is waited out.
func TestPromise4(t *testing.T) {
	prove(t,
		statement{says: "each passing refusal is waited for, and costs no error", play: refusalsPass, on: embeddedOnly},
		statement{says: "the waits are bounded, and spread", play: waitsAreBounded, on: embeddedOnly},
		statement{says: "the map is asked where it may be at fault", play: whatRefreshes, on: embeddedOnly},
		statement{says: "a slot that nobody serves for a moment costs no error", play: slotComesBack},
		statement{says: "a script that holds the node costs no error", play: busyNode, on: realOnly},
		statement{says: "reads of several slots are cut, a native command waits", play: cutOrWait},
	)
}

// passing are the refusals that time mends, and whether the map may be at fault.
var passing = map[string]bool{
	"TRYAGAIN Multiple keys request during rehashing of slot":                                false,
	"CLUSTERDOWN Hash slot not served":                                                       true,
	"CLUSTERDOWN The cluster is down":                                                        true,
	"LOADING Redis is loading the dataset in memory":                                         false,
	"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.":       true,
	"READONLY You can't write against a read only replica.":                                  true,
	"BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.": false,
	"ERR max number of clients reached":                                                      false,
}

func refusalsPass(s *stage) {
	for text := range passing {
		key := keyIn(400, text)
		s.answer(clustertest.Selector{Command: "incr"}, text, text, text)
		start := time.Now()
		require.EqualValues(s.t, 1, s.client.Incr(testContext(s.t), key).Val(), text)
		require.Len(s.t, s.repeats(), 3, text)
		require.Equal(s.t, "1", s.value(key))
		took := time.Since(start)
		require.LessOrEqual(s.t, took, 56*time.Millisecond, "8, 16 and 32 ms at most: %s", text)
		require.GreaterOrEqual(s.t, took, 28*time.Millisecond, "half of that at least: %s", text)
	}
}

func waitsAreBounded(s *stage) {
	const text = "LOADING Redis is loading the dataset in memory"
	s.faults.Fault(clustertest.Fault{Match: clustertest.Selector{Command: "incr"}, Count: -1, Kind: clustertest.Answer, Reply: "-" + text + "\r\n"})
	start := time.Now()
	took := make(map[time.Duration]bool)
	var mu sync.Mutex
	var callers sync.WaitGroup
	for i := range 20 {
		callers.Go(func() {
			err := s.client.Incr(s.t.Context(), keyIn(401, fmt.Sprint(i))).Err()
			if err == nil || err.Error() != text || !slotmesh.SafeToRetry(err) {
				s.t.Errorf("want the server's word, which is safe to retry: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			took[time.Since(start)] = true
		})
	}
	callers.Wait()
	require.Less(s.t, time.Since(start), 6*time.Second)
	require.Greater(s.t, len(took), 10, "not all at the same times")
	require.Len(s.t, s.asked("incr "), 20*17, "once, and 16 times again")
}

func whatRefreshes(s *stage) {
	for text, doubts := range passing {
		time.Sleep(time.Minute) // fake: refreshes are rare
		before := s.client.Stats().Refreshes
		s.answer(clustertest.Selector{Command: "incr"}, text)
		require.NoError(s.t, s.client.Incr(testContext(s.t), keyIn(402, "n")).Err())
		time.Sleep(time.Minute) // fake
		require.Equal(s.t, doubts, s.client.Stats().Refreshes > before, text)
	}
}

func slotComesBack(s *stage) {
	const slot = 403
	home, _, _ := s.ends(slot)
	for _, addr := range s.Masters() {
		s.do(addr, "cluster", "delslots", slot)
	}
	incremented := make(chan int64, 1)
	go func() { incremented <- s.client.Incr(testContext(s.t), keyIn(slot, "n")).Val() }()
	var met []routing.Fault
	s.eventually("it waits", func() bool {
		for _, r := range s.repeats() {
			met = append(met, r.Fault)
		}
		return len(met) > 0
	})
	require.Equal(s.t, routing.FaultClusterDown, met[0])
	s.do(home, "cluster", "addslots", slot)
	require.EqualValues(s.t, 1, <-incremented)
	id := s.do(home, "cluster", "myid")
	for _, addr := range s.Masters() {
		if addr != home {
			s.do(addr, "cluster", "setslot", slot, "node", id)
		}
	}
}

func busyNode(s *stage) {
	const slot = 404
	ctx := testContext(s.t)
	addr, _, _ := s.ends(slot)
	s.do(addr, "config", "set", "lua-time-limit", 1)
	require.NoError(s.t, s.client.Set(ctx, keyIn(slot, "n"), 1, 0).Err())
	ended := make(chan error, 1)
	go func() {
		_, err := s.Do(ctx, addr, "eval", "while true do end", 0)
		ended <- err
	}()
	s.eventually("the node is busy", func() bool {
		_, err := s.Do(ctx, addr, "get", keyIn(slot, "n"))
		return err != nil && strings.HasPrefix(err.Error(), "BUSY")
	})
	incremented := make(chan int64, 1)
	go func() { incremented <- s.client.Incr(ctx, keyIn(slot, "n")).Val() }()
	s.eventually("it waits", func() bool {
		met := s.repeats()
		return len(met) > 0 && met[0].Fault == routing.FaultBusy
	})
	s.do(addr, "script", "kill")
	require.EqualValues(s.t, 2, <-incremented)
	require.Error(s.t, <-ended)
}

func cutOrWait(s *stage) {
	const slot = 405
	ctx := testContext(s.t)
	apart, elsewhere := []string{keyIn(slot, "a"), keyIn(slot, "b")}, keyIn(9000, "c")
	require.NoError(s.t, s.client.MSet(ctx, apart[0], "a", apart[1], "b", elsewhere, "c").Err())
	s.open(slot, 1)
	require.Equal(s.t, []any{"a", "b", "c"}, s.client.MGet(ctx, apart[0], apart[1], elsewhere).Val())
	require.Empty(s.t, s.repeats(), "cut, not waited for")
	require.EqualValues(s.t, 1, s.client.Stats().Splits)
	require.Len(s.t, s.hops(), 1, "the key that has moved")

	native := make(chan []any, 1)
	go func() { native <- s.client.MGet(ctx, apart...).Val() }()
	var met []routing.Retry
	s.eventually("it waits", func() bool { met = append(met, s.repeats()...); return len(met) > 1 })
	require.Equal(s.t, routing.FaultTryAgain, met[0].Fault)
	require.Empty(s.t, native)
	require.NoError(s.t, s.FinishMigration(ctx, slot))
	require.Equal(s.t, []any{"a", "b"}, <-native)
	require.EqualValues(s.t, 1, s.client.Stats().Splits, "it stayed one command")
}
