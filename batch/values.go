package batch

import "iter"

// Values are the results of MGet, aligned with its keys. They are safe for
// concurrent use.
type Values struct {
	outcomes
	vals []value
}

func newValues(keys []string) *Values {
	return &Values{outcomes: outcomes{keys: keys}, vals: make([]value, len(keys))}
}

type value struct {
	data string
	ok   bool
}

// Value is the result for one key: present if OK, failed if Err is not nil, and
// otherwise missing.
type Value struct {
	Data string
	OK   bool
	Err  error
}

// At returns the value at position i of the call. It is false for a key that is
// missing or failed; Err tells which.
func (v *Values) At(i int) (string, bool) { return v.vals[i].data, v.vals[i].ok }

// All yields each key of the call with its result, in order, duplicates included.
func (v *Values) All() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		for i, key := range v.keys {
			if !yield(key, Value{Data: v.vals[i].data, OK: v.vals[i].ok, Err: v.failed[i].err}) {
				return
			}
		}
	}
}

// Map returns the present values by key.
func (v *Values) Map() map[string]string {
	m := make(map[string]string, len(v.keys))
	for i, key := range v.keys {
		if v.vals[i].ok {
			m[key] = v.vals[i].data
		}
	}
	return m
}

// Results are the results of a batch that writes, aligned with its keys. They are
// safe for concurrent use.
type Results struct {
	outcomes
	count int64
}

func newResults(keys []string) *Results {
	return &Results{outcomes: outcomes{keys: keys}}
}

// Count returns how many keys the nodes say they changed: for Del those that
// existed, for MSet those that were set, each once. Keys that failed do not count.
func (r *Results) Count() int64 { return r.count }
