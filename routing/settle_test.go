package routing

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/slotmap"
)

// The outcome of an op that was cut is that of its parts.
func TestOutcomeOfCutOp(t *testing.T) {
	m := newMesh(t, 2)
	r := m.router(t)
	op, _ := cuttable(m)
	m.nodes[0].says(fails(tryAgain))
	require.NoError(t, r.Run(t.Context(), []*Op{op}))
	require.Equal(t, Done, op.Outcome)
}

// An op of which one part ran and another one did not is not safe to be made again.
func TestCutOpOfWhichAPartRan(t *testing.T) {
	m := newMesh(t, 2)
	opts := m.options()
	opts.Policy.MaxRetries = 0
	r := open(t, opts)
	op, parts := cuttable(m)
	m.nodes[0].says(fails(tryAgain), usual, fails("LOADING Redis is loading the dataset in memory"))
	err := r.Run(t.Context(), []*Op{op})
	requireOutcome(t, Unknown, err)
	require.False(t, SafeToRetry(err))
	require.Equal(t, Unknown, op.Outcome)
	require.ErrorContains(t, err, "LOADING")
	require.NotEmpty(t, parts)
}

// Commands that a node refused together are sent again together.
func TestRefusedTogetherSentTogether(t *testing.T) {
	m := newMesh(t, 1)
	opts := m.options()
	opts.Policy = Policy{MaxRedirects: 5, MaxRetries: 16, MinBackoff: 8 * time.Millisecond, MaxBackoff: 512 * time.Millisecond}
	r := open(t, opts)
	refused := 0
	m.nodes[0].on(func(heard) string {
		if refused++; refused <= 200 {
			return fails("CLUSTERDOWN The cluster is down")
		}
		return usual
	})
	cmds := make([]redis.Cmder, 100)
	for i := range cmds {
		cmds[i] = get(hashtag.ForSlot(uint16(i)))
	}
	require.NoError(t, r.ProcessPipeline(t.Context(), cmds))
	require.EqualValues(t, 3, r.Stats().Exchanges)
}

// Many MOVED of one round are one change of the map.
func TestManyMovedAreOneChange(t *testing.T) {
	m := newMesh(t, 2)
	changes := 0
	opts := m.options()
	opts.Trace = &Trace{MapChanged: func(slotmap.Delta) { changes++ }}
	r := open(t, opts)
	cmds := make([]redis.Cmder, 50)
	for i := range cmds {
		cmds[i] = get(hashtag.ForSlot(m.slot(0) + uint16(i)))
	}
	m.nodes[0].on(func(h heard) string {
		return fails(fmt.Sprintf("MOVED %d %s", hashtag.Slot(h.args[1]), m.nodes[1].addr))
	})
	before := changes
	m.answerSlots(func(*scriptedNode) string { return fails("LOADING no map for now") })
	require.NoError(t, r.ProcessPipeline(t.Context(), cmds))
	require.Equal(t, before+1, changes)
	require.EqualValues(t, 50, r.Stats().Moved)
}
