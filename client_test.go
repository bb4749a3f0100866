package slotmesh_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/batch"
	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/routing"
)

// suiteTimeout bounds one test, so that a hang is a failure with a stack.
const suiteTimeout = time.Minute

// pollEvery is how often a condition is looked at.
const pollEvery = 5 * time.Millisecond

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), suiteTimeout)
	t.Cleanup(cancel)
	return ctx
}

// closedPort returns an address at which nobody listens.
func closedPort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// deafPort returns an address that accepts connections and never answers.
func deafPort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l.Addr().String()
}

// refused checks that New fails and leaves nothing behind, and returns its error.
func refused(t *testing.T, o slotmesh.Options) error {
	t.Helper()
	before := goroutines()
	client, err := slotmesh.New(testContext(t), o)
	require.Error(t, err)
	require.Nil(t, client)
	require.ErrorContains(t, err, "slotmesh: ")
	t.Log(err)
	requireGone(t, before)
	return err
}

// New names each seed that did not answer, and why.
func TestNewWithoutSeedThatAnswers(t *testing.T) {
	a, b := closedPort(t), closedPort(t)
	err := refused(t, slotmesh.Options{Addrs: []string{a, b}})
	require.ErrorContains(t, err, a+": dial tcp")
	require.ErrorContains(t, err, b+": dial tcp")
	require.Equal(t, 2, strings.Count(err.Error(), "connection refused"))
	require.ErrorAs(t, err, new(*net.OpError))

	many := make([]string, 8)
	for i := range many {
		many[i] = closedPort(t)
	}
	err = refused(t, slotmesh.Options{Addrs: many})
	for _, addr := range many {
		require.ErrorContains(t, err, addr)
	}
}

// A name that nobody resolves is told as such.
func TestNewWithUnknownHost(t *testing.T) {
	s := newStub()
	err := refused(t, slotmesh.Options{Addrs: []string{"nowhere.test:7000"}, Dialer: s.dial})
	require.ErrorContains(t, err, "nowhere.test:7000: no such host")
}

// What answers otherwise than a cluster node with slots is no seed, and the error says
// what it is.
func TestNewWithSeedThatIsNone(t *testing.T) {
	for name, tc := range map[string]struct{ slots, want string }{
		"no cluster": {"-ERR This instance has cluster support disabled\r\n", "not a cluster node"},
		"no slots":   {"*0\r\n", "no node that serves a slot"},
		"no RESP":    {"HTTP/1.1 400 Bad Request\r\n", "10.0.0.1:7000: "},
		"not a list": {"$2\r\nhi\r\n", "10.0.0.1:7000: "},
		"a slot claimed twice": {"*2\r\n*3\r\n:0\r\n:1\r\n*2\r\n$1\r\na\r\n:1\r\n*3\r\n:1\r\n:2\r\n*2\r\n$1\r\nb\r\n:1\r\n",
			"slot 1 is in entry 0 as well"},
		"a slot out of range": {"*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$1\r\na\r\n:1\r\n", "16384 is not in 0..16383"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStub()
			s.answer = func(_ string, args []string) string {
				if args[0] == "cluster" {
					return tc.slots
				}
				return ""
			}
			err := refused(t, slotmesh.Options{Addrs: s.addrs[:1], Dialer: s.dial})
			require.ErrorContains(t, err, tc.want)
			require.ErrorContains(t, err, s.addrs[0])
		})
	}
}

// A context that has ended, or ends while a seed is silent, ends New at once.
func TestNewObeysContext(t *testing.T) {
	deaf := deafPort(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := slotmesh.New(ctx, slotmesh.Options{Addrs: []string{deaf}})
	require.ErrorIs(t, err, context.Canceled)

	before := goroutines()
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err = slotmesh.New(ctx, slotmesh.Options{Addrs: []string{deaf}})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(start), time.Second, "not the two seconds that a seed is given")
	requireGone(t, before)
}

// A seed that stayed silent until the context ended is named too.
func TestNewNamesSilentSeed(t *testing.T) {
	deaf := deafPort(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := slotmesh.New(ctx, slotmesh.Options{Addrs: []string{deaf}})
	require.ErrorContains(t, err, deaf)
}

// One good seed is enough, wherever it stands among bad ones.
func TestNewWithOneGoodSeed(t *testing.T) {
	s := newStub()
	for i := range 5 {
		addrs := []string{"dead.test:1", "dead.test:2", "dead.test:3", "dead.test:4"}
		client := s.connect(t, func(o *slotmesh.Options) { o.Addrs = slices.Insert(addrs, i, s.addrs[2]) })
		require.NoError(t, client.MSet(t.Context(), s.key(0), 0, s.key(1), 1, s.key(2), 2).Err())
	}
}

// Close does not wait for a seed that was asked and is silent: another answered first.
func TestCloseWhileSeedIsSilent(t *testing.T) {
	s := newStub()
	deaf := deafPort(t)
	client := s.connect(t, func(o *slotmesh.Options) {
		o.Addrs = []string{deaf, s.addrs[0]}
		asked := make(chan struct{})
		o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if addr == deaf {
				defer close(asked)
				return new(net.Dialer).DialContext(ctx, network, addr)
			}
			<-asked
			return s.dial(ctx, network, addr)
		}
	})
	require.NoError(t, client.Incr(testContext(t), s.key(0)).Err())
	start := time.Now()
	require.NoError(t, client.Close())
	require.Less(t, time.Since(start), time.Second)
}

// A command whose context is cancelled while it waits for its reply ends with that
// error, no later than at the read timeout, and what is known of it is told.
func TestCancelWhileWaitingForReply(t *testing.T) {
	s := newStub()
	asked, over := make(chan struct{}), make(chan struct{})
	defer close(over)
	s.answer = func(_ string, args []string) string {
		if args[0] == "incr" {
			close(asked)
			<-over
		}
		return ""
	}
	client := s.connect(t, func(o *slotmesh.Options) { o.ReadTimeout = 200 * time.Millisecond })
	ctx, cancel := context.WithCancel(testContext(t))
	go func() {
		<-asked
		cancel()
	}()
	err := client.Incr(ctx, "a").Err()
	require.ErrorIs(t, err, context.Canceled)
	var failed *slotmesh.Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, routing.Unknown, failed.Outcome)
}

// Close may be called again, also at the same time, and always returns nil. What comes
// later is ErrClosed, and none of it is worth a retry.
func TestClose(t *testing.T) {
	s := newStub()
	client := s.connect(t)
	ctx := testContext(t)
	require.NoError(t, client.Incr(ctx, "a").Err())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := client.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.NoError(t, client.Close())
	require.NoError(t, client.Shutdown(ctx).Err(), "there is nothing left to wait for")

	_, pipeErr := client.Pipelined(ctx, func(p redis.Pipeliner) error { p.Get(ctx, "a"); return nil })
	_, txErr := client.TxPipelined(ctx, func(p redis.Pipeliner) error { p.Get(ctx, "a"); return nil })
	values, batchErr := batch.MGet(ctx, client, []string{"a", "b"})
	require.ErrorIs(t, values.Err(1), slotmesh.ErrClosed)
	for name, err := range map[string]error{
		"Get": client.Get(ctx, "a").Err(), "Do": client.Do(ctx, "get", "a").Err(), "MGet": client.MGet(ctx, "a", "b").Err(),
		"Process": client.Process(ctx, redis.NewStatusCmd(ctx, "get", "a")), "Refresh": client.Refresh(ctx),
		"Pipelined": pipeErr, "TxPipelined": txErr, "batch.MGet": batchErr,
	} {
		require.ErrorIs(t, err, slotmesh.ErrClosed, name)
		require.ErrorIs(t, err, redis.ErrClosed, name)
		require.False(t, slotmesh.SafeToRetry(err), name)
	}
	require.NotNil(t, client.SlotMap(), "what was known can still be read")
}

// The connection that a closed client had is closed, as is one whose dial ends later.
func TestCloseClosesConnections(t *testing.T) {
	s := newStub()
	var mu sync.Mutex
	open := 0
	client := s.connect(t, func(o *slotmesh.Options) {
		o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := s.dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			mu.Lock()
			defer mu.Unlock()
			open++
			return &counted{Conn: conn, closed: sync.OnceFunc(func() {
				mu.Lock()
				defer mu.Unlock()
				open--
			})}, nil
		}
	})
	require.NoError(t, client.MSet(t.Context(), s.key(0), 0, s.key(1), 1, s.key(2), 2).Err())
	mu.Lock()
	require.GreaterOrEqual(t, open, 3)
	mu.Unlock()
	require.NoError(t, client.Close())
	require.Eventually(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return open == 0
	}, suiteTimeout, pollEvery)
}

type counted struct {
	net.Conn
	closed func()
}

func (c *counted) Close() error {
	c.closed()
	return c.Conn.Close()
}

// More redirections than are allowed are an error that names the slot and each hop.
func TestTooManyRedirects(t *testing.T) {
	s := newStub()
	s.answer = func(addr string, args []string) string {
		if args[0] != "incr" {
			return ""
		}
		next := s.addrs[(slices.Index(s.addrs, addr)+1)%3]
		return fmt.Sprintf("-MOVED %d %s\r\n", hashtag.Slot(args[1]), next)
	}
	client := s.connect(t)
	key := s.key(1)
	err := client.Incr(testContext(t), key).Err()
	require.ErrorIs(t, err, slotmesh.ErrTooManyRedirects)
	require.ErrorContains(t, err, "too many cluster redirections")
	require.ErrorContains(t, err, strconv.Itoa(int(hashtag.Slot(key))))
	require.Equal(t, routing.DefaultMaxRedirects, strings.Count(err.Error(), " to 10.0.0."))
	for _, addr := range s.addrs {
		require.ErrorContains(t, err, addr)
	}
	var failed *slotmesh.Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, routing.NotExecuted, failed.Outcome)
	require.True(t, slotmesh.SafeToRetry(err))
}

// Some keys done and some not is no proof that nothing ran, whatever the first failure
// is: SafeToRetry of the client is false for a half-done MSET.
func TestSafeToRetryOfHalfDoneMSet(t *testing.T) {
	s := newStub()
	s.answer = func(addr string, args []string) string {
		if addr == s.addrs[0] && (args[0] == "set" || args[0] == "mset") {
			return "-CLUSTERDOWN The cluster is down\r\n"
		}
		return ""
	}
	client := s.connect(t, func(o *slotmesh.Options) { o.Retry.MaxRetries = -1 })
	err := client.MSet(testContext(t), s.key(0), "x", s.key(1), "y").Err()
	var partial *batch.PartialError
	require.ErrorAs(t, err, &partial)
	require.Len(t, partial.Failed, 1)
	require.False(t, partial.SafeToRetry())
	require.False(t, slotmesh.SafeToRetry(err), "the other key was set")
}

// sentinels are the exported errors of the package.
var sentinels = map[string]error{
	"ErrTooManyRedirects": slotmesh.ErrTooManyRedirects,
	"ErrCrossSlot":        slotmesh.ErrCrossSlot,
	"ErrUncovered":        slotmesh.ErrUncovered,
	"ErrUnsupported":      slotmesh.ErrUnsupported,
	"ErrClosed":           slotmesh.ErrClosed,
}

// Every exported error is found by errors.Is, and by nothing else's name, through the
// errors that it comes in; those are found by errors.As.
func TestExportedErrors(t *testing.T) {
	for name, want := range sentinels {
		t.Run(name, func(t *testing.T) {
			one := &slotmesh.Error{Op: "get", Slot: 1, Err: fmt.Errorf("%w: and why", want)}
			for _, err := range []error{
				want, one, fmt.Errorf("load: %w", one), errors.Join(io.EOF, one),
				&batch.PartialError{Op: "mget", Total: 2, Failed: []batch.KeyError{{Err: io.EOF}, {Err: one}}},
			} {
				for other, is := range sentinels {
					require.Equal(t, other == name, errors.Is(err, is), "%v is %s", err, other)
				}
				if err != want {
					var found *slotmesh.Error
					require.ErrorAs(t, err, &found)
					require.Same(t, one, found)
				}
			}
		})
	}
	t.Run("all are listed", func(t *testing.T) {
		file, err := parser.ParseFile(token.NewFileSet(), "errors.go", nil, 0)
		require.NoError(t, err)
		var names, listed []string
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "Err") {
				names = append(names, spec.Names[0].Name)
			}
			return true
		})
		for name := range sentinels {
			listed = append(listed, name)
		}
		require.ElementsMatch(t, names, listed)
	})
	require.Equal(t, redis.ErrClosed, slotmesh.ErrClosed)
	require.Equal(t, redis.ErrCrossSlot, slotmesh.ErrCrossSlot)
}

// Replies of a node reach the caller as go-redis has them.
func TestRepliesStayWhatTheyAre(t *testing.T) {
	s := newStub()
	s.answer = func(_ string, args []string) string {
		if args[0] == "incr" {
			return "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
		}
		return ""
	}
	client := s.connect(t)
	ctx := testContext(t)
	require.True(t, client.Get(ctx, "a").Err() == redis.Nil)
	err := client.Incr(ctx, "a").Err()
	_, ok := err.(redis.Error)
	require.True(t, ok, "not wrapped")
	require.False(t, slotmesh.SafeToRetry(err))
	require.False(t, slotmesh.SafeToRetry(redis.Nil))
	require.False(t, slotmesh.SafeToRetry(nil))
}

// goroutines returns the stacks of all goroutines by their id.
func goroutines() map[string]string {
	buf := make([]byte, 1<<22)
	stacks := make(map[string]string)
	for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		id, _, _ := strings.Cut(strings.TrimPrefix(stack, "goroutine "), " ")
		stacks[id] = stack
	}
	return stacks
}

// started returns those goroutines that were not there before and have text in their
// stack.
func started(before map[string]string, text string) string {
	var left []string
	for id, stack := range goroutines() {
		if before[id] == "" && strings.Contains(stack, text) {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n\n")
}

// requireGone checks that all goroutines of this library which were started since have
// ended, but for their last instruction, and that those of go-redis end soon.
func requireGone(t *testing.T, before map[string]string) {
	t.Helper()
	for text, soon := range map[string]time.Duration{
		"slotmesh/routing.": time.Second, "slotmesh/slotmap.": time.Second, "go-redis": suiteTimeout / 6,
	} {
		require.Eventually(t, func() bool { return started(before, text) == "" }, soon, pollEvery,
			"goroutines that stay:\n%s", lazy(func() string { return started(before, text) }))
	}
}
