package command

// sortKeys finds the key of SORT, and the destination of its last STORE.
func sortKeys(args [][]byte, dst []Key) []Key {
	dst = append(dst, keyAt(1, RO|Access))
	store := 0
	for i := 2; i < len(args); i++ {
		switch {
		case is(args[i], "limit"):
			i += 2
		case is(args[i], "get"), is(args[i], "by"):
			i++
		case is(args[i], "store") && i+1 < len(args):
			store = i + 1 // not skipped: the server looks at it as an option too
		}
	}
	if store > 0 {
		dst = append(dst, keyAt(store, OW|Update))
	}
	return dst
}

// radiusKeys finds the key of GEORADIUS or GEORADIUSBYMEMBER, and the last of its
// destinations.
func radiusKeys(args [][]byte, dst []Key) []Key {
	dst = append(dst, keyAt(1, RO|Access))
	store := 0
	for i := 5; i+1 < len(args); i++ {
		if is(args[i], "store") || is(args[i], "storedist") {
			i++
			store = i
		}
	}
	if store > 0 {
		dst = append(dst, keyAt(store, OW|Update))
	}
	return dst
}

// migrateKeys finds the key of MIGRATE, or those behind KEYS, if the key is empty.
// If it is not, the two are a syntax error, and there are none.
func migrateKeys(args [][]byte, dst []Key) []Key {
	first, last := 3, 3
search:
	for i := 6; i < len(args); i++ {
		switch {
		case is(args[i], "keys") && len(args[3]) > 0:
			return dst
		case is(args[i], "keys"):
			first, last = i+1, len(args)-1
			break search
		case is(args[i], "auth"):
			i++
		case is(args[i], "auth2"):
			i += 2
		}
	}
	for i := first; i <= last; i++ {
		dst = append(dst, keyAt(i, RW|Access|Delete))
	}
	return dst
}

// streamKeys finds the keys behind STREAMS, as many as there are IDs behind them.
//
// A read for a group writes: what the group has delivered is part of the stream,
// though the KeySpec says RO.
func (s *Spec) streamKeys(args [][]byte, dst []Key) []Key {
	first := streamsAt(args) + 1
	n := len(args) - first
	if first == 0 || n%2 != 0 {
		return dst
	}
	for i := range n / 2 {
		dst = append(dst, Key{Arg: first + i, Write: s.Flags.Has(Write)})
	}
	return dst
}

// streamsAt returns where STREAMS is, -1 if nowhere or behind what is no option.
func streamsAt(args [][]byte) int {
	for i := 1; i < len(args); i++ {
		switch {
		case is(args[i], "streams"):
			return i
		case is(args[i], "block"), is(args[i], "count"):
			i++
		case is(args[i], "group"):
			i += 2
		case is(args[i], "noack"):
		default:
			return -1
		}
	}
	return -1
}

// setFlags are those of SET's key, which GET makes SET read.
func setFlags(args [][]byte) KeyFlags {
	for _, arg := range args[3:] {
		if is(arg, "get") {
			return RW | Access | Update
		}
	}
	return OW | Update
}

// bitfieldFlags are those of BITFIELD's key, which it only reads if all that is asked
// for is GET.
func bitfieldFlags(args [][]byte) KeyFlags {
	for i := 2; i < len(args); {
		left := len(args) - i - 1
		switch {
		case is(args[i], "get") && left >= 2:
			i += 3
		case is(args[i], "overflow") && left >= 1:
			i += 2
		default: // it writes, or is malformed
			return RW | Access | Update
		}
	}
	return RO | Access
}
