package refnode

import (
	"math"
	"slices"

	"github.com/slotmesh/slotmesh/internal/refnode/view"
)

// A parameter is one that CONFIG knows.
type parameter struct {
	name  string
	alias string // its name up to Redis 4
	valid valid  // nil: it is immutable while the server runs
	first string // value, unless load says it
	fixed bool   // the node has only what it has now; the server could be told otherwise

	load  func(*Node) string
	store func(n *Node, value string)
}

// parameters are those that clients and tools of the cluster read or set. requirepass and
// masterauth are not among them, though the server shows them: a password is not for
// everybody who may look at the configuration.
var parameters = []parameter{
	{name: "appendonly", first: "no", valid: yesNo, fixed: true},
	{name: "bind", valid: anyText, fixed: true, load: func(n *Node) string { host, _ := splitAddr(n.addr); return host }},
	viewFlag("cluster-allow-pubsubshard-when-down", func(s *view.Settings) *bool { return &s.AllowPubSubShardWhenDown }),
	viewFlag("cluster-allow-reads-when-down", func(s *view.Settings) *bool { return &s.AllowReadsWhenDown }),
	viewFlag("cluster-allow-replica-migration", func(s *view.Settings) *bool { return &s.AllowReplicaMigration }),
	{
		name: "cluster-announce-hostname", valid: hostname,
		load:  func(n *Node) string { return n.view.Myself().Hostname },
		store: func(n *Node, value string) { n.view.Myself().Hostname = value },
	},
	{name: "cluster-enabled", first: "yes"},
	{name: "cluster-link-sendbuf-limit", first: "0", valid: memory(0)},
	{name: "cluster-migration-barrier", first: "1", valid: integer(0, math.MaxInt32)},
	{name: "cluster-node-timeout", first: "15000", valid: integer(0, math.MaxInt64)},
	{
		name: "cluster-preferred-endpoint-type", valid: oneOf("ip", "hostname", "unknown-endpoint"),
		load:  func(n *Node) string { return n.view.Settings().Endpoint.String() },
		store: storeEndpoint,
	},
	{
		name: "cluster-replica-no-failover", alias: "cluster-slave-no-failover", valid: yesNo,
		load:  func(n *Node) string { return yesOrNo(n.view.Myself().NoFailover) },
		store: func(n *Node, value string) { n.view.Myself().NoFailover = value == "yes" },
	},
	{
		name: "cluster-replica-validity-factor", alias: "cluster-slave-validity-factor",
		first: "10", valid: integer(0, math.MaxInt32),
	},
	viewFlag("cluster-require-full-coverage", func(s *view.Settings) *bool { return &s.RequireFullCoverage }),
	{name: "databases", first: "16"},
	{name: "maxclients", first: "10000", valid: integer(1, math.MaxUint32), fixed: true},
	{name: "maxmemory", first: "0", valid: memory(0), fixed: true},
	{
		name: "maxmemory-policy", first: "noeviction", // which is of no account with maxmemory 0
		valid: oneOf("volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
			"allkeys-lru", "allkeys-lfu", "allkeys-random", "noeviction"),
	},
	{name: "notify-keyspace-events", first: "", valid: anyText, fixed: true},
	{name: "port", valid: integer(0, math.MaxUint16), fixed: true, load: func(n *Node) string { _, port := splitAddr(n.addr); return port }},
	{name: "proto-max-bulk-len", first: "536870912", valid: memory(1 << 20), fixed: true},
	{
		name: "repl-ping-replica-period", alias: "repl-ping-slave-period",
		first: "10", valid: integer(1, math.MaxInt32),
	},
	{name: "repl-timeout", first: "60", valid: integer(1, math.MaxInt32)},
	{name: "replica-read-only", alias: "slave-read-only", first: "yes", valid: yesNo, fixed: true},
	{name: "save", first: "", valid: anyText, fixed: true},
	{name: "tcp-keepalive", first: "300", valid: integer(0, math.MaxInt32), fixed: true},
	{name: "timeout", first: "0", valid: integer(0, math.MaxInt32), fixed: true},
}

// viewFlag is a parameter that is a setting of the view, and nowhere else.
func viewFlag(name string, field func(*view.Settings) *bool) parameter {
	return parameter{
		name: name, valid: yesNo,
		load: func(n *Node) string {
			s := n.view.Settings()
			return yesOrNo(*field(&s))
		},
		store: func(n *Node, value string) {
			s := n.view.Settings()
			*field(&s) = value == "yes"
			n.view.Set(s)
		},
	}
}

func storeEndpoint(n *Node, value string) {
	s := n.view.Settings()
	for _, kind := range []view.EndpointType{view.IP, view.Hostname, view.Unknown} {
		if kind.String() == value {
			s.Endpoint = kind
		}
	}
	n.view.Set(s)
}

// parameterNames are the names and aliases in order, parameterNamed what they mean.
var parameterNames, parameterNamed = nameParameters()

func nameParameters() (names []string, byName map[string]*parameter) {
	byName = map[string]*parameter{}
	for i := range parameters {
		p := &parameters[i]
		for _, name := range []string{p.name, p.alias} {
			if name != "" {
				names = append(names, name)
				byName[name] = p
			}
		}
	}
	slices.Sort(names)
	return names, byName
}
