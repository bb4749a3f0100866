package main

import (
	"context"
	"fmt"
	"strings"
)

// kv is a client as the workloads see it.
type kv interface {
	// get returns the value of a key that exists.
	get(ctx context.Context, key string) (string, error)
	set(ctx context.Context, key, value string) error
	// reads returns the call that reads keys and gives visit each with its value, in
	// any order. What the client's API asks for beyond slices of strings is made here,
	// and not measured; the call may be made by many at once.
	reads(keys []string) readCall
	// writes returns the call that sets each key to the value at its position.
	writes(keys, values []string) writeCall
	// blpop waits for an element of a list that is empty.
	blpop(ctx context.Context, key string) error
	close()
}

type (
	readCall  func(ctx context.Context, visit func(key, value string)) error
	writeCall func(ctx context.Context) error
)

// spec is a client in one configuration.
type spec struct {
	name string
	peer bool // what slotmesh is compared with
	// single and many tell what the configuration is run with.
	single, many bool
	open         func(ctx context.Context, addrs []string) (target, error)
}

func (s spec) runs(c cell) bool { return c.many() && s.many || !c.many() && s.single }

const (
	slotmeshName = "slotmesh"
	floorName    = "floor"
)

var specs = []spec{
	{name: slotmeshName, single: true, many: true, open: over(openSlotmesh)},
	{name: "rueidis", peer: true, single: true, many: true, open: over(openRueidis)},
	{name: "rueidis-multi", peer: true, many: true, open: over(openRueidisMulti)},
	{name: "rueidis-20us", peer: true, single: true, many: true, open: over(openRueidisDelayed)},
	{name: "goredis", peer: true, single: true, many: true, open: over(openGoRedis)},
	{name: "goredis-half", peer: true, single: true, many: true, open: over(openHalfDuplex)},
	{name: "goredis-full", peer: true, single: true, many: true, open: over(openFullDuplex)},
	{name: floorName, single: true, many: true, open: openFloor},
}

// over makes a target of a client, once it has proved to return the right values.
func over[C kv](open func(context.Context, []string) (C, error)) func(context.Context, []string) (target, error) {
	return func(ctx context.Context, addrs []string) (target, error) {
		client, err := open(ctx, addrs)
		if err != nil {
			return nil, err
		}
		if err := verify(ctx, client); err != nil {
			client.close()
			return nil, fmt.Errorf("verify: %w", err)
		}
		return &clientTarget{kv: client}, nil
	}
}

func clientNames() []string {
	names := make([]string, len(specs))
	for i, s := range specs {
		names[i] = s.name
	}
	return names
}

func pickClients(list string) ([]spec, error) {
	if list == "" {
		return specs, nil
	}
	var picked []spec
	for name := range strings.SplitSeq(list, ",") {
		s, err := clientNamed(name)
		if err != nil {
			return nil, err
		}
		picked = append(picked, s)
	}
	return picked, nil
}

func clientNamed(name string) (spec, error) {
	for _, s := range specs {
		if s.name == name {
			return s, nil
		}
	}
	return spec{}, fmt.Errorf("no client %q, there are %s", name, strings.Join(clientNames(), ", "))
}
