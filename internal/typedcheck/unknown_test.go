package typedcheck

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/realcluster"
)

// unknown lists methods whose command, or whose form of it, redis-server 7.0 does not
// know. They are called with arguments of the right types, for the error.
var unknown = strings.Fields(`
	BFAdd BFCard BFExists BFInfo BFInfoArg BFInfoCapacity BFInfoExpansion BFInfoFilters
	BFInfoItems BFInfoSize BFInsert BFLoadChunk BFMAdd BFMExists BFReserve
	BFReserveExpansion BFReserveNonScaling BFReserveWithArgs BFScanDump
	CFAdd CFAddNX CFCount CFDel CFExists CFInfo CFInsert CFInsertNX CFLoadChunk CFMExists
	CFReserve CFReserveBucketSize CFReserveExpansion CFReserveMaxIterations
	CFReserveWithArgs CFScanDump
	CMSIncrBy CMSInfo CMSInitByDim CMSInitByProb CMSMerge CMSMergeWithWeight CMSQuery
	TDigestAdd TDigestByRank TDigestByRevRank TDigestCDF TDigestCreate
	TDigestCreateWithCompression TDigestInfo TDigestMax TDigestMerge TDigestMin
	TDigestQuantile TDigestRank TDigestReset TDigestRevRank TDigestTrimmedMean
	TopKAdd TopKCount TopKIncrBy TopKInfo TopKList TopKListWithCount TopKQuery TopKReserve
	TopKReserveWithOptions
	JSONArrAppend JSONArrIndex JSONArrIndexWithArgs JSONArrInsert JSONArrLen JSONArrPop
	JSONArrTrim JSONArrTrimWithArgs JSONClear JSONDel JSONForget JSONGet
	JSONGetWithArgs JSONMGet JSONMSet JSONMSetArgs JSONMerge JSONNumIncrBy JSONObjKeys
	JSONObjLen JSONSet JSONSetMode JSONSetWithArgs JSONStrAppend JSONStrLen JSONToggle
	JSONType
	TSAdd TSAddWithArgs TSAlter TSCreate TSCreateRule TSCreateRuleWithArgs
	TSCreateWithArgs TSDecrBy TSDecrByWithArgs TSDel TSDeleteRule TSGet TSGetWithArgs
	TSIncrBy TSIncrByWithArgs TSInfo TSInfoWithArgs TSMAdd TSMGet TSMGetWithArgs TSMRange
	TSMRangeWithArgs TSMRevRange TSMRevRangeWithArgs TSNRange TSNRangeWithArgs TSNRevRange
	TSNRevRangeWithArgs TSQueryIndex TSQueryLabelValues TSQueryLabels TSRange
	TSRangeWithArgs TSRead TSReadWithArgs TSRevRange TSRevRangeWithArgs
	FTAggregate FTAggregateWithArgs FTAliasAdd FTAliasDel FTAliasList FTAliasUpdate FTAlter
	FTConfigGet FTCreate FTDictAdd FTDictDel
	FTDictDump FTDropIndex FTDropIndexWithArgs FTExplain FTExplainWithArgs FTHybrid
	FTHybridWithArgs FTInfo FTSearch FTSearchWithArgs FTSpellCheck FTSpellCheckWithArgs
	FTSynDump FTSynUpdate FTSynUpdateWithArgs FTTagVals FT_List
	VAdd VAddWithArgs VCard VClearAttributes VDim VEmb VGetAttr VInfo VIsMember VLinks
	VLinksWithScores VRandMember VRandMemberCount VRange VRem VSetAttr VSim VSimWithArgs
	VSimWithArgsWithAttribs VSimWithArgsWithScores VSimWithArgsWithScoresWithAttribs
	VSimWithScores
	ARCount ARDel ARDelRange ARGet ARGetRange ARGrep ARGrepWithValues ARInfo ARInfoFull
	ARInsert ARLastItems ARLen ARMGet ARMSet ARNext AROpAnd AROpMatch AROpMax AROpMin
	AROpOr AROpSum AROpUsed AROpXor ARRing ARScan ARSeek ARSet
	HExpire HExpireAt HExpireAtWithArgs HExpireTime HExpireWithArgs HGetDel HGetEX
	HGetEXWithArgs HPExpire HPExpireAt HPExpireAtWithArgs HPExpireTime HPExpireWithArgs
	HPTTL HPersist HSetEX HSetEXWithArgs HTTL
	BLMoveM LMoveM BitOpAndOr BitOpDiff BitOpDiff1 BitOpOne DelExArgs Digest IncrEXFloat
	IncrEXInt MSetEX SDiffCard SUnionCard SetIFDEQ SetIFDEQGet SetIFDNE SetIFDNEGet SetIFEQ
	SetIFEQGet SetIFNE SetIFNEGet XAckDel XCfgSet XDelEx XNack XTrimMaxLenApproxMode
	XTrimMaxLenMode XTrimMinIDApproxMode XTrimMinIDMode
`)

// choices are the arguments of methods for which those that are made up will not do.
var choices = map[string][]any{
	"JSONMSet":     args(a, "$", 1, b, "$", 2),
	"JSONSetMode":  args(a, "$", 1, "NX"),
	"JSONMSetArgs": args([]redis.JSONSetArgs{{Key: a, Path: "$", Value: 1}}),
	"XCfgSet":      args(&redis.XCfgSetArgs{Stream: a, Duration: 1}),
	"XNack":        args(&redis.XNackArgs{Stream: a, Group: "g", Mode: "FAIL", IDs: []string{"1-1"}}),
	"TSMAdd":       args([][]any{{a, 1, 2}, {b, 1, 2}}),
}

// anywhere lists those of them that have no key. ClusterClient takes another word for it,
// so what it does with other commands around depends on where that leads.
var anywhere = strings.Fields(`
	FTAggregate FTAggregateWithArgs FTConfigGet FT_List TSMGet TSMGetWithArgs TSMRange
	TSMRangeWithArgs TSMRevRange TSMRevRangeWithArgs TSQueryIndex TSQueryLabelValues
	TSQueryLabels
`)

// unknown compares the errors.
func (d duel) unknown(t *testing.T, cluster *realcluster.Cluster) {
	old := strings.HasPrefix(version(t, cluster), "7.0.")
	for _, method := range unknown {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			e := example{method: method, args: choices[method]}
			if e.args == nil {
				e.args = made(methodOf(t, method))
			}
			for _, w := range ways {
				if w != alone && slices.Contains(anywhere, method) {
					continue
				}
				r := run{family{}, e, right, w, placeOf(t.Name(), right, w)}
				want := d.compare(t, r)
				if old && len(want) > 0 && want[0].err == nil {
					t.Errorf("%s: the server knows it: it belongs in a table", r)
				}
			}
		})
	}
}

func methodOf(t *testing.T, name string) reflect.Type {
	m, ok := reflect.TypeFor[commander]().MethodByName(name)
	require.True(t, ok, name)
	return m.Type
}

// made returns arguments for a method of an interface, without the context.
func made(f reflect.Type) []any {
	var list []any
	for i := 1; i < f.NumIn(); i++ {
		list = append(list, something(parameter(f, i)).Interface())
	}
	return list
}

// something is a value that is not the zero value where there is one: the key a for
// texts, 1 for numbers.
func something(to reflect.Type) reflect.Value {
	v := reflect.New(to).Elem()
	switch at := v.Addr().Interface().(type) {
	case *time.Duration:
		*at = time.Minute
		return v
	case *time.Time:
		*at = future
		return v
	case *redis.Vector:
		*at = &redis.VectorValues{Val: []float64{1, 2}}
		return v
	case *any:
		*at = "1"
		return v
	}
	switch to.Kind() {
	case reflect.String:
		v.SetString(a)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		v.Set(reflect.Append(v, something(to.Elem())))
	case reflect.Map:
		v.Set(reflect.MakeMap(to))
		v.SetMapIndex(something(to.Key()), something(to.Elem()))
	case reflect.Pointer:
		v.Set(reflect.New(to.Elem()))
	case reflect.Struct:
	default:
		v.Set(reflect.ValueOf(1).Convert(to))
	}
	return v
}

// version returns that of the servers.
func version(t *testing.T, cluster *realcluster.Cluster) string {
	info, err := cluster.Do(t.Context(), cluster.Addrs()[0], "INFO", "server")
	require.NoError(t, err)
	_, rest, _ := strings.Cut(fmt.Sprint(info), "redis_version:")
	number, _, _ := strings.Cut(rest, "\r")
	return number
}
