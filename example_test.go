package slotmesh_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/routing"
)

// More seeds are addr parameters, and printed Options show no password.
func ExampleParseURL() {
	opts, err := slotmesh.ParseURL("redis://ada:pa55@10.0.0.1:7000?addr=10.0.0.2:7000&read_timeout=2s")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(opts)
	fmt.Println(opts.ReadTimeout)
	// Output:
	// slotmesh.Options{Addrs: ["10.0.0.1:7000" "10.0.0.2:7000"], Username: "ada", Password: (set)}
	// 2s
}

// What go-redis's ClusterClient was given can be taken over. What cannot is named.
func ExampleFromClusterOptions() {
	opts, err := slotmesh.FromClusterOptions(&redis.ClusterOptions{
		Addrs:        []string{"10.0.0.1:7000"},
		ReadTimeout:  2 * time.Second,
		PoolSize:     50,
		MinIdleConns: 10,
	})
	fmt.Println(err)
	fmt.Println(opts.Addrs, opts.ReadTimeout)
	// Output:
	// slotmesh: cannot honour redis.ClusterOptions fields: PoolSize, MinIdleConns
	// [10.0.0.1:7000] 2s
}

// What never reached the node may be sent again. What may have run must not.
func ExampleSafeToRetry() {
	refused := &slotmesh.Error{Op: "incr", Addr: "10.0.0.1:7000", Slot: 42, Attempts: 1, Outcome: routing.NotExecuted, Err: errors.New("connection refused")}
	broke := &slotmesh.Error{Op: "incr", Addr: "10.0.0.1:7000", Slot: 42, Attempts: 1, Err: context.DeadlineExceeded}
	for _, err := range []error{refused, broke} {
		fmt.Println(slotmesh.SafeToRetry(err), err)
	}
	// Output:
	// true incr (slot 42) at 10.0.0.1:7000, not executed: connection refused
	// false incr (slot 42) at 10.0.0.1:7000, unknown: context deadline exceeded
}
