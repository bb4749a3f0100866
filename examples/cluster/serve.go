package main

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/slotmesh/slotmesh/clustertest"
)

// serve runs a cluster until ctx ends.
func serve(ctx context.Context, cfg clustertest.Config, stdin io.ReadCloser, stdout io.Writer) (err error) {
	var work sync.WaitGroup
	defer work.Wait()
	defer stdin.Close()
	changed := make(chan struct{}, 1)
	cfg.OnEvent = func(clustertest.Event) {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	c, err := clustertest.New(cfg)
	if err != nil {
		return err
	}
	// Closing it ends a command that waits for one of its nodes.
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := introduce(context.WithoutCancel(ctx), c, stdout); err != nil {
		return err
	}
	lines := make(chan string)
	work.Go(func() { read(ctx, stdin, lines) })
	console := &console{cluster: c, out: stdout, changed: changed, work: &work}
	console.run(ctx, lines)
	return nil
}
