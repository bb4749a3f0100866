package hll

// registers are those of a HyperLogLog, or of several together.
type registers [registerCount]uint8

// absorb raises the registers to those of s. If s is corrupted, some may be raised.
func (all *registers) absorb(s []byte) error {
	if isDense(s) {
		for i := range all {
			all[i] = max(all[i], denseRegister(s, i))
		}
		return nil
	}
	next := 0
	for first, r := range runs(s) {
		if next = first + r.length; next > registerCount {
			return ErrCorrupted
		}
		for i := first; i < next; i++ {
			all[i] = max(all[i], r.value)
		}
	}
	if next != registerCount {
		return ErrCorrupted
	}
	return nil
}

const denseSize = headerSize + registerCount*6/8

// denseRegister returns register i of a dense s, of which there are four in three bytes,
// the first one in the lowest bits.
func denseRegister(s []byte, i int) uint8 {
	four := s[headerSize+i/4*3:]
	return uint8((uint32(four[0]) | uint32(four[1])<<8 | uint32(four[2])<<16) >> (i % 4 * 6) & 0x3f)
}

// setDense raises a register of a dense s to rank, and reports whether it was lower.
func setDense(s []byte, i int, rank uint8) (changed bool) {
	old := denseRegister(s, i)
	if old >= rank {
		return false
	}
	four := s[headerSize+i/4*3:]
	change := uint32(old^rank) << (i % 4 * 6)
	four[0] ^= byte(change)
	four[1] ^= byte(change >> 8)
	four[2] ^= byte(change >> 16)
	return true
}

// toDense returns s in the dense form, with the rest of the header as it is.
func toDense(s []byte) ([]byte, error) {
	if isDense(s) {
		return s, nil
	}
	var all registers
	if err := all.absorb(s); err != nil {
		return s, err
	}
	dense := make([]byte, denseSize)
	copy(dense, s[:headerSize])
	dense[encodingAt] = denseEncoding
	for i, rank := range all {
		setDense(dense, i, rank)
	}
	return dense, nil
}
