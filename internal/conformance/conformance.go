// Package conformance is one suite of tests of the client against a cluster. The same
// assertions run on real redis-server processes and on whatever else claims to be a
// cluster, so that each checks the other.
package conformance

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/routing"
)

// Cluster is a cluster of at least three masters that serve all slots, and the verbs
// that change it.
type Cluster interface {
	// Addrs returns the addresses of all nodes.
	Addrs() []string
	// Masters returns the addresses of the masters.
	Masters() []string
	// Do runs one command on one node, as it is.
	Do(ctx context.Context, addr string, args ...any) (any, error)
	// Owner returns the address of the master that serves slot.
	Owner(ctx context.Context, slot uint16) (string, error)
	// BeginMigration opens slot for migration to the master at to.
	BeginMigration(ctx context.Context, slot uint16, to string) error
	// MoveKeys moves up to n keys of an open slot, all if n is negative.
	MoveKeys(ctx context.Context, slot uint16, n int) (moved int, err error)
	// FinishMigration moves the rest and gives slot to its new master.
	FinishMigration(ctx context.Context, slot uint16) error
	// Migrate moves slot from begin to finish.
	Migrate(ctx context.Context, slot uint16, to string) error
	// Pause stops a node without ending it; Resume lets it go on.
	Pause(addr string) error
	Resume(addr string) error
}

// Run runs the suite on c, which is as it was afterwards but for keys.
func Run(t *testing.T, c Cluster) {
	t.Run("Protocol", func(t *testing.T) { Protocol(t, c) })
	t.Run("Redirect", func(t *testing.T) { testRedirect(t, c) })
	t.Run("Batch", func(t *testing.T) { testBatch(t, c) })
	t.Run("Migration", func(t *testing.T) { testMigration(t, c) })
	t.Run("Command", func(t *testing.T) { testCommand(t, c) })
	t.Run("BadInput", func(t *testing.T) { testBadInput(t, c) })
}

// suiteTimeout bounds one test, so that a hang is a failure with a stack.
const suiteTimeout = 2 * time.Minute

// pollEvery is how often a condition of the cluster is looked at.
const pollEvery = 2 * time.Millisecond

// testContext returns a context that ends with the test.
func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), suiteTimeout)
	t.Cleanup(cancel)
	return ctx
}

// connect returns a client of c that lives as long as the test, and what it traces.
func connect(t *testing.T, c Cluster, change ...func(*slotmesh.Options)) (*slotmesh.Client, *recorder) {
	t.Helper()
	rec := &recorder{}
	opts := slotmesh.Options{Addrs: c.Addrs(), Trace: &routing.Trace{Redirect: rec.redirect, Retry: rec.retry}}
	for _, f := range change {
		f(&opts)
	}
	client, err := slotmesh.New(testContext(t), opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client, rec
}

// recorder keeps what a client traces.
type recorder struct {
	mu        sync.Mutex
	redirects []routing.Redirect
	retries   []routing.Retry
}

func (r *recorder) redirect(x routing.Redirect) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.redirects = append(r.redirects, x)
}

func (r *recorder) retry(x routing.Retry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.retries = append(r.retries, x)
}

// take returns the redirections since the last call.
func (r *recorder) take() []routing.Redirect {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.redirects
	r.redirects = nil
	return taken
}

// waitRetry returns once n retries were traced.
func (r *recorder) waitRetry(t *testing.T, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.retries) >= n
	}, suiteTimeout, pollEvery)
}

// keysIn returns n keys of slot, under a prefix of the test's own.
func keysIn(t *testing.T, slot uint16, n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("{%s}%s:%d", hashtag.ForSlot(slot), t.Name(), i)
	}
	return keys
}

// spread returns n keys of the test's own that lie all over the cluster.
func spread(t *testing.T, n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("%s:%d", t.Name(), i)
	}
	return keys
}

// neighbours returns the master that serves slot and another one.
func neighbours(t *testing.T, c Cluster, slot uint16) (from, to string) {
	t.Helper()
	from, err := c.Owner(testContext(t), slot)
	require.NoError(t, err)
	for _, addr := range c.Masters() {
		if addr != from {
			return from, addr
		}
	}
	t.Fatal("the cluster has one master")
	return "", ""
}

// open begins the migration of slot to another master, and ends it with the test: the
// slot is back where it was.
func open(t *testing.T, c Cluster, slot uint16) (from, to string) {
	t.Helper()
	ctx := testContext(t)
	from, to = neighbours(t, c, slot)
	require.NoError(t, c.BeginMigration(ctx, slot, to))
	t.Cleanup(func() {
		ctx := context.Background()
		if owner, err := c.Owner(ctx, slot); err == nil && owner == from {
			require.NoError(t, c.FinishMigration(ctx, slot))
		}
		require.NoError(t, c.Migrate(ctx, slot, from))
	})
	return from, to
}

// set sets each key to its own name.
func set(t *testing.T, client *slotmesh.Client, keys ...string) {
	t.Helper()
	ctx := testContext(t)
	for _, key := range keys {
		require.NoError(t, client.Set(ctx, key, key, 0).Err())
	}
}

// infoInt returns a number from the reply to INFO, -1 if it is not there.
func infoInt(info, name string) int {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			if n, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
				return n
			}
		}
	}
	return -1
}
