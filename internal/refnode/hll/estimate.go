package hll

import "math"

// maxRank is what a register is if all the bits of a hash above the index are 0.
const maxRank = rankBits + 1

// A histogram says how many registers have each value. What a dense string may hold above
// maxRank counts for nothing.
type histogram [64]int

// histogramOf returns the histogram of s.
func histogramOf(s []byte) (h histogram, err error) {
	if isDense(s) {
		for i := range registerCount {
			h[denseRegister(s, i)]++
		}
		return h, nil
	}
	total := 0
	for _, r := range runs(s) {
		h[r.value] += r.length
		total += r.length
	}
	if total != registerCount {
		return h, ErrCorrupted
	}
	return h, nil
}

func (all *registers) histogram() (h histogram) {
	for _, value := range all {
		h[value]++
	}
	return h
}

// estimate returns the cardinality, as Otmar Ertl estimates it in "New cardinality
// estimation algorithms for HyperLogLog sketches" (2017), algorithm 6.
//
// Products are converted to float64 here and below so that no processor adds to them
// before they are rounded: the result is to be that of the server, to the last digit.
func (h histogram) estimate() uint64 {
	const (
		m     = float64(registerCount)
		alpha = 0.721347520444481703680 // 1 / (2 ln 2)
	)
	z := m * tau((m-float64(h[maxRank]))/m)
	for rank := rankBits; rank >= 1; rank-- {
		z = (z + float64(h[rank])) * 0.5
	}
	z += float64(m * sigma(float64(h[0])/m))
	n := math.Round(alpha * m * m / z)
	if n >= 1<<63 {
		return 1 << 63
	}
	return uint64(n)
}

// tau is x, of the registers that are not at maxRank, as the estimate takes it.
func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z := 1.0, 1-x
	for {
		before := z
		x = math.Sqrt(x)
		y *= 0.5
		z -= float64(float64((1-x)*(1-x)) * y)
		if z == before {
			return z / 3
		}
	}
}

// sigma is x, of the registers that are 0, as the estimate takes it.
func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z := 1.0, x
	for {
		before := z
		x *= x
		z += float64(x * y)
		y += y
		if z == before {
			return z
		}
	}
}
