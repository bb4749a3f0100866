// Package hll is the HyperLogLog of redis-server 7.0 on the strings in which the server
// keeps it: what PFADD, PFCOUNT and PFMERGE do to the values of their keys.
//
// Such a string begins with 16 bytes: "HYLL", the encoding, three bytes of no use, and the
// cardinality when it was last counted, little endian. The highest bit of that is set if
// registers have changed since. Behind it are the 16384 registers, in one of two forms:
// dense, six bits each, or sparse, as runs.
//
// Whether the runs of a string are right is only seen when they are read, so a string
// that is Valid may still turn out to be corrupted.
package hll

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
)

const (
	magic      = "HYLL"
	encodingAt = 4 // in the header, which encoding it is
	countAt    = 8 // and the cached cardinality
	headerSize = 16

	denseEncoding  = 0
	sparseEncoding = 1

	stale = 1 << 63 // the bit of the cached cardinality that says it no longer holds
)

// ErrInvalid means that a string is no HyperLogLog. Its text is the server's.
//
//lint:ignore ST1005 the text is the server's
var ErrInvalid = errors.New("WRONGTYPE Key is not a valid HyperLogLog string value.")

// ErrCorrupted means that a string begins as a HyperLogLog does, but that its runs are
// not those of 16384 registers. Its text is the server's.
var ErrCorrupted = errors.New("INVALIDOBJ Corrupted HLL object detected")

// Valid reports whether s is taken for a HyperLogLog.
func Valid(s []byte) bool {
	if len(s) < headerSize || !bytes.HasPrefix(s, []byte(magic)) {
		return false
	}
	return s[encodingAt] == sparseEncoding || s[encodingAt] == denseEncoding && len(s) == denseSize
}

// New returns an empty HyperLogLog, which is sparse and has yet to be counted.
func New() []byte {
	s := make([]byte, headerSize, 2*headerSize)
	copy(s, magic)
	s[encodingAt] = sparseEncoding
	markStale(s)
	return appendRun(s, 0, registerCount)
}

// Add adds element to s and reports whether that changed a register. As append does, it
// may write to s, which is of no use afterwards; out is s if err is not nil.
func Add(s, element []byte) (out []byte, changed bool, err error) {
	if !Valid(s) {
		return s, false, ErrInvalid
	}
	index, rank := place(element)
	out, changed, err = set(s, index, rank)
	if changed {
		markStale(out)
	}
	return out, changed, err
}

// Count estimates how many different elements were added to s, or returns what it finds
// cached. Out is s if that was so, otherwise a copy with the count cached.
//
// A dense s that no element could have made may have a count that overflows: 1<<63, which
// the server shows as a negative number.
func Count(s []byte) (n uint64, out []byte, err error) {
	if !Valid(s) {
		return 0, s, ErrInvalid
	}
	if n := binary.LittleEndian.Uint64(s[countAt:]); n&stale == 0 {
		return n, s, nil
	}
	h, err := histogramOf(s)
	if err != nil {
		return 0, s, err
	}
	n = h.estimate()
	out = slices.Clone(s)
	binary.LittleEndian.PutUint64(out[countAt:], n)
	return n, out, nil
}

// CountUnion estimates how many different elements were added to any of ss. A nil one
// stands for a key that is not there, which adds nothing. Its error is that of the first
// string that has one.
func CountUnion(ss ...[]byte) (uint64, error) {
	all, _, err := union(ss)
	if err != nil {
		return 0, err
	}
	return all.histogram().estimate(), nil
}

// Merge returns the first of ss with what was added to any of the others. It is sparse if
// all of them are and the result is small. A nil one stands for a key that is not there.
// Its error is that of the first string that has one.
func Merge(ss ...[]byte) (out []byte, err error) {
	all, dense, err := union(ss)
	if err != nil {
		return nil, err
	}
	if len(ss) == 0 || ss[0] == nil {
		out = New()
	} else {
		out = slices.Clone(ss[0])
	}
	if dense {
		if out, err = toDense(out); err != nil {
			return nil, err
		}
	}
	for index, rank := range all {
		if rank > 0 {
			if out, _, err = set(out, index, rank); err != nil {
				return nil, err
			}
		}
	}
	markStale(out)
	return out, nil
}

// union returns the registers of all of ss together, and whether any is dense.
func union(ss [][]byte) (all registers, dense bool, err error) {
	for _, s := range ss {
		if s == nil {
			continue
		}
		if !Valid(s) {
			return all, dense, ErrInvalid
		}
		dense = dense || isDense(s)
		if err := all.absorb(s); err != nil {
			return all, dense, err
		}
	}
	return all, dense, nil
}

// set raises a register to rank, and reports whether it was lower.
func set(s []byte, index int, rank uint8) (out []byte, changed bool, err error) {
	if isDense(s) {
		return s, setDense(s, index, rank), nil
	}
	return setSparse(s, index, rank)
}

func isDense(s []byte) bool { return s[encodingAt] == denseEncoding }

// markStale notes that the cached cardinality no longer holds.
func markStale(s []byte) { s[headerSize-1] |= stale >> 56 }
