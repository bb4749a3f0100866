//go:build unix

package main

import (
	"syscall"
	"time"
)

// processorTime returns what this process has used so far, in user and kernel mode.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // its arguments are right
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
