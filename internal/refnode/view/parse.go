package view

import (
	"net/netip"
	"strings"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/internal/refnode/decimal"
)

const (
	errSlot   Error = "Invalid or out of range slot"
	errSyntax Error = "syntax error"
)

// ErrArity means that a command has a number of arguments that it cannot have. What
// the client is told about that names the command, which only the caller knows.
const ErrArity Error = "wrong number of arguments"

// ParseSlots parses the slots of CLUSTER ADDSLOTS and DELSLOTS. What depends on the
// state of the slots, and that none is given twice, is for [View.AddSlots] and
// [View.DelSlots] to check.
func ParseSlots(args [][]byte) ([]uint16, error) {
	slots := make([]uint16, len(args))
	for i, arg := range args {
		slot, err := parseSlot(arg)
		if err != nil {
			return nil, err
		}
		slots[i] = slot
	}
	return slots, nil
}

// ParseRanges parses the ranges of CLUSTER ADDSLOTSRANGE and DELSLOTSRANGE into their
// slots; an odd number of arguments is [ErrArity]. As soon as a slot is there twice the
// rest is not parsed: [View.AddSlots] and [View.DelSlots] refuse what is returned.
//
// A real node looks at the state of each range before it parses the next. So where a
// command has one mistake of either kind, it may name the other.
func ParseRanges(args [][]byte) ([]uint16, error) {
	if len(args) == 0 || len(args)%2 != 0 {
		return nil, ErrArity
	}
	var slots []uint16
	var seen SlotSet
	for i := 0; i < len(args); i += 2 {
		r, err := parseRange(args[i], args[i+1])
		if err != nil {
			return nil, err
		}
		for slot := int(r.First); slot <= int(r.Last); slot++ {
			slots = append(slots, uint16(slot))
			if seen.Has(uint16(slot)) {
				return slots, nil
			}
			seen.Add(uint16(slot))
		}
	}
	return slots, nil
}

func parseRange(first, last []byte) (r Range, err error) {
	if r.First, err = parseSlot(first); err != nil {
		return r, err
	}
	if r.Last, err = parseSlot(last); err != nil {
		return r, err
	}
	if r.First > r.Last {
		return r, errorf("start slot number %d is greater than end slot number %d", r.First, r.Last)
	}
	return r, nil
}

func parseSlot(arg []byte) (uint16, error) {
	slot, ok := decimal.Parse(arg)
	if !ok || slot < 0 || slot >= hashtag.Slots {
		return 0, errSlot
	}
	return uint16(slot), nil
}

// ParseMeet parses what follows CLUSTER MEET: ip, port and maybe the bus port, which
// defaults to 10000 above the port. The ip is returned in its canonical form.
func ParseMeet(args [][]byte) (ip string, port, busPort int, err error) {
	base, ok := decimal.Parse(args[1])
	if !ok {
		return "", 0, 0, errorf("Invalid TCP base port specified: %s", args[1])
	}
	bus := base + 10000
	if len(args) > 2 {
		if bus, ok = decimal.Parse(args[2]); !ok {
			return "", 0, 0, errorf("Invalid TCP bus port specified: %s", args[2])
		}
	}
	addr, bad := netip.ParseAddr(string(args[0]))
	if bad != nil || addr.Zone() != "" || !isPort(base) || !isPort(bus) {
		return "", 0, 0, errorf("Invalid node address specified: %s:%s", args[0], args[1])
	}
	return addr.String(), int(base), int(bus), nil
}

func isPort(n int64) bool { return 0 < n && n <= 65535 }

// ParseReset parses what follows CLUSTER RESET.
func ParseReset(args [][]byte) (hard bool, err error) {
	switch {
	case len(args) == 0, isWord(args[0], "soft"):
		return false, nil
	case isWord(args[0], "hard"):
		return true, nil
	default:
		return false, errSyntax
	}
}

// A FailoverMode says how CLUSTER FAILOVER goes about it.
type FailoverMode int

const (
	Coordinated FailoverMode = iota // with the master, which stops writing
	Force                           // without the master, by an election
	Takeover                        // without asking anybody
)

// ParseFailover parses what follows CLUSTER FAILOVER.
func ParseFailover(args [][]byte) (FailoverMode, error) {
	switch {
	case len(args) == 0:
		return Coordinated, nil
	case isWord(args[0], "force"):
		return Force, nil
	case isWord(args[0], "takeover"):
		return Takeover, nil
	default:
		return 0, errSyntax
	}
}

func isWord(arg []byte, word string) bool { return strings.EqualFold(string(arg), word) }
