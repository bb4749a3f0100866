package main

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"
)

// target is what a worker puts a cell's load on.
type target interface {
	// load prepares the cell and returns its callers. They run until their counter says
	// stop, and again in the next slice.
	load(ctx context.Context, c cell) ([]caller, error)
	close()
}

type caller func(*counter) error

// sample is what one slice, or the medians of several, came to.
type sample struct {
	Calls    float64       // completed in the window
	Elapsed  time.Duration // the window
	PerSec   float64       // calls
	P50, P99 time.Duration // of a call
	CPU      time.Duration // of a call; 0 with spinning goroutines
	Allocs   float64       // of a call
	Bytes    float64       // allocated, of a call
}

// counter is what one caller has completed.
type counter struct {
	meter *meter
	keys  atomic.Int64
	_     [48]byte // counters of others lie in other cache lines
}

// done counts what has completed: keys, not calls.
func (c *counter) done(keys int) { c.keys.Add(int64(keys)) }

func (c *counter) running() bool { return c.meter.phase.Load() != stopped }

// took notes the latency of one call, if it ended in the window.
func (c *counter) took(d time.Duration) {
	if c.meter.phase.Load() == counting {
		c.meter.latency.add(d)
	}
}

const (
	ramping = iota
	counting
	stopped
)

// meter counts what the callers of one slice complete.
type meter struct {
	phase    atomic.Int32
	counters []counter
	latency  histogram
}

// measure runs the callers for one slice.
func measure(callers []caller, c cell, ramp, window time.Duration) (sample, error) {
	m := &meter{counters: make([]counter, len(callers))}
	start := make(chan struct{})
	ends := make(chan error, len(callers))
	for i, call := range callers {
		m.counters[i].meter = m
		go func() {
			<-start
			ends <- call(&m.counters[i])
		}()
	}
	if c.Spin {
		defer spin(2 * runtime.GOMAXPROCS(0))()
	}
	close(start)
	failed := wait(ramp, ends)
	before := m.take()
	m.phase.Store(counting)
	if failed == nil {
		failed = wait(window, ends)
	}
	after := m.take()
	m.phase.Store(stopped)
	if failed != nil {
		return sample{}, failed
	}
	for range callers {
		if err := <-ends; err != nil {
			return sample{}, err
		}
	}
	return m.sample(c, before, after), nil
}

// wait waits for d, or for the error of a caller.
func wait(d time.Duration, ends <-chan error) error {
	select {
	case err := <-ends:
		return err
	case <-time.After(d):
		return nil
	}
}

// spin starts n goroutines that compute until stop is called.
func spin(n int) (stop func()) {
	var stopped atomic.Bool
	for range n {
		go func() {
			rng := rand.NewPCG(1, 2)
			for !stopped.Load() {
				rng.Uint64()
			}
		}()
	}
	return func() { stopped.Store(true) }
}

// snapshot is what had been used at some time.
type snapshot struct {
	at     time.Time
	keys   int64
	cpu    time.Duration
	allocs uint64
	bytes  uint64
}

func (m *meter) take() snapshot {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	s := snapshot{allocs: memory.Mallocs, bytes: memory.TotalAlloc, cpu: processorTime(), at: time.Now()}
	for i := range m.counters {
		s.keys += m.counters[i].keys.Load()
	}
	return s
}

func (m *meter) sample(c cell, before, after snapshot) sample {
	s := sample{
		Calls:   float64(after.keys-before.keys) / float64(c.Keys),
		Elapsed: after.at.Sub(before.at),
		P50:     m.latency.quantile(0.50),
		P99:     m.latency.quantile(0.99),
	}
	s.PerSec = s.Calls / s.Elapsed.Seconds()
	if s.Calls == 0 {
		return s
	}
	s.Allocs = float64(after.allocs-before.allocs) / s.Calls
	s.Bytes = float64(after.bytes-before.bytes) / s.Calls
	if !c.Spin {
		s.CPU = time.Duration(float64(after.cpu-before.cpu) / s.Calls)
	}
	return s
}
