package difftest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var stepsFlag = flag.Int("steps", 8000, "steps of each random run")

// seed returns SLOTMESH_SEED, or a new one.
func seed(tb testing.TB) uint64 {
	tb.Helper()
	text := os.Getenv("SLOTMESH_SEED")
	if text == "" {
		return uint64(rand.Uint32())
	}
	n, err := strconv.ParseUint(text, 10, 64)
	require.NoError(tb, err, "SLOTMESH_SEED")
	return n
}

// run plays steps that the seed decides on two deployments, and fails the test if
// they differ, or if the run has missed what it is for.
func run(t testing.TB, a, b deployment, steps int, seed uint64) {
	t.Helper()
	d, err := newDuel(a, b)
	require.NoError(t, err)
	defer d.close()
	g := newGenerator(seeded(seed))
	began := time.Now()
	err = d.play(g, func() bool { return g.steps < steps })
	require.NoError(t, err, "SLOTMESH_SEED=%d", seed)
	t.Logf("seed %d: %d steps, %d commands, %.0f steps/s\n%v", seed, g.steps, d.commands,
		float64(g.steps)/time.Since(began).Seconds(), d.seen)
	for name, reason := range differences.reasons(d.excused) {
		t.Logf("%d times: %s: %s", d.excused[name], name, reason)
	}
	require.Empty(t, d.seen.missing(), "SLOTMESH_SEED=%d: replies that never came, in %d steps", seed, steps)
}

// play makes both sides what they are at the beginning and does steps as long as
// there are more. An audit is the last.
func (d *duel) play(g *generator, more func() bool) error {
	if err := d.bump(); err != nil {
		return err
	}
	if err := d.reset(); err != nil {
		return err
	}
	for more() {
		if err := d.do(g.next()); err != nil {
			return err
		}
	}
	return d.do(audit{})
}

func (d *duel) do(s step) error {
	d.log.next()
	if err := s.play(d); err != nil {
		return fmt.Errorf("step %d: %w\n\n%v", d.log.step, err, &d.log)
	}
	return nil
}
