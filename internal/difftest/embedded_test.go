package difftest

import (
	"flag"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/clustertest"
)

// An absence is what the embedded node purposely does not have, so that it is not asked
// for it.
type absence struct {
	reason   string
	commands []string // how requests begin
	args     []string // what they hold
}

var absences = []absence{
	{
		reason: "it says that it does not support them",
		commands: []string{
			"SORT", "BITFIELD", "BITFIELD_RO", "LCS", "GEOHASH",
			"SSUBSCRIBE", "SUNSUBSCRIBE", "SPUBLISH", "PUBSUB", "FAILOVER",
			"CLUSTER FORGET", "CLUSTER REPLICATE", "CLUSTER FAILOVER", "CLUSTER SET-CONFIG-EPOCH", "CLUSTER MEET",
			"CLUSTER RESET", "CLUSTER SAVECONFIG",
		},
	},
	{
		reason: "its streams cannot leave a node, so MIGRATE refuses them",
		commands: []string{
			"XACK", "XADD", "XAUTOCLAIM", "XDEL", "XGROUP", "XINFO", "XLEN", "XPENDING", "XRANGE", "XREAD", "XREADGROUP",
			"XREVRANGE", "XSETID", "XTRIM",
		},
		args: []string{payloads[10]},
	},
	{
		reason:   "how a value is stored depends on what it was before",
		commands: []string{"OBJECT"},
	},
	{
		reason: "its Lua has no RESP3",
		args:   []string{scripts["values3"]},
	},
}

// absent reports whether a command is left out.
func absent(c command) bool {
	return slices.ContainsFunc(absences, func(a absence) bool {
		return slices.ContainsFunc(a.commands, c.begins) ||
			slices.ContainsFunc(a.args, func(arg string) bool { return slices.Contains(c.args, arg) })
	})
}

// begins reports whether the first arguments are these words, in any case.
func (c command) begins(text string) bool {
	words := strings.Fields(text)
	return len(words) <= len(c.args) && strings.EqualFold(strings.Join(c.args[:len(words)], " "), text)
}

// present returns what is left of a step, nil if that is nothing.
func present(s step) step {
	switch s := s.(type) {
	case pipeline:
		s.commands = slices.DeleteFunc(s.commands, absent)
		s.commands = slices.DeleteFunc(s.commands, afterBlocking())
		return s
	case wake:
		if absent(s.push) {
			return nil
		}
	case subscription:
		return nil
	}
	return s
}

var mayBlock = []string{"WAIT", "BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH", "BLMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP"}

// afterBlocking reports of the commands of one write, in order, which ones change slots
// behind one that may block. A real server whose client was blocked runs them at a moment
// when it looks at the cluster's state only after the next command, be it another client's.
func afterBlocking() func(command) bool {
	blocked := false
	return func(c command) bool {
		blocked = blocked || slices.ContainsFunc(mayBlock, c.begins)
		return blocked && c.begins("CLUSTER")
	}
}

// playPresent is play without what is absent.
func (d *duel) playPresent(g *generator, more func() bool) error {
	if err := d.bump(); err != nil {
		return err
	}
	if err := d.reset(); err != nil {
		return err
	}
	for more() {
		if s := present(g.next()); s != nil {
			if err := d.do(s); err != nil {
				return err
			}
		}
	}
	return d.do(audit{})
}

// startEmbedded starts a cluster whose nodes, like the real ones, change by commands only:
// none hears what the others say.
func startEmbedded(tb testing.TB) *clustertest.Cluster {
	c := clustertest.Start(tb, clustertest.Config{})
	for _, addr := range c.Addrs() {
		require.NoError(tb, c.Lag(addr))
	}
	return c
}

// seedsFlag is for hunting: a run of other commands each.
var seedsFlag = flag.Int("seeds", 0, "random runs of TestEmbedded, besides the one that is always the same")

// The seed is the same each time, so that what fails has to do with what was changed.
func TestEmbedded(t *testing.T) {
	seeds := []uint64{1}
	for range *seedsFlag {
		seeds = append(seeds, uint64(rand.Uint32()))
	}
	if os.Getenv("SLOTMESH_SEED") != "" {
		seeds = []uint64{seed(t)}
	}
	for _, seed := range seeds {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { playEmbedded(t, seed) })
	}
}

func playEmbedded(t *testing.T, seed uint64) {
	d, err := newDuel(startEmbedded(t), realAlone(t))
	require.NoError(t, err)
	defer d.close()
	g := newGenerator(seeded(seed))
	require.NoError(t, d.playPresent(g, func() bool { return g.steps < *stepsFlag }), "SLOTMESH_SEED=%d", seed)
	t.Logf("seed %d: %d commands\n%v", seed, d.commands, d.seen)
	for name, reason := range differences.reasons(d.excused) {
		t.Logf("%d times: %s: %s", d.excused[name], name, reason)
	}
	require.Empty(t, d.seen.missing(), "SLOTMESH_SEED=%d: replies that never came", seed)
}

// FuzzReplies has the fuzzer decide what else a seed decides.
func FuzzReplies(f *testing.F) {
	const size = 2000 // some dozen steps
	for n := range 3 {
		input := make([]byte, size)
		_, err := rand.NewChaCha8([32]byte{byte(n)}).Read(input)
		require.NoError(f, err)
		f.Add(input)
	}
	embedded, real := startEmbedded(f), realAlone(f)
	f.Fuzz(func(t *testing.T, input []byte) {
		d, err := newDuel(embedded, real)
		require.NoError(t, err)
		defer d.close()
		choices := &tape{input[:min(len(input), size)]}
		require.NoError(t, d.playPresent(newGenerator(choices), func() bool { return len(choices.bytes) > 0 }))
	})
}
