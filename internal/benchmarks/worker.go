package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

const workerEnv = "SLOTMESH_BENCHMARKS_WORKER"

// isWorker tells whether this process was started as a worker.
func isWorker() bool { return os.Getenv(workerEnv) != "" }

// workerMain answers requests until standard input ends. It ends at once then, whatever
// runs: the driver is gone or wants it so.
func workerMain() {
	signal.Ignore(os.Interrupt, syscall.SIGTERM) // the driver gets them too
	lines := make(chan []byte)
	go func() {
		in := bufio.NewScanner(os.Stdin)
		in.Buffer(nil, megabyte)
		for in.Scan() {
			lines <- append([]byte(nil), in.Bytes()...)
		}
		os.Exit(0)
	}()
	var w workerState
	out := json.NewEncoder(os.Stdout)
	for line := range lines {
		reply, err := w.handle(line)
		if err != nil {
			reply.Error = err.Error()
		}
		if err := out.Encode(reply); err != nil {
			fmt.Fprintln(os.Stderr, "benchmarks: worker:", err)
			os.Exit(1)
		}
	}
}

// workerState is a worker's client, and the cell that it is prepared for.
type workerState struct {
	target  target
	cell    cell
	callers []caller
}

var errNotOpen = errors.New("the first request must open a client")

func (w *workerState) handle(line []byte) (response, error) {
	var r request
	if err := json.Unmarshal(line, &r); err != nil {
		return response{}, err
	}
	switch {
	case r.Open != nil:
		return response{}, w.open(r.Open)
	case w.target == nil:
		return response{}, errNotOpen
	case r.Measure != nil:
		return w.measure(r.Measure)
	case r.Cancel != nil:
		return w.cancel(r.Cancel)
	}
	return response{}, errors.New("nothing is asked for")
}

func (w *workerState) open(r *openRequest) error {
	s, err := clientNamed(r.Client)
	if err == nil {
		w.target, err = s.open(context.Background(), r.Addrs)
	}
	return err
}

func (w *workerState) measure(r *measureRequest) (response, error) {
	if w.cell != r.Cell {
		w.cell, w.callers = r.Cell, nil // what the last cell prepared is garbage
		callers, err := w.target.load(context.Background(), r.Cell)
		if err != nil {
			w.cell = cell{}
			return response{}, err
		}
		w.callers = callers
	}
	s, err := measure(w.callers, r.Cell, r.Ramp, r.Window)
	return response{Sample: &s}, err
}
