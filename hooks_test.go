package slotmesh_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/batch"
)

// hook is a redis.Hook of functions. Those that are nil give no hook.
type hook struct {
	process  redis.ProcessHook
	pipeline redis.ProcessPipelineHook
	dial     redis.DialHook
	next     struct {
		process  redis.ProcessHook
		pipeline redis.ProcessPipelineHook
		dial     redis.DialHook
	}
}

func (h *hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	h.next.process = next
	return h.process
}

func (h *hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	h.next.pipeline = next
	return h.pipeline
}

func (h *hook) DialHook(next redis.DialHook) redis.DialHook {
	h.next.dial = next
	return h.dial
}

// diary is what hooks saw, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) write(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

// take returns the lines since the last call.
func (d *diary) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	lines := d.lines
	d.lines = nil
	return lines
}

// hook returns a hook that writes down when it is entered and left.
func (d *diary) hook(name string) *hook {
	h := &hook{}
	h.process = func(ctx context.Context, cmd redis.Cmder) error {
		d.write("%s > %s", name, cmd.Name())
		err := h.next.process(ctx, cmd)
		d.write("%s < %v", name, err)
		return err
	}
	h.pipeline = func(ctx context.Context, cmds []redis.Cmder) error {
		names := make([]string, len(cmds))
		for i, cmd := range cmds {
			names[i] = cmd.Name()
		}
		d.write("%s > %v", name, names)
		err := h.next.pipeline(ctx, cmds)
		d.write("%s < %v", name, err)
		return err
	}
	h.dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		d.write("%s > %s %s", name, network, addr)
		conn, err := h.next.dial(ctx, network, addr)
		d.write("%s < %v", name, err)
		return conn, err
	}
	return h
}

// The hook that was added first is the outermost, around commands of every kind and
// around pipelines, and each runs once.
func TestHooksOrder(t *testing.T) {
	s := newStub()
	client := s.connect(t)
	ctx := t.Context()
	tx := func(p redis.Pipeliner) error { p.Incr(ctx, "b"); return nil }
	var d diary
	for _, name := range []string{"outer", "inner"} {
		h := d.hook(name)
		h.dial = nil // a connection may be dialed at any time
		client.AddHook(h)
	}

	around := func(what string) []string {
		return []string{"outer > " + what, "inner > " + what, "inner < <nil>", "outer < <nil>"}
	}
	require.NoError(t, client.Set(ctx, "a", "1", 0).Err())
	require.Equal(t, around("set"), d.take())
	require.NoError(t, client.Do(ctx, "SET", "a", "1").Err())
	require.Equal(t, around("set"), d.take())
	require.NoError(t, client.Process(ctx, redis.NewStatusCmd(ctx, "set", "a", "1")))
	require.Equal(t, around("set"), d.take())
	require.NoError(t, client.MSet(ctx, "a", "1", "b", "2", "c", "3").Err())
	require.Equal(t, around("mset"), d.take(), "a command that is split is one command")
	_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, "a", "1", 0)
		p.Incr(ctx, "b")
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, around("[set incr]"), d.take())
	_, err = client.TxPipelined(ctx, tx)
	require.NoError(t, err)
	require.Equal(t, around("[multi incr exec]"), d.take())

	require.Equal(t, redis.Nil, client.Get(ctx, "none").Err())
	require.Equal(t, []string{"outer > get", "inner > get", "inner < redis: nil", "outer < redis: nil"}, d.take())

	_, err = batch.MGet(ctx, client, []string{"a", "b"})
	require.NoError(t, err)
	require.Empty(t, d.take(), "package batch goes past the hooks")
}

// A hook that does not call the next one stops the command, whose error is the hook's.
func TestHookStopsCommand(t *testing.T) {
	s := newStub()
	client := s.connect(t)
	ctx := t.Context()
	no := errors.New("not today")
	client.AddHook(&hook{
		process:  func(context.Context, redis.Cmder) error { return no },
		pipeline: func(context.Context, []redis.Cmder) error { return no },
	})
	before := client.Stats().Commands
	require.Equal(t, no, client.Get(ctx, "a").Err())
	require.Equal(t, no, client.Do(ctx, "get", "a").Err())
	require.Equal(t, no, client.Process(ctx, redis.NewStringCmd(ctx, "get", "a")))
	_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error { p.Get(ctx, "a"); return nil })
	require.Equal(t, no, err)
	require.Equal(t, before, client.Stats().Commands)
}

// A hook may lack any of its three parts.
func TestHookWithoutParts(t *testing.T) {
	s := newStub()
	client := s.connect(t)
	ctx := t.Context()
	client.AddHook(&hook{})
	require.NoError(t, client.MSet(ctx, "a", "1", "b", "2", "c", "3").Err())
	_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error { p.Incr(ctx, "a"); return nil })
	require.NoError(t, err)
}

// Dial hooks are around every dial that begins after they were added, the one added
// first outermost, and may give a connection of their own.
func TestDialHooks(t *testing.T) {
	s := newStub()
	client := s.connect(t, func(o *slotmesh.Options) { o.Addrs = o.Addrs[:1] })
	ctx := t.Context()
	var d diary
	client.AddHook(d.hook("outer"))
	client.AddHook(d.hook("inner"))
	require.NoError(t, client.Incr(ctx, s.key(1)).Err())
	addr := "tcp " + s.addrs[1]
	require.Equal(t, []string{
		"outer > incr", "inner > incr",
		"outer > " + addr, "inner > " + addr, "inner < <nil>", "outer < <nil>",
		"inner < <nil>", "outer < <nil>",
	}, d.take())

	broken := errors.New("no route")
	client.AddHook(&hook{dial: func(context.Context, string, string) (net.Conn, error) { return nil, broken }})
	ended, cancel := context.WithTimeout(ctx, suiteTimeout/1000)
	defer cancel()
	err := client.Incr(ended, s.key(2)).Err()
	require.ErrorIs(t, err, broken)
	require.True(t, slotmesh.SafeToRetry(err), "nothing was dialed, so nothing ran")
	require.NotContains(t, s.dialed(), s.addrs[2])
}

// Hooks may be added while commands run and nodes are dialed: each command passes a
// whole chain, and those that begin after AddHook returned pass the new hook.
func TestAddHookWhileCommandsRun(t *testing.T) {
	const hooks, clients = 20, 4
	s := newStub()
	client := s.connect(t, func(o *slotmesh.Options) { o.Addrs = o.Addrs[:1] })
	ctx := t.Context()
	type seenKey struct{}
	var added atomic.Int64
	stop := make(chan struct{})
	var running sync.WaitGroup
	for c := range clients {
		running.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				var seen atomic.Int64
				least := added.Load()
				ctx := context.WithValue(ctx, seenKey{}, &seen)
				if n%2 == 0 {
					client.Get(ctx, s.key((c+n)%3))
				} else {
					_, _ = client.Pipelined(ctx, func(p redis.Pipeliner) error { p.Get(ctx, s.key((c+n)%3)); return nil })
				}
				if got := seen.Load(); got < least || got > hooks {
					t.Errorf("a command passed %d hooks, when %d had been added before it", got, least)
				}
			}
		})
	}
	var dials atomic.Int64
	var adders sync.WaitGroup
	for range hooks {
		adders.Go(func() {
			client.AddHook(&counting{count: func(ctx context.Context) {
				if seen, ok := ctx.Value(seenKey{}).(*atomic.Int64); ok {
					seen.Add(1)
				}
			}, dials: &dials})
			added.Add(1)
		})
	}
	adders.Wait()
	close(stop)
	running.Wait()

	var seen atomic.Int64
	require.Equal(t, redis.Nil, client.Get(context.WithValue(ctx, seenKey{}, &seen), "none").Err())
	require.EqualValues(t, hooks, seen.Load())
}

// counting keeps nothing from one call to the next, as a hook must that is added while
// commands run.
type counting struct {
	count func(context.Context)
	dials *atomic.Int64
}

func (c *counting) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { c.count(ctx); return next(ctx, cmd) }
}

func (c *counting) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { c.count(ctx); return next(ctx, cmds) }
}

func (c *counting) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c.dials.Add(1)
		return next(ctx, network, addr)
	}
}

// Hooks of commands that the auto-pipeliner gathers run around the pipeline.
func TestHooksSeeAutoPipelines(t *testing.T) {
	s := newStub()
	client := s.connect(t)
	var d diary
	client.AddHook(d.hook("h"))
	ap, err := client.AutoPipeline()
	require.NoError(t, err)
	require.NoError(t, ap.Incr(t.Context(), "a").Err())
	lines := d.take()
	require.True(t, slices.Contains(lines, "h > incr") || slices.Contains(lines, "h > [incr]"), lines)
	require.NoError(t, ap.Close())
}
