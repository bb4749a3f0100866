package hll_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/realcluster"
	"github.com/slotmesh/slotmesh/internal/refnode/hll"
)

// A model does to strings what a redis-server does to its keys, and both have to come to
// the same: the same replies, and then the same bytes.
type model struct {
	t      *testing.T
	redis  *realcluster.Cluster
	values map[string][]byte
}

func startModel(t *testing.T) *model {
	redis := realcluster.Start(t, realcluster.Config{Standalone: true})
	return &model{t: t, redis: redis, values: map[string][]byte{}}
}

// random returns a source of which a failed test shows the seed.
func random(t *testing.T) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func (m *model) do(command string, args ...any) (any, error) {
	return m.redis.Do(context.Background(), m.redis.Addrs()[0], append([]any{command}, args...)...)
}

// same requires that the server's reply and its key are what they are here.
func (m *model) same(key string, reply any, err error, command string, args ...any) {
	m.t.Helper()
	got, refused := m.do(command, args...)
	about := fmt.Sprintf("%s %.200q", command, args)
	if err != nil {
		require.EqualError(m.t, refused, err.Error(), about)
	} else {
		require.NoError(m.t, refused, about)
		require.Equal(m.t, got, reply, about)
	}
	value, err := m.do("GETRANGE", key, 0, -1) // the empty string if there is none
	require.NoError(m.t, err, about)
	require.Equal(m.t, fmt.Sprintf("%x", value), fmt.Sprintf("%x", m.values[key]), about)
}

func (m *model) set(key string, s []byte) {
	m.t.Helper()
	m.values[key] = s
	m.same(key, "OK", nil, "SET", key, s)
}

func (m *model) remove(key string) {
	m.t.Helper()
	delete(m.values, key)
	_, err := m.do("DEL", key)
	require.NoError(m.t, err)
}

func (m *model) add(key string, elements ...string) {
	m.t.Helper()
	s, reply := m.values[key], int64(0)
	if s == nil {
		s, reply = hll.New(), 1
	}
	var err error
	args := []any{key}
	for _, element := range elements {
		var changed bool
		if err == nil {
			if s, changed, err = hll.Add(s, []byte(element)); changed {
				reply = 1
			}
		}
		args = append(args, element)
	}
	m.values[key] = s
	m.same(key, reply, err, "PFADD", args...)
}

func (m *model) count(key string) {
	m.t.Helper()
	n, out, err := hll.Count(m.values[key])
	m.values[key] = out
	m.same(key, int64(n), err, "PFCOUNT", key)
}

func (m *model) countUnion(keys ...string) {
	m.t.Helper()
	n, err := hll.CountUnion(m.all(keys)...)
	m.same(keys[0], int64(n), err, "PFCOUNT", arguments(keys)...)
}

func (m *model) merge(keys ...string) {
	m.t.Helper()
	out, err := hll.Merge(m.all(keys)...)
	if err == nil {
		m.values[keys[0]] = out
	}
	m.same(keys[0], "OK", err, "PFMERGE", arguments(keys)...)
}

func (m *model) all(keys []string) (values [][]byte) {
	for _, key := range keys {
		values = append(values, m.values[key])
	}
	return values
}

func arguments(words []string) []any {
	args := make([]any, len(words))
	for i, word := range words {
		args[i] = word
	}
	return args
}

// elements returns n of so many kinds, of all lengths.
func elements(r *rand.Rand, n, kinds int) []string {
	all := make([]string, n)
	for i := range all {
		k := r.IntN(kinds)
		all[i] = strings.Repeat("x", k%19) + fmt.Sprint(k)
	}
	return all
}

// step does one thing to some of six keys, most of which have few elements.
func (m *model) step(r *rand.Rand) {
	m.t.Helper()
	key := func() string { return string('a' + rune(r.IntN(6))) }
	switch k := key(); r.IntN(12) {
	case 0, 1:
		m.add(k)
		m.count(k)
	case 2:
		m.countUnion(k, key(), key())
	case 3:
		m.merge(k, key(), key())
	case 4:
		m.merge(k)
	case 5:
		m.remove(k)
	case 6:
		m.add(k, elements(r, r.IntN(2000), 10000)...)
	default:
		m.add(k, elements(r, r.IntN(40), 3000)...)
	}
}

func TestServerDoesTheSame(t *testing.T) {
	m, r := startModel(t), random(t)
	for range 1500 {
		m.step(r)
	}
}

// One element after another: the runs are split and joined in all ways, and the one that
// there is no room for is the same.
func TestServerBecomesDenseAtTheSameElement(t *testing.T) {
	m := startModel(t)
	for i := 0; len(m.values["k"]) < denseSize; i++ {
		m.add("k", fmt.Sprint("element:", i))
		if i%50 == 0 {
			m.count("k")
		}
	}
	for i := range 100 {
		m.add("k", fmt.Sprint("more:", i))
		m.count("k")
	}
}

// An element that raises a register above 32 is hard to find, so these are made by hand.
func TestServerCountsHighRegisters(t *testing.T) {
	m, r := startModel(t), random(t)
	for value := range byte(64) {
		m.set("all", dense(func(int) byte { return value }))
		m.count("all")
		m.set("last", dense(func(i int) byte { return byte(i/16383) * value }))
		m.countUnion("last", "nosuch")
		m.count("last")
		m.merge("all", "last")
		m.set("below", dense(func(int) byte { return byte(r.IntN(int(value) + 1)) }))
		m.count("below")
	}
}

// A register that is above 32 makes a sparse string dense, even a short one.
func TestServerBecomesDenseWithHighRegister(t *testing.T) {
	m := startModel(t)
	m.add("k", "a", "b")
	m.count("k")
	m.add("k", elementOfHighRank)
	require.Len(t, m.values["k"], denseSize)
	m.count("k")

	m.set("corrupted", []byte(header+allButOneZero))
	m.add("corrupted", "a", elementOfHighRank, "b")
}

func TestServerReadsArbitraryRuns(t *testing.T) {
	m, r := startModel(t), random(t)
	for range 500 {
		m.set("k", arbitraryRuns(r))
		m.count("k")
		m.countUnion("k", "nosuch")
		m.add("k", elements(r, 50, 10000)...)
		m.merge("k", "k")
		m.remove("merged")
		m.merge("k", "merged")
		m.count("k")
	}
}

// What the server takes for a HyperLogLog, and what it answers to the rest.
func TestServerRefusesTheSame(t *testing.T) {
	m := startModel(t)
	for _, b := range broken {
		for _, c := range []struct {
			want    error
			command string
			args    []any
		}{
			{b.count, "PFCOUNT", []any{"key"}},
			{b.union, "PFCOUNT", []any{"key", "nosuch"}},
			{b.union, "PFMERGE", []any{"merged", "key"}},
			{b.add, "PFADD", []any{"key", elementOfLast}},
		} {
			if c.want == errDiffers {
				continue
			}
			m.set("key", []byte(b.value))
			_, err := m.do(c.command, c.args...)
			requireError(t, c.want, err, b.name+": "+c.command)
		}
	}
}
