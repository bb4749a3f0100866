package hll

import (
	"iter"
	"slices"
)

const (
	maxSparseSize = 3000 // bytes with the header: the server's hll-sparse-max-bytes
	maxSparseRank = 32   // what a VAL can say

	maxZeroLength  = 64
	maxValueLength = 4
)

// A run is so many registers in a row of the same value. The sparse form has one opcode
// for each:
//
//	00nnnnnn           ZERO: n+1 registers are 0
//	01nnnnnn nnnnnnnn  XZERO: n+1 registers are 0
//	1vvvvvnn           VAL: n+1 registers are v+1
type run struct {
	value  uint8
	length int
	size   int // of its opcode
}

// readRun reads the first of ops. The server keeps a zero byte behind every string, which
// it reads if the second byte of an XZERO is missing.
func readRun(ops []byte) run {
	op := ops[0]
	if op >= 0x80 {
		return run{value: op>>2&0x1f + 1, length: int(op&3) + 1, size: 1}
	}
	if op < 0x40 {
		return run{length: int(op) + 1, size: 1}
	}
	length := int(op&0x3f) << 8
	if len(ops) > 1 {
		length |= int(ops[1])
	}
	return run{length: length + 1, size: 2}
}

// appendRun appends the opcode of a run, or nothing if it has no registers.
func appendRun(ops []byte, value uint8, length int) []byte {
	switch n := length - 1; {
	case length == 0:
		return ops
	case value > 0:
		return append(ops, 0x80|(value-1)<<2|byte(n))
	case length <= maxZeroLength:
		return append(ops, byte(n))
	default:
		return append(ops, 0x40|byte(n>>8), byte(n))
	}
}

// runs yields the runs of s, each with the index of its first register. Of those that
// begin behind the last register it yields the first only, so no index overflows.
func runs(s []byte) iter.Seq2[int, run] {
	return func(yield func(int, run) bool) {
		first := 0
		for ops := s[headerSize:]; len(ops) > 0 && first <= registerCount; {
			r := readRun(ops)
			if !yield(first, r) {
				return
			}
			first += r.length
			ops = ops[min(r.size, len(ops)):]
		}
	}
}

// A spot is where in a sparse string a register is.
type spot struct {
	run
	first    int // register of the run
	at       int // the opcode
	previous int // the opcode before it, or itself if it is the first
}

// locate finds the run that register index is in.
func locate(s []byte, index int) (spot, error) {
	at, previous := headerSize, headerSize
	for first, r := range runs(s) {
		if index >= first+r.length {
			previous, at = at, at+r.size
			continue
		}
		if at+r.size > len(s) {
			break
		}
		return spot{run: r, first: first, at: at, previous: previous}, nil
	}
	return spot{}, ErrCorrupted
}

// setSparse raises a register of a sparse s to rank, and reports whether it was lower. It
// makes s dense if the sparse form has no room for that.
func setSparse(s []byte, index int, rank uint8) (out []byte, changed bool, err error) {
	if rank > maxSparseRank {
		return promote(s, index, rank)
	}
	old, err := locate(s, index)
	if err != nil || old.value >= rank {
		return s, false, err
	}
	var room [5]byte
	ops := appendRun(room[:0], old.value, index-old.first)
	ops = appendRun(ops, rank, 1)
	ops = appendRun(ops, old.value, old.first+old.length-1-index)
	if grown := len(ops) - old.size; grown > 0 && len(s)+grown > maxSparseSize {
		return promote(s, index, rank)
	}
	s = slices.Replace(s, old.at, old.at+old.size, ops...)
	return joinRuns(s, old.previous), true, nil
}

// promote makes s dense and raises a register, which has to be lower.
func promote(s []byte, index int, rank uint8) (out []byte, changed bool, err error) {
	if out, err = toDense(s); err != nil {
		return s, false, err
	}
	return out, setDense(out, index, rank), nil
}

// joinRuns makes one of neighbouring runs of the same value if that fits into one opcode.
// It looks no further than the server does: five steps from the opcode at, each over one
// opcode, or a join.
func joinRuns(s []byte, at int) []byte {
	for range 5 {
		if at >= len(s) {
			break
		}
		r := readRun(s[at:])
		if length := joined(r, s[at+1:]); length > 0 {
			appendRun(s[:at], r.value, length)
			s = slices.Delete(s, at+1, at+2)
			continue
		}
		at += r.size
	}
	return s
}

// joined returns how long r is with the run behind it, 0 if they cannot be one.
func joined(r run, behind []byte) int {
	if r.value == 0 || len(behind) == 0 {
		return 0
	}
	next := readRun(behind)
	if next.value != r.value || r.length+next.length > maxValueLength {
		return 0
	}
	return r.length + next.length
}
