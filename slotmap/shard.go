package slotmap

import "strconv"

// Node is one server of the cluster.
type Node struct {
	// ID is the node's name in the cluster, 40 hexadecimal digits. Empty when
	// it is not known: servers before 4.0 do not send it, and neither does a
	// MOVED.
	ID string
	// Addr is host:port as a client dials it. Two nodes with one Addr are one
	// node to a client, so it is Addr that identifies a node in this package.
	Addr string
	// Hostname is the node's announced host name, empty when it has none. A TLS
	// client that dials an IP address may verify this name instead.
	Hostname string
}

// Shard is a master, its replicas, and the slots that it serves.
type Shard struct {
	Master Node
	// Replicas lists those that the cluster reported as usable. No master of
	// the same Map is among them.
	Replicas []Node
	// Ranges is ascending and minimal: between two ranges lies at least one
	// slot of somebody else.
	Ranges []Range
}

// Slots returns the number of slots that the shard serves.
func (s *Shard) Slots() int { return count(s.Ranges) }

// Range is a run of slots, from First to Last, both included.
type Range struct {
	First, Last uint16
}

// Len returns the number of slots in r.
func (r Range) Len() int { return int(r.Last) - int(r.First) + 1 }

// String returns r as Redis writes it: "0-5460", or "5061" for a single slot.
func (r Range) String() string {
	first := strconv.Itoa(int(r.First))
	if r.First == r.Last {
		return first
	}
	return first + "-" + strconv.Itoa(int(r.Last))
}

func count(ranges []Range) int {
	n := 0
	for _, r := range ranges {
		n += r.Len()
	}
	return n
}
