package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/realcluster"
)

// The driver starts this binary as its workers.
func TestMain(m *testing.M) {
	if isWorker() {
		workerMain()
	}
	os.Exit(m.Run())
}

// Each client runs each kind of cell. Its worker has proved by then that it returns the
// right values.
func TestEveryClientRunsEveryKindOfCell(t *testing.T) {
	cluster := realcluster.Start(t, realcluster.Config{NodeTimeout: time.Minute})
	out := filepath.Join(t.TempDir(), "out.json")
	var stdout, stderr strings.Builder
	code := run(t.Context(), []string{
		"-cells", "full", "-procs", "2", "-spin", "off", "-only", `^(get/64B/1|set/64B/16|m.et10/64B/(1|32))\b`,
		"-addrs", strings.Join(cluster.Addrs(), ","), "-rounds", "1", "-slice", "50ms", "-markdown", "-out", out,
	}, &stdout, &stderr)
	require.Zero(t, code, stderr.String())
	require.Contains(t, stdout.String(), "| `mget10/64B/32")

	data, err := os.ReadFile(out)
	require.NoError(t, err)
	var results []result
	require.NoError(t, json.Unmarshal(data, &results))
	require.Len(t, results, 2+2*2)
	for _, r := range results {
		for _, s := range specs {
			if !s.runs(r.Cell) {
				continue
			}
			c := r.client(s.name)
			require.NotNil(t, c, "%s in %s", s.name, r.Name)
			require.Positive(t, c.Median.PerSec, "%s in %s", s.name, r.Name)
			require.Positive(t, c.Median.P99, "%s in %s", s.name, r.Name)
		}
	}
}

func TestFailures(t *testing.T) {
	for args, message := range map[string]string{
		"-cells some":                  "there are quick and full",
		"-only nothing":                "no cell matches",
		"-clients slotmesh,someone":    "no client \"someone\"",
		"-spin perhaps":                "there are off, on and both",
		"-procs 0":                     "no number of processors",
		"-rounds -1":                   "must be positive",
		"extra":                        "unexpected argument",
		"-cancel -addrs 127.0.0.1:1":   "does not go with -addrs",
		"-only get -addrs 127.0.0.1:1": "preload",
	} {
		var stderr strings.Builder
		ctx, cancel := context.WithTimeout(t.Context(), time.Second) // the node that is not there is asked again and again
		require.NotZero(t, run(ctx, strings.Fields(args), &strings.Builder{}, &stderr), args)
		cancel()
		require.Contains(t, stderr.String(), message, args)
	}
}

// fake is a client that answers from memory, and does what spoil says to each value.
type fake struct {
	values map[string]string
	spoil  func(string) string
}

func (f *fake) get(_ context.Context, key string) (string, error) {
	return f.spoil(f.values[key]), nil
}

func (f *fake) set(_ context.Context, key, value string) error {
	f.values[key] = value
	return nil
}

func (f *fake) reads(keys []string) readCall {
	return func(_ context.Context, visit func(key, value string)) error {
		for _, key := range keys {
			visit(key, f.spoil(f.values[key]))
		}
		return nil
	}
}

func (f *fake) writes(keys, values []string) writeCall {
	return func(ctx context.Context) error {
		for i, key := range keys {
			_ = f.set(ctx, key, values[i])
		}
		return nil
	}
}

func (f *fake) blpop(ctx context.Context, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}

func (f *fake) close() {}

func TestVerifyFindsWrongValues(t *testing.T) {
	honest := func(value string) string { return value }
	f := &fake{map[string]string{}, honest}
	require.NoError(t, verify(t.Context(), f))

	f.spoil = func(value string) string { return strings.Replace(value, "17 of", "18 of", 1) }
	require.ErrorContains(t, verify(t.Context(), f), `"18 of 0", not "17 of 0"`)

	f.spoil = honest
	keys, values := []string{"a", "b"}, []string{"1", "2"}
	require.ErrorContains(t, checkMany(t.Context(), f, keys, values), `mget b: "", not "2"`)
	require.NoError(t, f.writes(keys, values)(t.Context()))
	require.NoError(t, checkMany(t.Context(), f, keys, values))
	require.ErrorContains(t, checkMany(t.Context(), forgetful{f}, keys, values), "1 values are missing")
}

// forgetful leaves the first key out.
type forgetful struct{ *fake }

func (f forgetful) reads(keys []string) readCall { return f.fake.reads(keys[1:]) }

func TestErrorOfOneCallerEndsTheSlice(t *testing.T) {
	broken := errors.New("broken")
	c := cell{Command: "get", Keys: 1, Size: 64, Callers: 2}
	client := &clientTarget{kv: &fake{map[string]string{}, func(value string) string { return value }}}
	callers, err := client.load(t.Context(), c)
	require.NoError(t, err)
	_, err = measure(callers, c, time.Hour, time.Hour)
	require.ErrorContains(t, err, "values of 0 bytes, not of 64")

	callers[1] = func(*counter) error { return broken }
	_, err = measure(callers[1:], c, time.Hour, time.Hour)
	require.ErrorIs(t, err, broken)
}

func TestCancelOne(t *testing.T) {
	took, err := cancelOne(func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	})
	require.NoError(t, err)
	require.Less(t, took, cancelLimit)
	_, err = cancelOne(func(context.Context) error { return errMissing })
	require.ErrorContains(t, err, "returned before it was cancelled: a key is missing")
}

func TestHistogram(t *testing.T) {
	var h histogram
	require.Zero(t, h.quantile(0.5))
	for i := range 1000 {
		h.add(time.Duration(i+1) * time.Microsecond)
	}
	require.InEpsilon(t, 500*time.Microsecond, h.quantile(0.50), 0.04)
	require.InEpsilon(t, 990*time.Microsecond, h.quantile(0.99), 0.04)
	for n := uint64(1); n < 1<<62; n += n/8 + 1 {
		low := lowest(bucket(n))
		require.LessOrEqual(t, low, time.Duration(n))
		require.GreaterOrEqual(t, float64(low), float64(n)*(1-1.0/(1<<fraction)))
	}
}

func TestCells(t *testing.T) {
	procs := runtime.GOMAXPROCS(0)
	names := map[string]bool{}
	for _, c := range allCells(fullShapes(), []bool{false, true}, []int{procs, procs + 1}) {
		require.False(t, names[c.name()], c.name())
		names[c.name()] = true
	}
	for _, c := range allCells(goalShapes(), []bool{false}, []int{procs}) {
		require.True(t, names[c.name()], c.name())
		_, ok := goalOf(c)
		require.True(t, ok, c.name())
	}
	require.Contains(t, names, "get/64B/1024")
	require.Contains(t, names, "mset1000/1KB/32/spin")
}

func TestVerdict(t *testing.T) {
	client := func(name string, perSec ...float64) *clientResult {
		s, err := clientNamed(name)
		require.NoError(t, err)
		c := &clientResult{Client: name, spec: s}
		for _, n := range perSec {
			c.Rounds = append(c.Rounds, sample{PerSec: n})
		}
		c.Median = medians(c.Rounds)
		return c
	}
	r := &result{
		Cell: cell{Command: "get", Keys: 1, Size: 64, Callers: 16, Procs: runtime.GOMAXPROCS(0)},
		Clients: []*clientResult{
			client(slotmeshName, 100, 130, 120), client("rueidis", 50, 100, 200),
			client("goredis", 60, 60, 60), client(floorName, 900, 900, 900),
		},
	}
	v, ok := r.verdict()
	require.True(t, ok)
	require.Equal(t, "rueidis", v.peer.Client, "the floor is no peer")
	require.InDelta(t, 1.2, v.ratio, 1e-9)
	require.InDelta(t, 1.3, v.perRound, 1e-9)
	require.True(t, v.met())

	r.Cell.Spin = true
	v, ok = r.verdict()
	require.True(t, ok)
	require.Equal(t, "goredis", v.peer.Client)
	require.InDelta(t, 2.0, v.ratio, 1e-9)

	r.Clients = r.Clients[1:]
	_, ok = r.verdict()
	require.False(t, ok, "there is nothing to compare")
}

func TestMedians(t *testing.T) {
	of := func(perSec ...float64) (samples []sample) {
		for _, n := range perSec {
			samples = append(samples, sample{PerSec: n, P50: time.Duration(n)})
		}
		return samples
	}
	require.Equal(t, sample{PerSec: 3, P50: 3}, medians(of(9, 3, 1)))
	require.Equal(t, sample{PerSec: 5, P50: 5}, medians(of(9, 3, 1, 7)))
	require.Zero(t, medians(nil))
	require.InDelta(t, 0.2, spread(of(1, 4, 5, 6, 90)), 1e-9)
	require.Zero(t, spread(of(7)))
	require.Zero(t, spread(nil))
}

func TestNumbers(t *testing.T) {
	require.Equal(t, "950", count(950))
	require.Equal(t, "12.3k", count(12_345))
	require.Equal(t, "123k", count(123_456))
	require.Equal(t, "1.62M", count(1_620_000))
	require.Equal(t, "0.146 us", short(146*time.Nanosecond))
	require.Equal(t, "1000 us", short(999_999*time.Nanosecond))
	require.Equal(t, "1.5 ms", short(1500*time.Microsecond))
	require.Equal(t, "2 s", short(2*time.Second))
}
