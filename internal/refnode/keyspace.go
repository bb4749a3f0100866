package refnode

import (
	"time"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/internal/refnode/engine"
)

// A keyspace is the data of a node and what the node knows about its keys: which there
// are in each slot, when they expire, and who watches them.
type keyspace struct {
	data      engine.Engine
	slots     [hashtag.Slots]map[string]struct{}
	count     int
	deadlines *deadlines
	watchers  map[string]map[*session]struct{}

	expired func(key string) // called when a key has expired, before it is removed
	touched func(key string) // called when a key has changed
}

func newKeyspace(data engine.Engine) *keyspace {
	return &keyspace{data: data, deadlines: newDeadlines(), watchers: map[string]map[*session]struct{}{}}
}

// has reports whether there is such a key.
func (k *keyspace) has(key string) bool {
	_, ok := k.slots[hashtag.Slot(key)][key]
	return ok
}

// hasBytes is has without a copy of the key.
func (k *keyspace) hasBytes(key []byte) bool {
	_, ok := k.slots[hashtag.SlotBytes(key)][string(key)]
	return ok
}

// inSlot returns how many keys a slot has.
func (k *keyspace) inSlot(slot uint16) int { return len(k.slots[slot]) }

// touch takes notice of a key that a command has changed, created or removed.
func (k *keyspace) touch(key string) {
	k.index(key)
	at, _ := k.data.Deadline(key)
	k.deadlines.set(key, at)
	for s := range k.watchers[key] {
		s.watch.dirty = true
	}
	k.touched(key)
}

// index notes whether key is there.
func (k *keyspace) index(key string) {
	slot := hashtag.Slot(key)
	keys := k.slots[slot]
	_, had := keys[key]
	switch has := k.data.Type(key) != "none"; {
	case has && !had:
		if keys == nil {
			keys = map[string]struct{}{}
			k.slots[slot] = keys
		}
		keys[key] = struct{}{}
		k.count++
	case had && !has:
		delete(keys, key)
		k.count--
		if len(keys) == 0 {
			k.slots[slot] = nil
		}
	}
}

// remove removes key and reports whether it was there.
func (k *keyspace) remove(key string) bool {
	if !k.data.Delete(key) {
		return false
	}
	k.touch(key)
	return true
}

// flush removes all keys.
func (k *keyspace) flush() {
	if k.count == 0 {
		return
	}
	k.data.Flush()
	for slot, keys := range k.slots {
		k.slots[slot] = nil
		for key := range keys {
			k.count--
			for s := range k.watchers[key] {
				s.watch.dirty = true
			}
			k.touched(key)
		}
	}
	k.deadlines = newDeadlines()
}

// expire removes the keys whose deadline has come.
func (k *keyspace) expire(now time.Time) {
	for key, ok := k.deadlines.due(now); ok; key, ok = k.deadlines.due(now) {
		k.expired(key)
		k.data.Delete(key)
		k.touch(key)
	}
}
