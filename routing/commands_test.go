package routing

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLookup(t *testing.T) {
	for name, want := range map[string]string{
		"get":             "get",
		"GET":             "get",
		"xInfo|Stream":    "xinfo|stream",
		"config":          "config",
		"json.set":        "json.set",
		"JSON.SET":        "json.set",
		"client|NO-EVICT": "client|no-evict",
		"ft._LIST":        "ft._list",
	} {
		c, ok := Lookup(name)
		require.True(t, ok, name)
		require.Equal(t, want, c.Name)
	}
	for _, name := range []string{"", "ge", "gett", "xinfo stream", "xinfo|", "|stream", "config|nothing", "bitfield\x7fro", "|", "set|"} {
		c, ok := Lookup(name)
		require.False(t, ok, "%q is %s", name, c.Name)
	}
}

func TestLookupArgs(t *testing.T) {
	text := func(s string) *string { return &s }
	for _, test := range []struct {
		want string
		args []any
	}{
		{"get", []any{"get", "key"}},
		{"get", []any{"GeT", "key"}},
		{"get", []any{[]byte("GET"), "key"}},
		{"get", []any{text("Get"), "key"}},
		{"xinfo|stream", []any{"xinfo", "stream", "key"}},
		{"xinfo|stream", []any{[]byte("XINFO"), text("STREAM"), "key"}},
		{"command", []any{"command"}},
		{"command|getkeys", []any{"COMMAND", "GETKEYS", "get", "key"}},
		{"config", []any{"config"}},
		{"debug", []any{"debug", "object", "key"}},
		{"", []any{"config", "nothing"}},
		{"", []any{"config", nil}},
		{"", []any{"get|set"}},
		{"", []any{""}},
		{"", []any{7}},
		{"", []any{nil}},
		{"", []any{(*string)(nil)}},
		{"", []any{struct{}{}}},
		{"", nil},
	} {
		c, ok := lookupArgs(test.args)
		require.Equal(t, test.want != "", ok, "%q", test.args)
		if ok {
			require.Equal(t, test.want, c.Name)
		}
	}
}

func TestUnknownCommandIsNamedAndCut(t *testing.T) {
	_, err := Keys([]any{"config", "no", "secret"})
	require.ErrorIs(t, err, ErrUnknownCommand)
	require.EqualError(t, err, `unknown command: config with subcommand "no"`)

	_, err = Keys([]any{strings.Repeat("x", 1000)})
	require.ErrorIs(t, err, ErrUnknownCommand)
	require.Less(t, len(err.Error()), 80)

	_, err = Keys(nil)
	require.ErrorIs(t, err, ErrUnknownCommand)
}

// allCommands returns the commands of the index, by name.
func allCommands() []*Command {
	var all []*Command
	for _, c := range index {
		if c != nil {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b *Command) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func TestFlagsAreConsistent(t *testing.T) {
	all := allCommands()
	require.Less(t, len(all), len(index)/2, "the index is too small")
	for _, c := range all {
		has := func(f Flags) bool { return c.Flags&f != 0 }
		require.Equal(t, strings.ToLower(c.Name), c.Name)
		require.False(t, has(ReadOnly) && has(Write), "%s reads only, and writes", c.Name)
		require.False(t, has(Shared) && has(Blocking|Module|Connection|Container), "%s is %s", c.Name, c.Flags)
		require.False(t, has(Module) && !has(Opaque), "%s: the code of a module is not the server's", c.Name)
		require.Equal(t, c.refusal != "", has(Connection), "%s: a refusal says what to use instead", c.Name)
		require.Equal(t, c.block != nil, has(Blocking), "%s: how long does it block?", c.Name)
		require.False(t, has(unclear) && c.find == nil && c.key == 0, "%s: its keys are unclear", c.Name)

		require.False(t, has(Keyless) && c.keyed(), "%s has keys", c.Name)
		require.True(t, has(Keyless) || c.keyed() || has(Container), "%s: has it keys?", c.Name)
		require.False(t, has(AnyNode|NodeLocal) && !has(Keyless), "%s has keys", c.Name)
		require.False(t, has(AnyNode|NodeLocal) && c.Request != RequestNone, "%s: one node, or %s?", c.Name, c.Request)
		require.False(t, c.Request == MultiShard && !c.keyed(), "%s has no keys to cut by", c.Name)
		require.False(t, c.SlotArg > 0 && max(c.Arity, -c.Arity) <= c.SlotArg, "%s may lack its slot", c.Name)
	}
}

// TestKeylessCommandsHaveOneRule wants exactly one answer to the question where a
// command without keys goes.
func TestKeylessCommandsHaveOneRule(t *testing.T) {
	for _, c := range allCommands() {
		if c.Flags&Keyless == 0 {
			continue
		}
		rules := 0
		for _, rule := range []bool{
			c.Flags&AnyNode != 0,
			c.Flags&NodeLocal != 0,
			c.Flags&Connection != 0,
			c.Request != RequestNone,
			c.SlotArg > 0,
		} {
			if rule {
				rules++
			}
		}
		require.Equal(t, 1, rules, "%s: %s, %s", c.Name, c.Flags, c.Request)
	}
}

// TestSharingIsDecided wants somebody to have decided whether a command with keys may
// share a connection.
func TestSharingIsDecided(t *testing.T) {
	for _, c := range allCommands() {
		if !c.keyed() || c.Flags&(Blocking|Module|Opaque|Connection) != 0 {
			continue
		}
		require.NotEqual(t, listed(shared, c.Name), listed(exclusive, c.Name),
			"%s: put it in shared if it answers at once, with one reply, and leaves the connection as it was; else in exclusive", c.Name)
	}
}

func TestListsHaveNoDuplicates(t *testing.T) {
	for _, list := range []string{
		shared, exclusive, reads, anyNode, scripts,
		moduleReads + moduleWrites + searchReads + searchWrites,
	} {
		names := strings.Fields(list)
		slices.Sort(names)
		require.Equal(t, slices.Compact(slices.Clone(names)), names)
	}
	for _, list := range [][]Command{table, newer, modules} {
		sorted := slices.IsSortedFunc(list, func(a, b Command) int { return strings.Compare(a.Name, b.Name) })
		require.True(t, sorted, "not sorted, from %s on", list[0].Name)
	}
}

func TestUnknownNameInAListPanics(t *testing.T) {
	require.PanicsWithValue(t, "routing: no command is named nonsense", func() { new(commandIndex).set("nonsense", Shared) })
}

// TestDecisions pins what other parts of the client rely on.
func TestDecisions(t *testing.T) {
	for name, want := range map[string]Flags{
		"get":           ReadOnly | Shared,
		"set":           Write | Shared,
		"blpop":         Write | Blocking,
		"xread":         ReadOnly | Blocking,
		"wait":          Keyless | Blocking,
		"eval":          Shared | Opaque,
		"eval_ro":       ReadOnly | Shared | Opaque,
		"fcall":         Shared | Opaque,
		"ping":          ReadOnly | Keyless | AnyNode | Shared,
		"publish":       Keyless | AnyNode | Shared,
		"spublish":      Shared,
		"cluster|slots": ReadOnly | Keyless | AnyNode | Shared,
		"config|get":    ReadOnly | Keyless | NodeLocal,
		"config|set":    Keyless,
		"cluster|meet":  Keyless | NodeLocal,
		"flushall":      Write | Keyless,
		"select":        Keyless | Connection,
		"watch":         Connection,
		"json.get":      ReadOnly | Module | Opaque,
		"ft.search":     ReadOnly | Module | Opaque | Keyless | AnyNode,
		"ft.sugadd":     Write | Module | Opaque,
		"vadd":          Write | Module | Opaque,
	} {
		c, ok := Lookup(name)
		require.True(t, ok, name)
		require.Equal(t, want, c.Flags, "%s is %s", name, c.Flags)
	}
	for name, want := range map[string]struct {
		request  RequestPolicy
		response ResponsePolicy
	}{
		"mget":            {MultiShard, ResponseNone},
		"mset":            {MultiShard, AllSucceeded},
		"del":             {MultiShard, AggSum},
		"msetnx":          {RequestNone, ResponseNone},
		"msetex":          {RequestNone, ResponseNone},
		"dbsize":          {AllShards, AggSum},
		"keys":            {AllShards, ResponseNone},
		"scan":            {RequestSpecial, ResponseSpecial},
		"flushall":        {AllShards, AllSucceeded},
		"script|load":     {AllNodes, AllSucceeded},
		"script|exists":   {AllShards, AggLogicalAnd},
		"function|load":   {AllShards, AllSucceeded},
		"config|set":      {AllNodes, AllSucceeded},
		"wait":            {AllShards, AggMin},
		"script|kill":     {AllShards, OneSucceeded},
		"info":            {AllShards, ResponseSpecial},
		"slowlog|len":     {AllNodes, AggSum},
		"pubsub|channels": {AllNodes, ResponseSpecial},
	} {
		c, ok := Lookup(name)
		require.True(t, ok, name)
		require.Equal(t, want.request, c.Request, "%s is %s", name, c.Request)
		require.Equal(t, want.response, c.Response, "%s is %s", name, c.Response)
	}
}

func TestCommandsOfOneConnectionAreRefused(t *testing.T) {
	for name, alternative := range map[string]string{
		"asking":               "by the client itself",
		"auth":                 "Options.Password",
		"client|reply":         "pipeline",
		"client|setname":       "Options.ClientName",
		"client|tracking":      "redis.Client",
		"client|caching":       "redis.Client",
		"client|no-evict":      "redis.Client",
		"client|no-touch":      "redis.Client",
		"discard":              "TxPipeline",
		"exec":                 "TxPipeline",
		"hello":                "Options.Protocol",
		"monitor":              "redis.Client",
		"multi":                "TxPipeline",
		"psubscribe":           "Client.PSubscribe",
		"psync":                "without this client",
		"punsubscribe":         "PubSub.PUnsubscribe",
		"quit":                 "Client.Close",
		"readonly":             "masters only",
		"readwrite":            "masters only",
		"reset":                "no reset",
		"select":               "key prefixes",
		"ssubscribe":           "Client.SSubscribe",
		"subscribe":            "Client.Subscribe",
		"sunsubscribe":         "PubSub.SUnsubscribe",
		"sync":                 "without this client",
		"unsubscribe":          "PubSub.Unsubscribe",
		"unwatch":              "Client.Watch",
		"watch":                "Client.Watch",
		"himport|prepare":      "HSet",
		"script|debug":         "redis-cli",
		"client|setinfo":       "Options.ClientName",
		"replconf":             "without this client",
		"himport|discard":      "HSet",
		"client|capa":          "by the client itself",
		"himport|set":          "HSet",
		"client|import-source": "by the client itself",
	} {
		c, ok := Lookup(name)
		require.True(t, ok, name)
		require.NotZero(t, c.Flags&Connection, name)
		require.Contains(t, c.Refusal(), alternative, name)
	}
	get, _ := Lookup("get")
	require.Empty(t, get.Refusal())
}

func TestNamesOfFlagsAndPolicies(t *testing.T) {
	require.Equal(t, "read only, shared", (ReadOnly | Shared).String())
	require.Equal(t, "unclear", unclear.String())
	require.Equal(t, "", Flags(0).String())
	require.Equal(t, "all_nodes", AllNodes.String())
	require.Equal(t, "special", RequestSpecial.String())
	require.Equal(t, "agg_sum", AggSum.String())
	require.Equal(t, "special", ResponseSpecial.String())
}

func TestLookupDoesNotAllocate(t *testing.T) {
	buf := make([]int, 0, 8)
	for _, args := range [][]any{
		{"get", "key"},
		{"GET", "key"},
		{"JSON.SET", "key", "$", "1"},
		{"mget", "a", "b", "c", "d"},
		{"xinfo", "stream", "key"},
		{"xread", "count", 1, "streams", "a", "b", "0", "0"},
		{"zunionstore", "dest", 2, "a", "b"},
	} {
		require.Zero(t, testing.AllocsPerRun(100, func() {
			c, _ := lookupArgs(args)
			if _, err := c.appendKeys(buf[:0], args); err != nil {
				t.Error(err)
			}
		}), "%v", args)
	}
}

func BenchmarkLookup(b *testing.B) {
	for _, args := range [][]any{
		{"get", "key"},
		{"GET", "key"},
		{"mget", "a", "b", "c", "d", "e", "f", "g", "h"},
		{"zrevrangebyscore", "key", "+inf", "-inf"},
		{"xinfo", "stream", "key"},
		{"xreadgroup", "group", "g", "c", "count", "1", "streams", "key", ">"},
	} {
		b.Run(args[0].(string), func(b *testing.B) {
			b.ReportAllocs()
			var buf [8]int
			for b.Loop() {
				c, _ := lookupArgs(args)
				if _, err := c.appendKeys(buf[:0], args); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkInit is the time that a program pays at its start.
func BenchmarkInit(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		newIndex()
	}
}
