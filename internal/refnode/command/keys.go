package command

// A Key says where in a request a key is.
type Key struct {
	Arg   int  // its index in the arguments
	Write bool // whether the command may change it

	flags KeyFlags // what COMMAND GETKEYSANDFLAGS shows
}

func keyAt(arg int, flags KeyFlags) Key {
	return Key{Arg: arg, Write: flags.changes(), flags: flags}
}

// Keys appends to dst the keys of a request for which Find returned s, in the order
// in which redis-server finds them when it decides on a redirection. The channels
// of the sharded publish and subscribe commands count as keys. Where a number of
// keys makes no sense there are none: executing the command is then to fail.
//
// What COMMAND GETKEYS lists may differ, see [AppendGetKeys]. Keys does not keep
// args, and allocates only where dst is too small, or a number malformed.
func (s *Spec) Keys(args [][]byte, dst []Key) []Key {
	switch s.extraction {
	case counted:
		return s.countedKeys(args, dst)
	case streams:
		return s.streamKeys(args, dst)
	case sorted:
		return sortKeys(args, dst)
	case sortedReadOnly:
		return append(dst, keyAt(1, RO|Access))
	case radius:
		return radiusKeys(args, dst)
	case migrated:
		return migrateKeys(args, dst)
	case set:
		return append(dst, keyAt(1, setFlags(args)))
	case bitfield:
		return append(dst, keyAt(1, bitfieldFlags(args)))
	default:
		return s.rangeKeys(args, dst)
	}
}

// An extraction is how the server finds the keys of a command: by code of its own,
// but for byRange.
type extraction uint8

const (
	byRange        extraction = iota // First, Last and Step
	counted                          // their number is an argument
	streams                          // behind STREAMS, half of what is there
	sorted                           // SORT, STORE may be anywhere
	sortedReadOnly                   // SORT_RO, which has a KeySpec that says nothing
	radius                           // GEORADIUS, STORE may be anywhere
	migrated                         // MIGRATE, one or KEYS
	set                              // whether it is read depends on GET
	bitfield                         // whether it is written depends on GET
)

// extractions are those that the KeySpecs do not tell.
var extractions = map[string]extraction{
	"sort": sorted, "sort_ro": sortedReadOnly,
	"georadius": radius, "georadiusbymember": radius,
	"migrate": migrated,
	"xread":   streams, "xreadgroup": streams,
	"set": set, "bitfield": bitfield,
}

func extractionOf(s *Spec) extraction {
	if n := len(s.KeySpecs); n > 0 && s.KeySpecs[n-1].Counted {
		return counted
	}
	return extractions[s.Name]
}

// rangeKeys finds the keys at First to Last. Each range of the KeySpecs goes up to
// the next.
func (s *Spec) rangeKeys(args [][]byte, dst []Key) []Key {
	if s.First == 0 {
		return dst
	}
	last := s.Last
	if last < 0 {
		last += len(args)
	}
	specs := s.KeySpecs
	for i := s.First; i <= last; i += s.Step {
		for len(specs) > 1 && specs[1].Index <= i {
			specs = specs[1:]
		}
		dst = append(dst, Key{Arg: i, Write: specs[0].Flags.changes()})
	}
	return dst
}

// countedKeys finds the keys whose number the last KeySpec tells, and then the
// destination, if there is another KeySpec.
func (s *Spec) countedKeys(args [][]byte, dst []Key) []Key {
	sources := &s.KeySpecs[len(s.KeySpecs)-1]
	first := sources.Index + sources.FirstKey
	n := leadingInt(args[sources.Index+sources.Count])
	if n < 1 || n > len(args)-first {
		return dst
	}
	for i := range n {
		dst = append(dst, Key{Arg: first + i, Write: sources.Flags.changes()})
	}
	if len(s.KeySpecs) > 1 {
		dst = append(dst, Key{Arg: s.KeySpecs[0].Index, Write: true})
	}
	return dst
}
