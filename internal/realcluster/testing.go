package realcluster

import (
	"context"
	"os"
	"testing"
	"time"
)

// startTimeout bounds Start. It is generous: a loaded machine is no failure.
const startTimeout = time.Minute

// Start is [New] for a test. It skips or fails as [Require] does, fails the test
// if the cluster does not come up within a minute, and closes the cluster when
// the test ends. A test that fails gets the end of each node's log.
func Start(tb testing.TB, cfg Config) *Cluster {
	tb.Helper()
	Require(tb)
	ctx, cancel := context.WithTimeout(tb.Context(), startTimeout)
	defer cancel()
	c, err := New(ctx, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			c.logTo(tb)
		}
		if err := c.Close(); err != nil {
			tb.Error(err)
		}
	})
	return c
}

// Require skips the test if there is no redis-server, saying how to get one. If
// the environment variable SLOTMESH_REDIS is "require", it fails the test instead.
func Require(tb testing.TB) {
	tb.Helper()
	_, err := Find()
	switch {
	case err == nil:
	case os.Getenv("SLOTMESH_REDIS") == "require":
		tb.Fatal(err)
	default:
		tb.Skip(err)
	}
}

func (c *Cluster) logTo(tb testing.TB) {
	tb.Helper()
	for _, n := range c.nodes {
		tb.Logf("the log of %s ends:\n%s", n.addr, n.logTail())
	}
}
