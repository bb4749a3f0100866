package slotmesh

import (
	"context"
	"net"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// hooks is the chain of the user's hooks around the router. It is itself the only
// hook of the facade, since hooks of go-redis cannot be put before the last one.
type hooks struct {
	base  chain
	mu    sync.Mutex
	users []redis.Hook // guarded by mu; the first is the outermost
	chain atomic.Pointer[chain]
}

type chain struct {
	process  redis.ProcessHook
	pipeline redis.ProcessPipelineHook
	dial     redis.DialHook
}

var _ redis.Hook = (*hooks)(nil)

func (h *hooks) init(process redis.ProcessHook, pipeline redis.ProcessPipelineHook, dial redis.DialHook) {
	h.base = chain{process, pipeline, dial}
	h.chain.Store(&h.base)
}

// add puts hook around the base, inside those that are there. A nil method of a hook
// is skipped, as go-redis does.
func (h *hooks) add(hook redis.Hook) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.users = append(h.users, hook)
	c := h.base
	for i := len(h.users) - 1; i >= 0; i-- {
		if next := h.users[i].ProcessHook(c.process); next != nil {
			c.process = next
		}
		if next := h.users[i].ProcessPipelineHook(c.pipeline); next != nil {
			c.pipeline = next
		}
		if next := h.users[i].DialHook(c.dial); next != nil {
			c.dial = next
		}
	}
	h.chain.Store(&c)
}

func (h *hooks) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return h.chain.Load().dial(ctx, network, addr)
}

// ProcessHook ends the facade's chain: next would dial.
func (h *hooks) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { return h.chain.Load().process(ctx, cmd) }
}

// ProcessPipelineHook ends the facade's chain: next would dial.
func (h *hooks) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { return h.chain.Load().pipeline(ctx, cmds) }
}

// DialHook leaves the facade's own dialer, which refuses.
func (h *hooks) DialHook(next redis.DialHook) redis.DialHook { return next }
