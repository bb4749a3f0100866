package routing

import (
	"context"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/slotmesh/slotmesh/internal/resp"
)

type nohook struct{}

func (nohook) DialHook(n redis.DialHook) redis.DialHook { return n }
func (nohook) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { return nil }
}
func (nohook) ProcessPipelineHook(n redis.ProcessPipelineHook) redis.ProcessPipelineHook { return n }

func BenchmarkZFacade(b *testing.B) {
	c := redis.NewClient(&redis.Options{})
	c.AddHook(nohook{})
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		_ = c.Get(ctx, "bench:12345").Err()
	}
}

func BenchmarkZPrepare(b *testing.B) {
	m := newMesh(b, 3)
	r := open(b, m.options())
	ctx := context.Background()
	cmd := redis.NewStringCmd(ctx, "get", "bench:12345")
	b.ReportAllocs()
	for b.Loop() {
		p := r.calls.get(r)
		r.prepare(ctx, cmd, p)
		r.calls.put(p)
	}
}

func BenchmarkZExchange(b *testing.B) {
	m := newMesh(b, 3)
	r := open(b, m.options())
	ctx := context.Background()
	cmd := redis.NewStringCmd(ctx, "get", "bench:12345")
	p := r.calls.get(r)
	r.prepare(ctx, cmd, p)
	snap := r.snapshot.Load()
	b.ReportAllocs()
	for b.Loop() {
		n := r.node(snap, r.master(snap, p.ops[0]), p.ops[0])
		e := r.exchanges.get(r, n, p.ops)
		e.encode()
		r.exchanges.put(e)
	}
}

func BenchmarkZDecode(b *testing.B) {
	var rs replays
	ctx := context.Background()
	cmd := redis.NewStringCmd(ctx, "get", "bench:12345")
	raw := resp.AppendBulk(nil, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")
	b.ReportAllocs()
	for b.Loop() {
		_ = rs.decode(cmd, raw, keeping{})
	}
}
func BenchmarkZDeadline(b *testing.B) {
	ctx, cancel := context.WithTimeout(context.Background(), 1e12)
	defer cancel()
	for b.Loop() {
		_ = contextEnded(ctx)
	}
}
