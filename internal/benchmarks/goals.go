package main

import "runtime"

// goal is what slotmesh's throughput is to be, as a multiple of that of the best peer.
type goal struct {
	ratio float64
	peers string // the peers that count are those whose names begin so
}

// single is by the number of goroutines, for GET and SET alike.
var single = map[int]float64{1: 0.95, 16: 1.2, 64: 1.3, 256: 1.25, 1024: 1.3}

// multiple is by the number of callers and of keys, for MGET and MSET alike.
var multiple = map[int]map[int]float64{
	1:  {10: 1.05, 100: 1.2, 1000: 1.4},
	32: {10: 2.2, 100: 1.6, 1000: 1.5},
}

// goalOf returns the goal of the cell, if it has one.
func goalOf(c cell) (goal, bool) {
	if c.Spin {
		return goal{ratio: 1, peers: "goredis"}, true
	}
	if c.Size != 64 || c.Procs != runtime.GOMAXPROCS(0) {
		return goal{}, false
	}
	ratio, ok := single[c.Callers]
	if c.many() {
		ratio, ok = multiple[c.Callers][c.Keys]
	}
	return goal{ratio: ratio}, ok
}
