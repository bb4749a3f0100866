package view

// Settings are the options of a node that its decisions depend on.
type Settings struct {
	RequireFullCoverage      bool         // cluster-require-full-coverage
	AllowReadsWhenDown       bool         // cluster-allow-reads-when-down
	AllowPubSubShardWhenDown bool         // cluster-allow-pubsubshard-when-down
	AllowReplicaMigration    bool         // cluster-allow-replica-migration
	Endpoint                 EndpointType // cluster-preferred-endpoint-type
}

// DefaultSettings returns what redis-server 7.0 does where redis.conf says nothing.
func DefaultSettings() Settings {
	return Settings{
		RequireFullCoverage:      true,
		AllowPubSubShardWhenDown: true,
		AllowReplicaMigration:    true,
	}
}

// An EndpointType says by what name clients are told about nodes.
type EndpointType int

const (
	IP       EndpointType = iota
	Hostname              // "?" for a node that has none
	Unknown               // none: clients use the host they are connected to
)

// String returns the value of cluster-preferred-endpoint-type.
func (t EndpointType) String() string {
	switch t {
	case Hostname:
		return "hostname"
	case Unknown:
		return "unknown-endpoint"
	default:
		return "ip"
	}
}

// endpoint returns by what name redirections and CLUSTER SHARDS call n.
func (v *View) endpoint(n *Node) string {
	switch v.settings.Endpoint {
	case IP:
		return n.IP
	case Hostname:
		if n.Hostname == "" {
			return "?"
		}
		return n.Hostname
	default:
		return ""
	}
}
