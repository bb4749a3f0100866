package batch

import "fmt"

// Strategy says how the requests of a batch travel.
type Strategy uint8

const (
	// Serial sends one request per key and waits for its reply before the next. It
	// asks the least of the cluster at any moment and takes longest.
	Serial Strategy = iota + 1
	// Pipelined sends each node all its requests in one write, and waits for their
	// replies before it turns to the next node.
	Pipelined
	// Parallel sends all nodes their requests at once: a call takes as long as the
	// slowest node.
	Parallel
)

// String returns the lower-case name of the strategy.
func (s Strategy) String() string {
	switch s {
	case Serial:
		return "serial"
	case Pipelined:
		return "pipelined"
	case Parallel:
		return "parallel"
	default:
		return fmt.Sprintf("strategy(%d)", uint8(s))
	}
}

func (s Strategy) valid() bool { return s >= Serial && s <= Parallel }
