package batch_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/slotmesh/slotmesh/batch"
	"github.com/slotmesh/slotmesh/routing"
	"github.com/slotmesh/slotmesh/slotmap"
)

// exampleMap is the slot map of three masters, as client.SlotMap() returns it.
func exampleMap() *slotmap.Map {
	m, err := slotmap.Parse([]any{
		[]any{int64(0), int64(5460), []any{"10.0.0.1", int64(7000)}},
		[]any{int64(5461), int64(10922), []any{"10.0.0.2", int64(7000)}},
		[]any{int64(10923), int64(16383), []any{"10.0.0.3", int64(7000)}},
	}, "10.0.0.1:7000")
	if err != nil {
		log.Fatal(err)
	}
	return m
}

// A plan tells what a call will cost before anything is sent.
func ExampleNewPlan() {
	keys := []string{"user:1", "user:2", "user:3", "{user:1}:mail", "user:4"}
	plan := batch.NewPlan(exampleMap(), keys)
	fmt.Print(plan)
	for _, s := range []batch.Strategy{batch.Serial, batch.Pipelined, batch.Parallel} {
		fmt.Printf("%-9s requests: %d, waits: %d\n", s, plan.Requests(s), plan.Waits(s))
	}
	// Output:
	// 5 keys in 4 slots on 3 nodes
	//   10.0.0.1:7000         1 key in 1 slot
	//   10.0.0.2:7000         3 keys in 2 slots
	//   10.0.0.3:7000         1 key in 1 slot
	// serial    requests: 5, waits: 5
	// pipelined requests: 4, waits: 3
	// parallel  requests: 4, waits: 1
}

// A key that does not exist is missing, and no error.
func ExampleMGet() {
	ctx := context.Background()
	client := newMemory(exampleMap(), "user:1", "Ada", "user:3", "Grace")

	users, err := batch.MGet(ctx, client, []string{"user:1", "user:2", "user:3"})
	if err != nil {
		log.Fatal(err)
	}
	for key, user := range users.All() {
		if user.OK {
			fmt.Println(key, "is", user.Data)
		} else {
			fmt.Println(key, "is missing")
		}
	}
	// Output:
	// user:1 is Ada
	// user:2 is missing
	// user:3 is Grace
}

// A PartialError tells which keys failed, and what is known of each.
func ExampleMSet() {
	ctx := context.Background()
	client := newMemory(exampleMap())
	client.answer = func(keys []string) reaction {
		if keys[0] == "user:2" { // its node breaks the connection
			return failed(routing.Unknown, errors.New("connection reset by peer"))
		}
		return ran
	}

	done, err := batch.MSet(ctx, client, []batch.Pair{
		{Key: "user:1", Value: "Ada"},
		{Key: "user:2", Value: "Alan"},
		{Key: "user:3", Value: "Grace"},
	})
	var partial *batch.PartialError
	if errors.As(err, &partial) {
		for _, f := range partial.Failed {
			fmt.Printf("%s: %v, %v\n", f.Key, f.Outcome, errors.Unwrap(f.Err))
		}
	}
	fmt.Println(done.Count(), "were set")
	// Output:
	// user:2: unknown, connection reset by peer
	// 2 were set
}
