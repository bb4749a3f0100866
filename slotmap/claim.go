package slotmap

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/slotmesh/slotmesh/hashtag"
)

// A Claim is the slots that a master says it serves, and the config epoch of that: of two
// that claim one slot the greater epoch counts, as it does among the nodes themselves. The
// zero value claims nothing.
type Claim struct {
	Epoch  uint64
	Ranges []Range
}

// Serves reports whether slot is one of those.
func (c Claim) Serves(slot uint16) bool {
	for _, r := range c.Ranges {
		if r.First <= slot && slot <= r.Last {
			return true
		}
	}
	return false
}

// ParseClaim reads what a node claims for itself from its reply to CLUSTER NODES. A replica
// claims nothing.
func ParseClaim(nodes string) (Claim, error) {
	for line := range strings.Lines(nodes) {
		// ID, address, flags, master, ping, pong, config epoch, link, slots ...
		fields := strings.Fields(line)
		if len(fields) < 8 || !hasFlag(fields[2], "myself") {
			continue
		}
		if !hasFlag(fields[2], "master") {
			return Claim{}, nil
		}
		return parseClaim(fields[6], fields[8:])
	}
	return Claim{}, errors.New("bad CLUSTER NODES reply: no line is about the node itself")
}

func hasFlag(flags, want string) bool {
	for f := range strings.SplitSeq(flags, ",") {
		if f == want {
			return true
		}
	}
	return false
}

func parseClaim(epoch string, slots []string) (c Claim, err error) {
	if c.Epoch, err = strconv.ParseUint(epoch, 10, 64); err != nil {
		return Claim{}, fmt.Errorf("bad CLUSTER NODES reply: config epoch %.20q", epoch)
	}
	for _, s := range slots {
		if strings.HasPrefix(s, "[") {
			continue // is being moved
		}
		first, last, ok := strings.Cut(s, "-")
		if !ok {
			last = first
		}
		from, err1 := strconv.ParseUint(first, 10, 16)
		to, err2 := strconv.ParseUint(last, 10, 16)
		if err1 != nil || err2 != nil || from > to || to >= hashtag.Slots {
			return Claim{}, fmt.Errorf("bad CLUSTER NODES reply: slots %.20q", s)
		}
		c.Ranges = append(c.Ranges, Range{First: uint16(from), Last: uint16(to)})
	}
	return c, nil
}
