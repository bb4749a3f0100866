package slotmesh

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/slotmesh/slotmesh/batch"
	"github.com/slotmesh/slotmesh/routing"
	"github.com/slotmesh/slotmesh/slotmap"
)

// Client is a client for a cluster. It has every typed command of go-redis, each
// routed by the slot of its keys, and is safe for concurrent use.
//
// A command without keys that concerns the whole cluster, such as FLUSHALL, KEYS or
// INFO, is ErrUnsupported for now, rather than done on one node only; so are Watch
// and pub/sub.
type Client struct {
	redis.Cmdable // the facade
	facade        *redis.Client
	router        *routing.Router
	hooks         hooks
}

var (
	_ redis.UniversalClient = (*Client)(nil)
	_ batch.Executor        = (*Client)(nil)
)

// New returns a client that has loaded the slot map of the cluster. It fails when no
// seed answers with one, naming each seed and why; that some slots are not served is
// no failure. ctx bounds only New itself.
func New(ctx context.Context, opts Options) (*Client, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("slotmesh: %w", err)
	}
	if ctx == nil {
		return nil, errors.New("slotmesh: nil context")
	}
	c := &Client{}
	c.hooks.init(c.route, c.routePipeline, opts.dialer())
	c.router, err = routing.New(ctx, routing.Options{
		Seeds:       opts.Addrs,
		Connect:     func(addr string) *redis.Options { return opts.connect(addr, c.hooks.dial) },
		Policy:      opts.Retry.policy(),
		RetryBudget: max(0, opts.Retry.Budget),
		Split:       batch.Split,
		Trace:       opts.Trace,
		Refresh:     slotmap.CacheOptions{Period: opts.RefreshInterval},
	})
	if err != nil {
		return nil, fmt.Errorf("slotmesh: %w", err)
	}
	c.facade = newFacade(&c.hooks)
	c.Cmdable = c.facade
	return c, nil
}

// newFacade returns a go-redis client that never dials: it builds the commands of
// its typed methods, and its hook hands them to h. Pub/sub is all that would dial.
func newFacade(h redis.Hook) *redis.Client {
	facade := redis.NewClient(&redis.Options{
		Addr:                     "cluster",
		Protocol:                 2,
		PipelinePoolSize:         -1,
		MaxRetries:               -1,
		DialerRetries:            1,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			return nil, fmt.Errorf("%w: pub/sub has no cluster-wide form yet", ErrUnsupported)
		},
	})
	facade.AddHook(h)
	return facade
}

func (c *Client) route(ctx context.Context, cmd redis.Cmder) error {
	return c.router.Process(ctx, cmd)
}

func (c *Client) routePipeline(ctx context.Context, cmds []redis.Cmder) error {
	return c.router.ProcessPipeline(ctx, cmds)
}

// Router returns the router behind the client.
func (c *Client) Router() *routing.Router { return c.router }

// SlotMap returns the current slot map.
func (c *Client) SlotMap() *slotmap.Map { return c.router.SlotMap() }

// Refresh loads the slot map anew and returns when it is in use. It asks for at most 5 s.
// The error is ctx's, ErrClosed, or why no node answered; the map is then what it was.
func (c *Client) Refresh(ctx context.Context) error { return c.router.Refresh(ctx) }

// Stats returns what the client has done so far.
func (c *Client) Stats() routing.Stats { return c.router.Stats() }

// Run sends ops to the nodes of their slots. It is what package batch is built on.
// Hooks do not see it.
func (c *Client) Run(ctx context.Context, ops []*routing.Op) error { return c.router.Run(ctx, ops) }

// Hold lets a caller who calls Run several times finish: until release is called, which
// must happen, Shutdown waits, and takes what is run with the context held. Close does not
// wait. held must not be used after release; release may be called more than once. The
// error is ErrClosed if the client takes no more commands.
func (c *Client) Hold(ctx context.Context) (held context.Context, release func(), err error) {
	return c.router.Hold(ctx)
}

// Process routes one command and waits for its reply. It returns cmd's error.
func (c *Client) Process(ctx context.Context, cmd redis.Cmder) error {
	return c.facade.Process(ctx, cmd)
}

// Do routes the command that args make and waits for its reply.
func (c *Client) Do(ctx context.Context, args ...any) *redis.Cmd {
	return c.facade.Do(ctx, args...)
}

// AddHook adds a hook around every command and pipeline of the typed methods, Do and
// Process, and around each dial. The hook that was added first is the outermost. Dials
// that began before do not see it.
func (c *Client) AddHook(hook redis.Hook) { c.hooks.add(hook) }

// Watch is not there yet: it returns ErrUnsupported.
func (c *Client) Watch(context.Context, func(*redis.Tx) error, ...string) error {
	return fmt.Errorf("%w: watch", ErrUnsupported)
}

// Subscribe is not there yet: Receive of what it returns is ErrUnsupported.
func (c *Client) Subscribe(ctx context.Context, channels ...string) *redis.PubSub {
	return c.facade.Subscribe(ctx, channels...)
}

// PSubscribe is not there yet: Receive of what it returns is ErrUnsupported.
func (c *Client) PSubscribe(ctx context.Context, patterns ...string) *redis.PubSub {
	return c.facade.PSubscribe(ctx, patterns...)
}

// SSubscribe is not there yet: Receive of what it returns is ErrUnsupported.
func (c *Client) SSubscribe(ctx context.Context, channels ...string) *redis.PubSub {
	return c.facade.SSubscribe(ctx, channels...)
}

// AutoPipeline returns go-redis's auto-pipeliner over this client: commands of many
// callers are gathered into pipelines, which are routed like any other. Such a pipeline
// has no context of its callers: their deadlines, and Idempotent, do not reach it.
func (c *Client) AutoPipeline() (*redis.AutoPipeliner, error) { return c.facade.AutoPipeline() }

// AutoPipelineWithOptions is AutoPipeline with go-redis's options.
func (c *Client) AutoPipelineWithOptions(o *redis.AutoPipelineOptions) (*redis.AutoPipeliner, error) {
	return c.facade.AutoPipelineWithOptions(o)
}

// AsyncAutoPipeline is AutoPipeline without the wait: commands return at once, and
// their results are waited for when they are read.
func (c *Client) AsyncAutoPipeline() (*redis.AutoPipeliner, error) {
	return c.facade.AsyncAutoPipeline()
}

// AsyncAutoPipelineWithOptions is AsyncAutoPipeline with go-redis's options.
func (c *Client) AsyncAutoPipelineWithOptions(o *redis.AutoPipelineOptions) (*redis.AutoPipeliner, error) {
	return c.facade.AsyncAutoPipelineWithOptions(o)
}

// PoolStats returns the connections to all nodes in the terms of go-redis's pools: Misses
// are the connections that were dialled, Timeouts the commands that could not borrow one in
// time, IdleConns those of TotalConns that are kept to be borrowed.
func (c *Client) PoolStats() *redis.PoolStats { return c.router.PoolStats() }

// Close ends all commands with ErrClosed, and all connections. Later commands are
// ErrClosed too. It returns nil, and may be called more than once.
func (c *Client) Close() error {
	c.router.Close()
	_ = c.facade.Close()
	return nil
}

// Shutdown takes no more commands, but those of batches that run, waits for those that
// run, and closes the client. When ctx ends first, it closes at once, and the error is
// ctx's; it is ErrClosed if somebody called Close. Shutdown never sends SHUTDOWN to a
// server; it returns a command because redis.UniversalClient asks for one.
func (c *Client) Shutdown(ctx context.Context) *redis.StatusCmd {
	cmd := redis.NewStatusCmd(ctx, "shutdown")
	if err := c.router.Shutdown(ctx); err != nil {
		cmd.SetErr(err)
	} else {
		cmd.SetVal("OK")
	}
	if ctx != nil {
		_ = c.facade.Close()
	}
	return cmd
}
