package routing

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/slotmap"
)

// tells makes each node answer CLUSTER SLOTS with the owners that views has for it.
func (m *mesh) tells(views map[int][]int) {
	m.answerSlots(func(n *scriptedNode) string {
		for i, owners := range views {
			if m.nodes[i] == n {
				nodes := make([]*scriptedNode, len(owners))
				for part, o := range owners {
					nodes[part] = m.nodes[o]
				}
				return slotsOf(nodes)
			}
		}
		return "-LOADING Redis is loading the dataset in memory\r\n"
	})
}

// mapsAsked returns how often the nodes were asked for the slot map.
func (m *mesh) mapsAsked() (n int) {
	for _, node := range m.nodes {
		n += node.mapsAsked()
	}
	return n
}

// owners returns which node serves each part, as r knows it.
func (m *mesh) owners(r *Router) (owners []int) {
	for part := range m.nodes {
		addr := r.SlotMap().Master(m.slot(part))
		for i, n := range m.nodes {
			if n.addr == addr {
				owners = append(owners, i)
			}
		}
	}
	return owners
}

func inBubble(t *testing.T, nodes int, test func(t *testing.T, m *mesh, r *Router)) {
	synctest.Test(t, func(t *testing.T) {
		m := newPipeMesh(t, nodes)
		r := m.router(t)
		test(t, m, r)
		r.Close()
		m.stop()
	})
}

// As long as there is nothing new one node is asked, and believed.
func TestSurveyWithoutNews(t *testing.T) {
	inBubble(t, 3, func(t *testing.T, m *mesh, r *Router) {
		for range 20 {
			before := m.mapsAsked()
			require.NoError(t, r.Refresh(t.Context()))
			require.Equal(t, 1, m.mapsAsked()-before)
		}
	})
}

// News of one node that others do not know changes nothing: it is cut off, or behind.
func TestSurveyOutvotesALoneNode(t *testing.T) {
	for behind := range 5 {
		inBubble(t, 5, func(t *testing.T, m *mesh, r *Router) {
			same := []int{0, 1, 2, 3, 4}
			views := map[int][]int{0: same, 1: same, 2: same, 3: same, 4: same}
			views[behind] = []int{1, 1, 1, 1, 1}
			m.tells(views)
			for range 20 {
				require.NoError(t, r.Refresh(t.Context()))
				require.Equal(t, same, m.owners(r))
			}
		})
	}
}

// What most nodes tell becomes known, although some are behind.
func TestSurveyLearnsFromMost(t *testing.T) {
	inBubble(t, 5, func(t *testing.T, m *mesh, r *Router) {
		news := []int{1, 1, 2, 3, 4}
		m.tells(map[int][]int{0: {0, 1, 2, 3, 4}, 1: news, 2: news, 3: {0, 1, 2, 3, 4}, 4: news})
		for range 100 { // the first one asked may be behind, and is believed that there is nothing new
			require.NoError(t, r.Refresh(t.Context()))
			if m.owners(r)[0] == 1 {
				break
			}
		}
		require.Equal(t, news, m.owners(r))
	})
}

// One node against a MOVED: the masters concerned are asked, and the greater epoch counts.
func TestSurveySettlesByEpoch(t *testing.T) {
	for _, tc := range []struct {
		name              string
		patched, opponent int // their epochs; 0: it claims nothing
		want              int
	}{
		{"the patch is younger", 9, 3, 1},
		{"the patch is older", 3, 9, 0},
		{"who was patched in claims nothing", 0, 3, 0},
		{"only who was patched in claims it", 3, 0, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, 2, func(t *testing.T, m *mesh, r *Router) {
				slot := m.slot(0)
				all := fmt.Sprintf("%d-%d", 0, hashtag.Slots-1)
				for node, epoch := range []int{tc.opponent, tc.patched} {
					if epoch > 0 {
						m.nodes[node].claims(epoch, all)
					} else {
						m.nodes[node].claims(1, "")
					}
				}
				m.tells(map[int][]int{0: {0, 1}}) // and the other one loads
				require.True(t, r.cache.Moved(slot, m.nodes[1].addr, r.SlotMap()))
				require.NoError(t, r.Refresh(t.Context()))
				require.Equal(t, m.nodes[tc.want].addr, r.SlotMap().Master(slot))
			})
		})
	}
}

// Nodes that have not heard of a MOVED yet do not undo it, although they are most: the masters
// concerned know better.
func TestSurveyDoesNotUndoAMoved(t *testing.T) {
	for range 10 {
		inBubble(t, 10, func(t *testing.T, m *mesh, r *Router) {
			slot := m.slot(0)
			old, news := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, []int{1, 1, 2, 3, 4, 5, 6, 7, 8, 9}
			m.tells(map[int][]int{0: news, 1: news, 2: old, 3: old, 4: old, 5: old, 6: old, 7: old, 8: old, 9: old})
			m.nodes[0].claims(1, "")
			m.nodes[1].claims(11, fmt.Sprintf("0-%d", 2*hashtag.Slots/10-1))
			require.True(t, r.cache.Moved(slot, m.nodes[1].addr, r.SlotMap()))
			for range 3 {
				require.NoError(t, r.Refresh(t.Context()))
				require.Equal(t, m.nodes[1].addr, r.SlotMap().Master(slot))
			}
		})
	}
}

// With several seeds of which one is behind, the others count from the beginning.
func TestSurveyOfSeeds(t *testing.T) {
	for behind := range 3 {
		synctest.Test(t, func(t *testing.T) {
			m := newPipeMesh(t, 3)
			views := map[int][]int{0: {0, 1, 2}, 1: {0, 1, 2}, 2: {0, 1, 2}}
			views[behind] = []int{2, 2, 2}
			m.tells(views)
			opts := m.options()
			opts.Seeds = []string{m.nodes[0].addr, m.nodes[1].addr, m.nodes[2].addr}
			r := open(t, opts)
			require.Equal(t, []int{0, 1, 2}, m.owners(r))
			r.Close()
			m.stop()
		})
	}
}

// A thousand callers whose node is dead ask the others for the map at most five times in the
// first second, and go on to do so.
func TestTroubleAsksLittle(t *testing.T) {
	for _, how := range []string{"refuses connections", "is silent", "breaks connections", "says CLUSTERDOWN", "says READONLY"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newPipeMesh(t, 3)
				opts := readTimeout(m.options(), 50*time.Millisecond)
				opts.Policy = Policy{MaxRedirects: 5, MaxRetries: 1000, MinBackoff: 8 * time.Millisecond, MaxBackoff: 512 * time.Millisecond}
				opts.Refresh = slotmap.CacheOptions{Period: -1}
				r := open(t, opts)
				time.Sleep(time.Second) // fake
				before := m.mapsAsked()
				m.nodes[2].fail(how)
				var callers sync.WaitGroup
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				for range 1000 {
					callers.Go(func() {
						err := r.Process(ctx, redis.NewStringCmd(ctx, "get", m.key(2)))
						require.Error(t, err)
						require.False(t, errors.Is(err, redis.Nil))
					})
				}
				time.Sleep(time.Second - 1) // fake
				first := m.mapsAsked() - before
				require.LessOrEqual(t, first, 5)
				require.GreaterOrEqual(t, first, 2, "it is found out about")
				callers.Wait()
				require.LessOrEqual(t, m.mapsAsked()-before, 3*5+1)
				r.Close()
				m.stop()
			})
		})
	}
}

// Also when the others disagree about what has become of it.
func TestTroubleWithDisagreementAsksLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newPipeMesh(t, 6)
		opts := m.options()
		opts.Policy = Policy{MaxRedirects: 5, MaxRetries: 1000, MinBackoff: 8 * time.Millisecond, MaxBackoff: 512 * time.Millisecond}
		opts.Refresh = slotmap.CacheOptions{Period: -1}
		r := open(t, opts)
		time.Sleep(time.Second) // fake
		before := m.mapsAsked()
		one, other := []int{0, 1, 2, 3, 4, 4}, []int{0, 1, 2, 3, 4, 3}
		m.tells(map[int][]int{0: one, 1: other, 2: one, 3: other, 4: one})
		m.nodes[5].fail("refuses connections")
		m.nodes[3].on(func(heard) string { return fails("CLUSTERDOWN The cluster is down") })
		m.nodes[4].on(func(heard) string { return fails("CLUSTERDOWN The cluster is down") })
		var callers sync.WaitGroup
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		for range 100 {
			callers.Go(func() { require.Error(t, r.Process(ctx, get(m.key(5)))) })
		}
		time.Sleep(time.Second - 1) // fake
		require.LessOrEqual(t, m.mapsAsked()-before, 5)
		callers.Wait()
		require.LessOrEqual(t, m.mapsAsked()-before, 3*5)
		r.Close()
		m.stop()
	})
}

// fail makes the node fail in that way.
func (n *scriptedNode) fail(how string) {
	switch how {
	case "refuses connections":
		n.setDown(true)
		n.hangUp()
	case "is silent":
		n.on(func(heard) string { return silence })
		n.setMute(true)
	case "breaks connections":
		n.on(func(heard) string { return drop })
	case "says CLUSTERDOWN":
		n.on(func(heard) string { return "-CLUSTERDOWN The cluster is down\r\n" })
	case "says READONLY":
		n.on(func(heard) string { return "-READONLY You can't write against a read only replica.\r\n" })
	default:
		panic(how)
	}
}
