package difftest

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/slotmesh/slotmesh/internal/realcluster"
)

// startTimeout bounds the start of a cluster, generously.
const startTimeout = time.Minute

// realPair returns two clusters of real nodes, the same for all tests of a process.
// Every run begins by making them what they were. Where there is no redis-server, the
// test is skipped.
func realPair(tb testing.TB) (a, b *realcluster.Cluster) {
	tb.Helper()
	all := startedReal(tb)
	return all[0], all[1]
}

// realAlone returns a third one, for comparison with others than real nodes: it has
// another history than those two, and so other epochs.
func realAlone(tb testing.TB) *realcluster.Cluster {
	tb.Helper()
	return startedReal(tb)[2]
}

func startedReal(tb testing.TB) [3]*realcluster.Cluster {
	tb.Helper()
	realcluster.Require(tb)
	all, err := startReal()
	require.NoError(tb, err)
	return all
}

var startReal = sync.OnceValues(func() (all [3]*realcluster.Cluster, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	for i := range all {
		group.Go(func() (err error) {
			all[i], err = startQuiet(ctx)
			return err
		})
	}
	err = group.Wait()
	for _, c := range all {
		if c != nil {
			started = append(started, c)
		}
	}
	return all, err
})

// started is what TestMain closes.
var started []*realcluster.Cluster

func TestMain(m *testing.M) {
	code := m.Run()
	for _, c := range started {
		if err := c.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func startQuiet(ctx context.Context) (*realcluster.Cluster, error) {
	c, err := realcluster.New(ctx, realcluster.Config{
		NodeTimeout: 24 * time.Hour, // nobody is ever suspected
		// The clock by which blocked clients are released.
		ConfigLines: []string{"hz 500", "dynamic-hz no"},
	})
	if err != nil {
		return nil, err
	}
	return c, quiet(ctx, c)
}

// pollEvery is how often a condition of a cluster is looked at.
const pollEvery = 5 * time.Millisecond

// quiet makes the nodes change by commands only. They keep expired keys until
// somebody asks for them, and no longer hear each other on the bus.
//
// A node that waits for the pong of another sends it no further ping until half of
// the node timeout has passed. So it is enough that the nodes do not hear pongs, and
// that every one waits for one from every other.
func quiet(ctx context.Context, c *realcluster.Cluster) error {
	const pong = 1
	if err := poll(ctx, func() error { return sameEpoch(ctx, c) }); err != nil {
		return err
	}
	for _, addr := range c.Addrs() {
		if _, err := c.Do(ctx, addr, "DEBUG", "SET-ACTIVE-EXPIRE", 0); err != nil {
			return err
		}
		if _, err := c.Do(ctx, addr, "DEBUG", "DROP-CLUSTER-PACKET-FILTER", pong); err != nil {
			return err
		}
	}
	for _, addr := range c.Addrs() {
		if err := poll(ctx, func() error { return waiting(ctx, c, addr) }); err != nil {
			return err
		}
	}
	// A message on the link to another node may have been sent before the ping that
	// a new link begins with, but the next one was not.
	for _, round := range []string{"first", "second"} {
		if err := hearAll(ctx, c, round); err != nil {
			return err
		}
	}
	return nil
}

// poll calls try until it returns nil.
func poll(ctx context.Context, try func() error) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		why := try()
		if why == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; last: %w", ctx.Err(), why)
		case <-tick.C:
		}
	}
}

// sameEpoch returns nil if all nodes know of the last epoch.
func sameEpoch(ctx context.Context, c *realcluster.Cluster) error {
	for _, addr := range c.Addrs() {
		info, err := c.Do(ctx, addr, "CLUSTER", "INFO")
		if err != nil {
			return err
		}
		if want := fmt.Sprintf("cluster_current_epoch:%d\r\n", len(c.Addrs())); !strings.Contains(fmt.Sprint(info), want) {
			return fmt.Errorf("%s does not say %q", addr, want)
		}
	}
	return nil
}

// waiting returns nil if the node waits for a pong from every other, and has a link to
// it, over which the ping goes if it has not gone yet. It gives the node reason to
// wait, by cutting a link: a new one begins with a ping.
func waiting(ctx context.Context, c *realcluster.Cluster, addr string) error {
	text, err := c.Do(ctx, addr, "CLUSTER", "NODES")
	if err != nil {
		return err
	}
	for line := range strings.Lines(fmt.Sprint(text)) {
		// <id> <addr> <flags> <master> <ping> <pong> <epoch> <link> [<slots> ...]
		f := strings.Fields(line)
		waits, linked := f[4] != "0", f[7] == "connected"
		if strings.Contains(f[2], "myself") || waits && linked {
			continue
		}
		if linked {
			if _, err := c.Do(ctx, addr, "DEBUG", "CLUSTERLINK", "KILL", "to", f[0]); err != nil {
				return err
			}
		}
		return fmt.Errorf("%s does not wait for a pong of %s", addr, f[0])
	}
	return nil
}

// hearAll returns when every node has heard something from every other that was sent
// after the call: links keep the order.
func hearAll(ctx context.Context, c *realcluster.Cluster, round string) error {
	for _, addr := range c.Addrs() {
		if err := hears(ctx, c, addr, round); err != nil {
			return err
		}
	}
	return nil
}

// hears uses channels that nothing else was sent to: a message that is late must not
// be taken for another.
func hears(ctx context.Context, c *realcluster.Cluster, addr, round string) error {
	conn, err := dial(addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, from := range c.Addrs() {
		channel := fmt.Sprint(round, from, addr)
		if err := conn.send(appendCommand(nil, command{args: []string{"SUBSCRIBE", channel}})); err != nil {
			return err
		}
		if _, err := conn.receive(); err != nil {
			return err
		}
		if _, err := c.Do(ctx, from, "PUBLISH", channel, "message"); err != nil {
			return err
		}
		if _, err := conn.receive(); err != nil {
			return fmt.Errorf("%s hears nothing from %s: %w", addr, from, err)
		}
	}
	return nil
}
