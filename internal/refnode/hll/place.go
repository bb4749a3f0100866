package hll

import (
	"encoding/binary"
	"math/bits"
)

const (
	indexBits     = 14
	rankBits      = 64 - indexBits
	registerCount = 1 << indexBits
)

// place returns which register is to be raised for an element, and to what: the lower
// bits of its hash are the index, and the rank is the place of the first bit set above
// them, from 1 to 51.
func place(element []byte) (index int, rank uint8) {
	h := hash(element)
	index = int(h % registerCount)
	above := h>>indexBits | 1<<rankBits // one bit is set for certain
	return index, uint8(bits.TrailingZeros64(above) + 1)
}

const (
	hashSeed     = 0xadc83b19
	hashMultiply = 0xc6a4a7935bd1e995
	hashShift    = 47
)

// hash is MurmurHash64A.
func hash(data []byte) uint64 {
	h := uint64(hashSeed) ^ uint64(len(data))*hashMultiply
	for ; len(data) >= 8; data = data[8:] {
		k := binary.LittleEndian.Uint64(data) * hashMultiply
		k ^= k >> hashShift
		h = (h ^ k*hashMultiply) * hashMultiply
	}
	if len(data) > 0 {
		var rest [8]byte
		copy(rest[:], data)
		h = (h ^ binary.LittleEndian.Uint64(rest[:])) * hashMultiply
	}
	h = (h ^ h>>hashShift) * hashMultiply
	return h ^ h>>hashShift
}
