package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/slotmesh/slotmesh/clustertest"
)

// A console prints what happens to the cluster and carries out what is typed, one command
// at a time. Only run writes.
type console struct {
	cluster *clustertest.Cluster
	out     io.Writer
	changed <-chan struct{} // receives if there may be an event that was not printed
	work    *sync.WaitGroup // the command that runs is among it
	printed int             // events
}

// run returns when ctx ends. A command may still run then.
func (c *console) run(ctx context.Context, lines <-chan string) {
	answers := make(chan string, 1)
	next := lines // nil while a command runs, and after the end of input
	for {
		select {
		case <-ctx.Done():
			c.events()
			return
		case <-c.changed:
			c.events()
		case line, ok := <-next:
			next = nil
			if ok {
				c.work.Go(func() { answers <- answer(ctx, c.cluster, line) })
			}
		case text := <-answers:
			c.events()
			fmt.Fprint(c.out, text)
			next = lines
		}
	}
}

// events prints those that were not printed yet.
func (c *console) events() {
	all := c.cluster.Events()
	for _, e := range all[c.printed:] {
		fmt.Fprintln(c.out, e)
	}
	c.printed = len(all)
}

// read reads lines until there are no more, or ctx ends, and closes lines.
func read(ctx context.Context, from io.Reader, lines chan<- string) {
	defer close(lines)
	r := bufio.NewReader(from)
	for {
		line, err := r.ReadString('\n')
		select {
		case lines <- line:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}
