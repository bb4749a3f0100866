package view_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/view"
)

const (
	served       = ""
	movedBar     = "-MOVED 5061 127.0.0.1:7001\r\n"
	movedFoo     = "-MOVED 12182 127.0.0.1:7002\r\n"
	askBar       = "-ASK 5061 127.0.0.1:7002\r\n"
	tryAgain     = "-TRYAGAIN Multiple keys request during rehashing of slot\r\n"
	crossSlot    = "-CROSSSLOT Keys in request don't hash to the same slot\r\n"
	unserved     = "-CLUSTERDOWN Hash slot not served\r\n"
	down         = "-CLUSTERDOWN The cluster is down\r\n"
	downReadOnly = "-CLUSTERDOWN The cluster is down and only accepts read commands\r\n"
)

// A question is a query and what the client must be told.
type question struct {
	name  string
	query view.Query
	want  string
}

func ask(t *testing.T, v *view.View, questions []question) {
	t.Helper()
	for _, q := range questions {
		d := v.Decide(&q.query)
		require.Equal(t, q.want == served, d.Kind == view.Serve, q.name)
		require.Equal(t, q.want, string(v.AppendError(nil, d)), q.name)
	}
}

func keys(names ...string) [][]byte {
	var keys [][]byte
	for _, name := range names {
		keys = append(keys, []byte(name))
	}
	return keys
}

// holding says which keys exist.
func holding(names ...string) func([]byte) bool {
	return func(key []byte) bool {
		for _, name := range names {
			if name == string(key) {
				return true
			}
		}
		return false
	}
}

// migratingBar is A, from which the slot of bar goes to B.
func migratingBar(t *testing.T) *view.View {
	v := clusterOf(nodeA)
	require.NoError(t, v.SetMigrating(slotBar, nodeB.ID))
	return v
}

// importingBar is B, to which the slot of bar comes from A.
func importingBar(t *testing.T) *view.View {
	v := clusterOf(nodeB)
	require.NoError(t, v.SetImporting(slotBar, nodeA.ID))
	return v
}

// withoutSlot1 is A in a cluster that is down, because slot 1 has no owner.
func withoutSlot1(t *testing.T, change func(*view.Settings)) *view.View {
	v := clusterOf(nodeA)
	require.NoError(t, v.DelSlots(1))
	s := v.Settings()
	change(&s)
	v.Set(s)
	return v
}

func TestRule1NoKeyIsServedAnywhere(t *testing.T) {
	require.Equal(t, view.Decision{}, view.New(nodeA).Decide(&view.Query{Write: true}), "cluster down")
	require.Equal(t, view.Decision{}, clusterOf(nodeR).Decide(&view.Query{Write: true}))
}

func TestRule2ClusterDown(t *testing.T) {
	bar := keys("bar")
	ask(t, withoutSlot1(t, func(*view.Settings) {}), []question{
		{"read", view.Query{Keys: bar}, down},
		{"write", view.Query{Keys: bar, Write: true}, down},
		{"of another node", view.Query{Keys: keys("foo")}, down},
		{"sharded pub/sub", view.Query{Keys: bar, ShardPubSub: true}, served},
	})
	ask(t, withoutSlot1(t, func(s *view.Settings) { s.AllowReadsWhenDown = true }), []question{
		{"allowed read", view.Query{Keys: bar}, served},
		{"write, reads allowed", view.Query{Keys: bar, Write: true}, downReadOnly},
		{"EXEC is no write itself", view.Query{Keys: bar, QueuedWrite: true}, served},
		{"allowed read of another node", view.Query{Keys: keys("foo")}, movedFoo},
		{"sharded pub/sub, reads allowed", view.Query{Keys: bar, ShardPubSub: true}, served},
	})
	ask(t, withoutSlot1(t, func(s *view.Settings) { s.AllowPubSubShardWhenDown, s.AllowReadsWhenDown = false, true }), []question{
		{"sharded pub/sub refused", view.Query{Keys: bar, ShardPubSub: true}, down},
		{"read beside it", view.Query{Keys: bar}, served},
	})
	ask(t, withoutSlot1(t, func(s *view.Settings) { s.RequireFullCoverage = false }), []question{
		{"not down at all", view.Query{Keys: bar, Write: true}, served},
	})
}

func TestRule3MigrateInAnOpenSlotIsServed(t *testing.T) {
	migrate := view.Query{Keys: keys("bar", "{bar}2"), Write: true, Migrate: true, Exists: holding("bar")}
	ask(t, migratingBar(t), []question{{"migrating", migrate, served}})
	ask(t, importingBar(t), []question{{"importing", migrate, served}})
	ask(t, clusterOf(nodeB), []question{{"closed", migrate, movedBar}})
}

func TestRule4MigratingSlot(t *testing.T) {
	here := holding("bar", "{bar}2")
	ask(t, migratingBar(t), []question{
		{"here", view.Query{Keys: keys("bar"), Exists: here}, served},
		{"all here", view.Query{Keys: keys("bar", "{bar}2"), Exists: here}, served},
		{"gone", view.Query{Keys: keys("{bar}x"), Exists: here}, askBar},
		{"all gone", view.Query{Keys: keys("{bar}x", "{bar}y"), Exists: here}, askBar},
		{"gone, to be written", view.Query{Keys: keys("{bar}x"), Write: true, Exists: here}, askBar},
		{"some gone", view.Query{Keys: keys("bar", "{bar}x"), Exists: here}, tryAgain},
		{"gone, with ASKING", view.Query{Keys: keys("{bar}x"), Asking: true, Exists: here}, askBar},
		{"channels are no keys", view.Query{Keys: keys("{bar}x"), ShardPubSub: true}, served},
		{"another slot of mine is closed", view.Query{Keys: keys("b")}, served},
	})
}

func TestRule5ImportingSlot(t *testing.T) {
	here := holding("bar", "{bar}2")
	ask(t, importingBar(t), []question{
		{"without ASKING", view.Query{Keys: keys("bar"), Exists: here}, movedBar},
		{"with ASKING", view.Query{Keys: keys("bar"), Asking: true, Exists: here}, served},
		{"one key, not here", view.Query{Keys: keys("{bar}x"), Asking: true, Exists: here}, served},
		{"several, all here", view.Query{Keys: keys("bar", "{bar}2"), Asking: true, Exists: here}, served},
		{"several, one not here", view.Query{Keys: keys("bar", "{bar}x"), Asking: true, Exists: here}, tryAgain},
		{"several, none here", view.Query{Keys: keys("{bar}x", "{bar}y"), Asking: true, Exists: here}, tryAgain},
		{"channels", view.Query{Keys: keys("{bar}x", "{bar}y"), Asking: true, ShardPubSub: true}, served},
		{"channels without ASKING", view.Query{Keys: keys("{bar}x"), ShardPubSub: true}, movedBar},
	})
	ask(t, clusterOf(nodeB), []question{
		{"ASKING for a closed slot", view.Query{Keys: keys("bar"), Asking: true}, movedBar},
	})
}

func TestRule6ReadsOnAReplica(t *testing.T) {
	ask(t, clusterOf(nodeR), []question{
		{"without READONLY", view.Query{Keys: keys("bar")}, movedBar},
		{"read", view.Query{Keys: keys("bar"), ReadOnly: true}, served},
		{"write", view.Query{Keys: keys("bar"), ReadOnly: true, Write: true}, movedBar},
		{"EXEC of a write", view.Query{Keys: keys("bar"), ReadOnly: true, QueuedWrite: true}, movedBar},
		{"of another master", view.Query{Keys: keys("foo"), ReadOnly: true}, movedFoo},
		{"sharded pub/sub needs no READONLY", view.Query{Keys: keys("bar"), ShardPubSub: true}, served},
		{"sharded pub/sub of another master", view.Query{Keys: keys("foo"), ShardPubSub: true}, movedFoo},
	})
	ask(t, clusterOf(nodeB), []question{
		{"READONLY on a master", view.Query{Keys: keys("bar"), ReadOnly: true}, movedBar},
	})
}

func TestRule7TheOwnerServes(t *testing.T) {
	ask(t, clusterOf(nodeA), []question{
		{"mine", view.Query{Keys: keys("bar"), Write: true}, served},
		{"another's", view.Query{Keys: keys("foo")}, movedFoo},
	})
}

func TestCrossSlotComesBeforeDown(t *testing.T) {
	ask(t, withoutSlot1(t, func(*view.Settings) {}), []question{
		{"down", view.Query{Keys: keys("bar", "foo")}, crossSlot},
		{"mine both", view.Query{Keys: keys("bar", "b")}, crossSlot},
	})
}

func TestUnservedComesBeforeCrossSlot(t *testing.T) {
	v := clusterOf(nodeA)
	require.NoError(t, v.DelSlots(slotBar))
	ask(t, v, []question{
		{"first unassigned", view.Query{Keys: keys("bar", "foo")}, unserved},
		{"second unassigned", view.Query{Keys: keys("foo", "bar")}, crossSlot},
	})
}

// A migrating slot with a key here and a key gone would be TRYAGAIN.
func TestCrossSlotComesBeforeTryAgain(t *testing.T) {
	ask(t, migratingBar(t), []question{
		{"third key", view.Query{Keys: keys("bar", "{bar}x", "foo"), Exists: holding("bar")}, crossSlot},
	})
}

func TestTheSameKeyTwiceIsOneKey(t *testing.T) {
	ask(t, importingBar(t), []question{
		{"repeated", view.Query{Keys: keys("{bar}x", "{bar}x"), Asking: true, Exists: holding()}, served},
		{"and another", view.Query{Keys: keys("{bar}x", "{bar}x", "bar"), Asking: true, Exists: holding()}, tryAgain},
	})
}

// What EXEC is asked about are the keys of all queued commands, mine each by itself.
func TestExecIsOneCommand(t *testing.T) {
	ask(t, clusterOf(nodeA), []question{
		{"one slot", view.Query{Keys: keys("bar", "{bar}2"), QueuedWrite: true}, served},
		{"two slots of mine", view.Query{Keys: keys("bar", "b"), QueuedWrite: true}, crossSlot},
	})
}

func TestExistsIsAskedOnlyAboutOpenSlots(t *testing.T) {
	q := view.Query{Keys: keys("b"), Exists: func([]byte) bool { panic("asked") }}
	require.Equal(t, view.Decision{}, migratingBar(t).Decide(&q))
}

func TestRecheck(t *testing.T) {
	type args struct {
		key            string
		readOnly, read bool
	}
	check := func(v *view.View, a args, want string) {
		t.Helper()
		d := v.Recheck([]byte(a.key), a.readOnly, a.read)
		require.Equal(t, want, string(v.AppendError(nil, d)))
	}
	a := clusterOf(nodeA)
	check(a, args{key: "bar"}, served)
	check(a, args{key: "foo"}, movedFoo)

	check(importingBar(t), args{key: "bar"}, served)

	r := clusterOf(nodeR)
	check(r, args{"bar", true, true}, served)
	check(r, args{"bar", true, false}, movedBar)
	check(r, args{"bar", false, true}, movedBar)
	check(r, args{"foo", true, true}, movedFoo)

	uncovered := withoutSlot1(t, func(s *view.Settings) { s.RequireFullCoverage = false })
	require.NoError(t, uncovered.DelSlots(slotBar))
	check(uncovered, args{key: "bar"}, unserved)
	require.NoError(t, uncovered.SetImporting(slotBar, nodeB.ID))
	check(uncovered, args{key: "bar"}, served)

	check(withoutSlot1(t, func(s *view.Settings) { s.AllowReadsWhenDown = true }), args{"bar", false, true}, down)
}

func TestRedirectionsNameTheEndpoint(t *testing.T) {
	for _, test := range []struct {
		endpoint       view.EndpointType
		ip, host, want string
	}{
		{view.IP, "127.0.0.1", "b.example", "-MOVED 12182 127.0.0.1:7002\r\n"},
		{view.IP, "", "", "-MOVED 12182 :7002\r\n"},
		{view.Hostname, "127.0.0.1", "b.example", "-MOVED 12182 b.example:7002\r\n"},
		{view.Hostname, "127.0.0.1", "", "-MOVED 12182 ?:7002\r\n"},
		{view.Unknown, "127.0.0.1", "b.example", "-MOVED 12182 :7002\r\n"},
	} {
		v := clusterOf(nodeA)
		b := node(t, v, nodeB.ID)
		b.IP, b.Hostname = test.ip, test.host
		s := v.Settings()
		s.Endpoint = test.endpoint
		v.Set(s)
		d := v.Decide(&view.Query{Keys: keys("foo")})
		require.Equal(t, test.want, string(v.AppendError(nil, d)))
		d.Kind = view.Ask
		require.Equal(t, "-ASK"+test.want[len("-MOVED"):], string(v.AppendError(nil, d)))
	}
}

func TestDecideAllocatesNothing(t *testing.T) {
	v := migratingBar(t)
	args := keys("GET", "user:1000")
	q := view.Query{Exists: holding("bar")}
	dst := make([]byte, 0, 64)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		q.Keys = args[1:]
		dst = v.AppendError(dst[:0], v.Decide(&q))
	}))
}

func BenchmarkDecide(b *testing.B) {
	for _, bb := range []struct{ name, key string }{
		{"served", "bar"}, {"moved", "foo"}, {"long", "user:{1000}:followers:of:the:month"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			v := clusterOf(nodeA)
			q := view.Query{Keys: keys(bb.key)}
			b.ReportAllocs()
			for b.Loop() {
				v.Decide(&q)
			}
		})
	}
}
