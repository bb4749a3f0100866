package command

import "strings"

// listKeys returns the keys of a request as COMMAND GETKEYS sees them, with their
// flags. It goes by the KeySpecs, if these tell all there is; else by the code that
// Keys goes by, if the server has some for s.
func (s *Spec) listKeys(args [][]byte) []Key {
	if !s.anyKeySpec(func(k *KeySpec) bool { return k.Flags.has(VariableFlags) }) {
		if keys, ok := s.specifiedKeys(args); ok {
			return keys
		}
	}
	if s.extraction != byRange {
		return s.Keys(args, nil)
	}
	return nil
}

// listsKeys reports whether COMMAND GETKEYS takes s for a command that has keys. A
// channel is none to it.
func (s *Spec) listsKeys() bool {
	return s.extraction != byRange || s.anyKeySpec(func(k *KeySpec) bool { return !k.Flags.has(NotKey) })
}

func (s *Spec) anyKeySpec(is func(*KeySpec) bool) bool {
	for i := range s.KeySpecs {
		if is(&s.KeySpecs[i]) {
			return true
		}
	}
	return false
}

// specifiedKeys returns the keys that the KeySpecs tell. If one of them does not
// tell all, or makes no sense for args, ok is false.
func (s *Spec) specifiedKeys(args [][]byte) (keys []Key, ok bool) {
	for i := range s.KeySpecs {
		k := &s.KeySpecs[i]
		begin := k.begin(args)
		if begin == notFound {
			continue
		}
		first, last := k.bounds(args, begin)
		if first < 1 || last < first || last >= len(args) || k.Flags.has(Incomplete) {
			return nil, false
		}
		for i := first; i <= last; i += k.Step {
			keys = append(keys, keyAt(i, k.Flags))
		}
	}
	return keys, true
}

// notFound is where a keyword is that the request does not have.
const notFound = -1

// begin returns where the search for keys begins, 0 if nobody knows. A keyword is not
// seen where it is the last argument, or, on the way back, the first.
func (k *KeySpec) begin(args [][]byte) int {
	if k.Keyword == "" {
		return k.Index
	}
	keyword := strings.ToLower(k.Keyword)
	from, to, step := k.From, len(args)-1, 1
	if from < 0 {
		from, to, step = len(args)+from, 1, -1
	}
	for i := from; i != to && i > 0 && i < len(args); i += step {
		if is(args[i], keyword) {
			return i + 1
		}
	}
	return notFound
}

// bounds returns the first and the last key of those that begin there, 0 and 0 if
// they make no sense.
func (k *KeySpec) bounds(args [][]byte, begin int) (first, last int) {
	switch {
	case k.Counted:
		n, ok := positiveInt(args[begin+k.Count])
		if !ok {
			return 0, 0
		}
		return begin + k.FirstKey, begin + k.FirstKey + n - 1
	case k.Step == 0:
		return 0, 0
	case k.Last >= 0:
		return begin, begin + k.Last
	case k.Limit == 0:
		return begin, len(args) + k.Last
	default:
		return begin, begin + (len(args)-begin)/k.Limit + k.Last
	}
}
