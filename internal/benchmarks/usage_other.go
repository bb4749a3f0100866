//go:build !unix

package main

import "time"

// processorTime is not known: there is no getrusage.
func processorTime() time.Duration { return 0 }
