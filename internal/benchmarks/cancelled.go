package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// cancelRequest asks for calls that are cancelled while they wait, one after the other.
type cancelRequest struct {
	Command string // get or blpop
	Key     string
	Others  int // calls that wait meanwhile, and are not cancelled
	Calls   int
}

// cancelled is how long after cancel the calls returned. Late ones did not within
// cancelLimit; after lateEnough of them no more are made.
type cancelled struct {
	Took []time.Duration
	Late int
}

const (
	cancelAfter = 5 * time.Millisecond // a call waits by then
	cancelLimit = time.Second
	lateEnough  = 3
)

func (w *workerState) cancel(r *cancelRequest) (response, error) {
	t, ok := w.target.(*clientTarget)
	if !ok {
		return response{}, errors.New("has no calls to cancel")
	}
	call := func(ctx context.Context) error {
		if r.Command == "blpop" {
			return t.blpop(ctx, r.Key)
		}
		_, err := t.get(ctx, r.Key)
		return err
	}
	crowd, disperse := context.WithTimeout(context.Background(), deadline)
	defer disperse()
	for range r.Others {
		go func() { _ = call(crowd) }() // how it ends is of no interest
	}
	time.Sleep(time.Duration(r.Others) * time.Millisecond) // they wait by then
	var c cancelled
	for range r.Calls {
		took, err := cancelOne(call)
		switch {
		case errors.Is(err, errLate):
			c.Late++
		case err != nil:
			return response{}, err
		default:
			c.Took = append(c.Took, took)
		}
		if c.Late == lateEnough {
			break
		}
	}
	return response{Cancelled: &c}, nil
}

var errLate = errors.New("has not returned in time")

// cancelOne makes a call, cancels it and waits for its return.
func cancelOne(call func(context.Context) error) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	type end struct {
		at  time.Time
		err error
	}
	ends := make(chan end, 1)
	go func() {
		err := call(ctx)
		ends <- end{time.Now(), err}
	}()
	select {
	case e := <-ends:
		return 0, fmt.Errorf("a call returned before it was cancelled: %v", e.err)
	case <-time.After(cancelAfter):
	}
	start := time.Now()
	cancel()
	select {
	case e := <-ends:
		return e.at.Sub(start), nil
	case <-time.After(cancelLimit):
		return 0, errLate
	}
}
