package main

import (
	"fmt"
	"regexp"
	"runtime"
	"time"
)

// cell is one workload. It travels to the workers as it is.
type cell struct {
	Command string // get, set, mget or mset
	Keys    int    // of one call: 1 for get and set
	Size    int    // of a value, in bytes
	Callers int    // goroutines that call, one call at a time each
	Spin    bool   // 2 x GOMAXPROCS goroutines spin besides
	Procs   int    // GOMAXPROCS
}

// name tells the cell apart from all others. GOMAXPROCS is left out where it is the
// machine's.
func (c cell) name() string {
	name := c.Command
	if c.many() {
		name += fmt.Sprint(c.Keys)
	}
	name += fmt.Sprintf("/%s/%d", sizeName(c.Size), c.Callers)
	if c.Spin {
		name += "/spin"
	}
	if c.Procs != runtime.GOMAXPROCS(0) {
		name += fmt.Sprintf("/p%d", c.Procs)
	}
	return name
}

func (c cell) many() bool  { return c.Command == "mget" || c.Command == "mset" }
func (c cell) reads() bool { return c.Command == "get" || c.Command == "mget" }

const megabyte = 1 << 20

// window is how long a slice counts. Where few calls fit into base it is longer.
func (c cell) window(base time.Duration) time.Duration {
	if c.Keys*c.Size*c.Callers > 8*megabyte || c.Keys >= 10_000 {
		base *= 3
	}
	if c.Spin {
		base *= 2
	}
	return base
}

var (
	goroutines   = []int{1, 4, 16, 64, 256, 1024}
	keysPerCall  = []int{10, 100, 1000, 10_000}
	manyCallers  = []int{1, 32}
	sizes        = []int{64, 1 << 10, 64 << 10}
	goalRoutines = []int{1, 16, 64, 256, 1024}
	goalKeys     = []int{10, 100, 1000}
)

// goalShapes are the cells that have a goal without spinning goroutines.
func goalShapes() []cell { return shapes([]int{64}, goalRoutines, goalKeys) }

func fullShapes() []cell { return shapes(sizes, goroutines, keysPerCall) }

// shapes returns the cells, but for GOMAXPROCS and spinning goroutines. Calls of more
// than 16 MB are left out: they measure memory.
func shapes(sizes, routines, keys []int) []cell {
	var cells []cell
	for _, size := range sizes {
		for _, command := range []string{"get", "set"} {
			for _, n := range routines {
				cells = append(cells, cell{Command: command, Keys: 1, Size: size, Callers: n})
			}
		}
		for _, command := range []string{"mget", "mset"} {
			for _, n := range keys {
				for _, callers := range manyCallers {
					if n*size <= 16*megabyte {
						cells = append(cells, cell{Command: command, Keys: n, Size: size, Callers: callers})
					}
				}
			}
		}
	}
	return cells
}

// allCells returns each shape under each condition, those of one GOMAXPROCS together,
// for which the workers have to be started anew.
func allCells(shapes []cell, spins []bool, procs []int) []cell {
	var cells []cell
	for _, n := range procs {
		for _, spin := range spins {
			for _, c := range shapes {
				c.Procs, c.Spin = n, spin
				cells = append(cells, c)
			}
		}
	}
	return cells
}

func matching(cells []cell, pattern *regexp.Regexp) []cell {
	var matched []cell
	for _, c := range cells {
		if pattern.MatchString(c.name()) {
			matched = append(matched, c)
		}
	}
	return matched
}

func sizeName(size int) string {
	if size >= 1<<10 {
		return fmt.Sprintf("%dKB", size>>10)
	}
	return fmt.Sprintf("%dB", size)
}
