package transport

import "time"

// A Clock tells a node the time, and when to act. It is safe for concurrent use.
type Clock interface {
	// Now returns the time.
	Now() time.Time

	// AfterFunc has f called once d has passed. A call of f may come while the one
	// before, after a Reset, is not over.
	AfterFunc(d time.Duration, f func()) Timer
}

// A Timer is what AfterFunc started; *time.Timer is one.
type Timer interface {
	// Stop keeps the func from being called, and returns whether it was going to
	// be. It does not wait for a call that is under way.
	Stop() bool

	// Reset has the func called once d has passed, and not when it was going to be.
	// It returns whether it was going to be.
	Reset(d time.Duration) bool
}

// System returns the clock of package time; in a testing/synctest bubble that is
// the bubble's time. Funcs run in goroutines of their own.
func System() Clock { return system{} }

type system struct{}

func (system) Now() time.Time { return time.Now() }

func (system) AfterFunc(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }
