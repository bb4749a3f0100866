package routing

import (
	"context"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/wire"
)

// A Light sends what go-redis's command would, and takes the reply to its last attempt.
func TestLight(t *testing.T) {
	var light Light
	for _, tc := range []struct {
		make func()
		same redis.Cmder
	}{
		{func() { light.Get("key") }, redis.NewStringCmd(context.Background(), "get", "key")},
		{func() { light.Get("") }, redis.NewStringCmd(context.Background(), "get", "")},
		{func() { light.Set("key", "value") }, redis.NewStatusCmd(context.Background(), "set", "key", "value")},
		{func() { light.Set("key", 1.5) }, redis.NewStatusCmd(context.Background(), "set", "key", 1.5)},
		{func() { light.Set("key", nil) }, redis.NewStatusCmd(context.Background(), "set", "key", nil)},
	} {
		tc.make()
		require.Equal(t, tc.same.Name(), light.Name())
		var sent, want exchange
		sent.wire, want.wire = new(wire.Exchange), new(wire.Exchange)
		sent.appendCmd(&light)
		want.appendCmd(tc.same)
		require.NoError(t, sent.err)
		require.Equal(t, string(want.wire.Request), string(sent.wire.Request))
	}
	light.Set("key", make(chan int))
	unsent := exchange{wire: new(wire.Exchange)}
	unsent.appendCmd(&light)
	require.Error(t, unsent.err)
	require.Empty(t, unsent.wire.Request)
}

func TestLightTakesItsLastReply(t *testing.T) {
	m := newMesh(t, 2)
	r := m.router(t)
	ask := askTo(m.slot(0), m.nodes[1])
	m.nodes[0].says(ask, ask)
	m.nodes[1].says(usual, "$-1\r\n")
	for _, want := range []error{nil, redis.Nil} {
		var light Light
		light.Get(m.key(0))
		op := &Op{Cmd: &light, Slot: int(m.slot(0)), Flags: Repeatable}
		require.Equal(t, want, r.Run(t.Context(), []*Op{op}))
		require.Equal(t, want, light.Err())
		require.Equal(t, Done, op.Outcome)
		if want == nil {
			require.Equal(t, "value of "+m.key(0), light.Val())
		}
	}
}
