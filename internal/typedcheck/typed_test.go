package typedcheck

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/internal/realcluster"
)

// families are the tables.
var families = []family{
	ofStrings, ofBits, ofHashes, ofLists, ofSets, ofSortedSets, ofGeo, ofStreams, ofKeys, ofScripts, ofDo, withoutKeys,
}

func TestTyped(t *testing.T) {
	redis.SetLogger(silence{})
	cluster := realcluster.Start(t, realcluster.Config{
		// The clock by which blocked clients are released.
		ConfigLines: []string{"hz 500", "dynamic-hz no"},
	})
	loadScripts(t, cluster)
	for _, protocol := range []int{2, 3} {
		t.Run(fmt.Sprintf("RESP%d", protocol), func(t *testing.T) {
			d := newDuel(t, cluster, protocol)
			t.Run("commands", d.commands)
			t.Run("waits", d.waits)
			t.Run("frequency", func(t *testing.T) { d.frequency(t, cluster) })
			t.Run("unknown", func(t *testing.T) { d.unknown(t, cluster) })
			t.Run("slots", d.slots)
			t.Run("across slots", d.acrossSlots)
			t.Run("iterators", d.iterators)
			t.Run("refused", d.refused)
		})
	}
}

// newDuel returns clients that wait long enough for any server that is alive.
func newDuel(t *testing.T, cluster *realcluster.Cluster, protocol int) duel {
	const patience = 30 * time.Second
	reference := func() *redis.ClusterClient {
		client := redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: cluster.Addrs(), Protocol: protocol, ReadTimeout: patience,
			MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		})
		t.Cleanup(func() { require.NoError(t, client.Close()) })
		return client
	}
	ours, err := slotmesh.New(t.Context(), slotmesh.Options{
		Addrs: cluster.Addrs(), Protocol: protocol, ReadTimeout: patience,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ours.Close()) })
	return duel{reference: reference(), ours: ours, tools: reference()}
}

// commands runs the tables. The examples of one method are one subtest.
func (d duel) commands(t *testing.T) {
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) { d.family(t, f) })
	}
}

func (d duel) family(t *testing.T, f family) {
	byMethod := map[string][]example{}
	for _, e := range f.examples {
		byMethod[e.method] = append(byMethod[e.method], e)
	}
	for method, examples := range byMethod {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			for i, e := range examples {
				d.compareAll(t, f, e, fmt.Sprintf("%s.%d", t.Name(), i))
			}
		})
	}
}

// compareAll runs an example on all variants in all ways.
func (d duel) compareAll(t *testing.T, f family, e example, name string) {
	for _, v := range variantsOf(f, e) {
		for _, w := range ways {
			r := run{family: f, example: e, variant: v, way: w, place: placeOf(name, v, w)}
			got := d.compare(t, r)
			if v == right && w == alone && len(got) > 0 {
				requireReply(t, r, got[0])
			}
		}
	}
}

// requireReply fails if an example is not what it is meant to be.
func requireReply(t *testing.T, r run, o outcome) {
	if r.example.fails != (o.err != nil) {
		t.Errorf("%s: fails is %v, and the error is %v", r, r.example.fails, o.err)
	}
}

// placeOf returns where a run has its keys. The name must be its own.
func placeOf(name string, v variant, w way) place {
	return place(strings.ReplaceAll(fmt.Sprintf("%s.%s.%s", name, v, w), " ", "-"))
}

// waits lists the methods that wait while there is no data. How that ends is looked at
// for all of them at once.
var waits = map[string]bool{
	"BLPop": true, "BRPop": true, "BLMove": true, "BRPopLPush": true, "BLMPop": true,
	"BZPopMin": true, "BZPopMax": true, "BZMPop": true,
}

func (d duel) waits(t *testing.T) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, f := range families {
		for i, e := range f.examples {
			if !waits[e.method] {
				continue
			}
			for _, w := range ways {
				name := fmt.Sprintf("%s.%s.%d", t.Name(), e.method, i)
				wg.Go(func() { d.compare(t, run{f, e, missing, w, placeOf(name, missing, w)}) })
			}
		}
	}
}

// frequency looks at OBJECT FREQ, which needs another policy of eviction.
func (d duel) frequency(t *testing.T, cluster *realcluster.Cluster) {
	policy := func(ctx context.Context, name string) {
		for _, addr := range cluster.Addrs() {
			_, err := cluster.Do(ctx, addr, "CONFIG", "SET", "maxmemory-policy", name)
			require.NoError(t, err)
		}
	}
	policy(t.Context(), "allkeys-lfu")
	defer policy(t.Context(), "noeviction")
	d.compareAll(t, ofKeys, example{method: "ObjectFreq", args: args(a), data: "SET @a v"}, t.Name())
	d.compareAll(t, ofKeys, example{method: "ObjectIdleTime", args: args(a), data: "SET @a v", fails: true}, t.Name()+".idle")
}

// silence is the logger of go-redis: it logs what the examples are meant to cause.
type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}
