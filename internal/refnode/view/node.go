package view

// A Node is what is known of one member of the cluster.
type Node struct {
	ID       string // 40 characters 0-9 and a-z
	IP       string // empty for oneself until somebody said it
	Hostname string // empty: none
	Port     int    // for clients
	BusPort  int

	// MasterID is the ID of a replica's master, empty for a master. That master need
	// not be known: it may have been forgotten, or not yet met.
	MasterID string

	// ConfigEpoch is the epoch of a master's claim to its slots. Replicas show
	// their master's.
	ConfigEpoch uint64

	// Offset is how far replication has come, in bytes: what a master has produced, a
	// replica processed. A replica at 0 counts as loading and is not in CLUSTER SLOTS.
	Offset int64

	Fail       bool // the cluster agrees that it is down
	PFail      bool // I cannot reach it
	NoFailover bool // a replica that must not be promoted
	Handshake  bool // just met, and not yet known by its real ID; neither master nor replica
	NoAddr     bool // its address is unknown: IP is empty, the ports are 0

	PingSent     int64 // ms since 1970 of the ping that is unanswered; 0: none
	PongReceived int64 // ms since 1970 of the last pong; 0: none
	Connected    bool  // there is a bus link to it; of no account for oneself

	slots int // bound to it in the view that it is part of
}

// IsMaster reports whether the node is a master, with or without slots.
func (n *Node) IsMaster() bool { return !n.IsReplica() && !n.Handshake }

// IsReplica reports whether the node is a replica, of a known master or not.
func (n *Node) IsReplica() bool { return n.MasterID != "" }

// Slots returns how many slots are bound to the node.
func (n *Node) Slots() int { return n.slots }

// listed reports whether a replica is in CLUSTER SLOTS.
func (n *Node) listed() bool { return !n.Fail && n.Offset != 0 }
