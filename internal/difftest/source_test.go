package difftest

import "math/rand/v2"

// A source is where all decisions come from, so that who has it again has the run
// again.
type source interface {
	// IntN returns a number of 0 to n-1.
	IntN(n int) int
}

// A tape is a source whose numbers a fuzzer chooses. At its end it is all zeros.
type tape struct{ bytes []byte }

func (t *tape) IntN(n int) int {
	value := 0
	for limit := 1; limit < n && len(t.bytes) > 0; limit <<= 8 {
		value = value<<8 | int(t.bytes[0])
		t.bytes = t.bytes[1:]
	}
	return value % n
}

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }
