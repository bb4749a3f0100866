package typedcheck

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
)

// without lists the methods that are not compared.
var without = []struct {
	reason  string
	refused bool // slotmesh returns ErrUnsupported
	methods string
}{
	{"it is no command", false, `
		AddHook AsyncAutoPipeline AsyncAutoPipelineWithOptions AutoPipeline
		AutoPipelineWithOptions Close Pipeline Pipelined PoolStats Process PSubscribe
		SSubscribe Subscribe TxPipeline TxPipelined Watch
	`},
	{"go-redis panics", false, `JSONDebugMemory Quit`},
	{"it has no key, and what any one node answers is another thing each time, or on each node", false, `
		ACLGenPass ClusterInfo ClusterNodes ClusterShards ClusterSlots
	`},
	{"slotmesh's ends the client, and no server", false, `Shutdown`},
	{"it concerns the whole cluster, of which slotmesh has no form yet", true, `
		ACLDelUser ACLSetUser ConfigResetStat ConfigRewrite ConfigSet DBSize FlushAll
		FlushAllAsync FlushDB FlushDBAsync FTConfigSet FTCursorDel FTCursorRead FunctionDelete FunctionDump FunctionFlush
		FunctionFlushAsync FunctionKill FunctionList FunctionLoad FunctionLoadReplace
		FunctionRestore FunctionStats Keys PubSubChannels PubSubNumPat PubSubNumSub
		PubSubShardChannels PubSubShardNumSub RandomKey Scan ScanType ScriptExists
		ScriptFlush ScriptKill ScriptLoad
	`},
	{"it concerns one node", true, `
		ACLLog ACLLogReset BgRewriteAOF BgSave ClientInfo ClientKill ClientKillByFilter
		ClientList ClientPause ClientUnblock ClientUnblockWithError ClientUnpause
		ClusterAddSlots ClusterAddSlotsRange ClusterCountFailureReports ClusterDelSlots
		ClusterDelSlotsRange ClusterFailover ClusterForget ClusterLinks ClusterMeet
		ClusterMyID ClusterMyShardID ClusterReplicate ClusterResetHard ClusterResetSoft
		ClusterSaveConfig ConfigGet Info InfoMap LastSave Latency
		LatencyReset ModuleLoadex ReplicaOf Save ShutdownNoSave ShutdownSave SlaveOf
		SlowLogGet SlowLogLen SlowLogReset
	`},
	{"it concerns the connection, and callers share connections", true, `
		ClientID ClientMaintNotifications ClientTracking ClientTrackingOff ClientTrackingOn
		HImportDiscard HImportDiscardAll HImportPrepare HImportSet ReadOnly ReadWrite
	`},
}

// refused looks at what slotmesh refuses: what it no longer does needs an example.
func (d duel) refused(t *testing.T) {
	for _, w := range without {
		for method := range strings.FieldsSeq(w.methods) {
			if !w.refused {
				continue
			}
			args, _ := place("refused").resolve(made(methodOf(t, method)))
			err := call(t, d.ours, method, args).Err()
			if !errors.Is(err, slotmesh.ErrUnsupported) {
				t.Errorf("%s is listed because %s, and slotmesh answers %v: it needs an example", method, w.reason, err)
			}
		}
	}
}

// Every method is somewhere, and in one place only.
func TestEveryMethod(t *testing.T) {
	places := map[string][]string{}
	for _, f := range families {
		for _, e := range f.examples {
			if !slices.Contains(places[e.method], "a table") {
				places[e.method] = append(places[e.method], "a table")
			}
		}
	}
	for _, method := range separate {
		places[method] = append(places[method], "a test of its own")
	}
	for _, method := range unknown {
		places[method] = append(places[method], "unknown")
	}
	for _, w := range without {
		for method := range strings.FieldsSeq(w.methods) {
			places[method] = append(places[method], "without, since "+w.reason)
		}
	}
	client := reflect.TypeFor[redis.UniversalClient]()
	for m := range client.Methods() {
		assert.Len(t, places[m.Name], 1, "%s must be in one of: a table, unknown, without; it is in %q", m.Name, places[m.Name])
		delete(places, m.Name)
	}
	require.Empty(t, places, "no methods of redis.UniversalClient")
}
