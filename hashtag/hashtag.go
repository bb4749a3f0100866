// Package hashtag maps keys to the hash slots of a Redis Cluster, and slots to
// short tags that steer a key to them.
//
// A cluster has [Slots] slots. A key lies in slot CRC16(key) mod Slots, unless
// it has a hash tag: if the key contains a '{', and a '}' after it, and the text
// between the first '{' and the first '}' after it is not empty, then only that
// text is hashed. Keys with the same tag share a slot, which is what commands
// over several keys need:
//
//	user:{42}:name  user:{42}:mail    hashed as "42"
//	{}user:42                         empty tag: hashed whole
//	user:{{42}}                       hashed as "{42"
//
// Keys are bytes; no encoding is assumed. Every function is safe for concurrent
// use and, but for the first call of [ForSlot], none allocates.
package hashtag

// Slots is the number of hash slots in a cluster. Slots are numbered from 0.
const Slots = 16384

// Slot returns the slot of key. The slot of the empty key is 0.
func Slot(key string) uint16 { return slot(key) }

// SlotBytes returns the slot of key, as [Slot] does. It neither keeps nor
// changes key.
func SlotBytes(key []byte) uint16 { return slot(key) }

// Extract returns the part of key that is hashed: its tag, without the braces,
// or all of key if it has none.
func Extract(key string) string { return extract(key) }

// Same reports whether all keys lie in one slot, so that one command may name
// them all. It is true for no key and for one.
func Same(keys ...string) bool {
	for i := 1; i < len(keys); i++ {
		if slot(keys[i]) != slot(keys[0]) {
			return false
		}
	}
	return true
}

func slot[K string | []byte](key K) uint16 { return crc16(extract(key)) % Slots }

func extract[K string | []byte](key K) K {
	open := index(key, '{')
	if open < 0 {
		return key
	}
	inner := key[open+1:]
	if end := index(inner, '}'); end > 0 {
		return inner[:end]
	}
	return key
}

func index[K string | []byte](key K, c byte) int {
	for i := range len(key) {
		if key[i] == c {
			return i
		}
	}
	return -1
}
