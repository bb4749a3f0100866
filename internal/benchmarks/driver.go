package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// driver runs cells in rounds, in which every client has one slice.
type driver struct {
	addrs   []string
	clients []spec
	rounds  int
	slice   time.Duration
	errors  io.Writer

	procs     int // GOMAXPROCS of the processes
	processes map[string]*process
}

// run runs one cell. A client that fails is left out of the rest of it; the error is that
// of ctx.
func (d *driver) run(ctx context.Context, c cell) (*result, error) {
	d.under(c.Procs)
	r := &result{Name: c.name(), Cell: c}
	for _, s := range d.clients {
		if s.runs(c) {
			r.Clients = append(r.Clients, &clientResult{Client: s.name, spec: s})
		}
	}
	window := c.window(d.slice)
	d.round(ctx, c, r.Clients, 0, window/4) // connections and caches warm up
	for _, client := range r.Clients {
		client.Rounds = nil
	}
	for i := range d.rounds {
		d.round(ctx, c, r.Clients, i, window)
	}
	for _, client := range r.Clients {
		client.Median = medians(client.Rounds)
		if client.Median.Calls == 0 && client.Error == "" && ctx.Err() == nil {
			d.fail(c, client, fmt.Errorf("%s: no call ends within %v", client.Client, window))
		}
	}
	return r, ctx.Err()
}

// round gives each client a slice. Who is first rotates.
func (d *driver) round(ctx context.Context, c cell, clients []*clientResult, n int, window time.Duration) {
	for i := range clients {
		client := clients[(n+i)%len(clients)]
		if client.Error != "" || ctx.Err() != nil {
			continue
		}
		s, err := d.runSlice(ctx, c, client.Client, window)
		if err != nil && ctx.Err() == nil {
			d.fail(c, client, err)
		}
		client.Rounds = append(client.Rounds, s)
	}
}

func (d *driver) fail(c cell, client *clientResult, err error) {
	client.Error = err.Error()
	fmt.Fprintf(d.errors, "FAILED %s: %v\n", c.name(), err)
}

func (d *driver) runSlice(ctx context.Context, c cell, client string, window time.Duration) (sample, error) {
	p, err := d.process(ctx, client)
	if err != nil {
		return sample{}, err
	}
	ramp := max(20*time.Millisecond, window/8)
	reply, err := p.ask(request{Measure: &measureRequest{Cell: c, Ramp: ramp, Window: window}}, ramp+window)
	if err != nil {
		d.end(client)
		return sample{}, err
	}
	return *reply.Sample, nil
}

// process returns the client's process, started if need be.
func (d *driver) process(ctx context.Context, client string) (*process, error) {
	if p, ok := d.processes[client]; ok {
		return p, nil
	}
	p, err := start(ctx, client, d.addrs, d.procs)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", client, err)
	}
	d.processes[client] = p
	return p, nil
}

func (d *driver) end(client string) {
	d.processes[client].close()
	delete(d.processes, client)
}

// under ends the processes that run under another GOMAXPROCS.
func (d *driver) under(procs int) {
	if d.procs != procs || d.processes == nil {
		d.close()
		d.procs, d.processes = procs, map[string]*process{}
	}
}

func (d *driver) close() {
	var ends sync.WaitGroup
	for _, p := range d.processes {
		ends.Go(p.close)
	}
	ends.Wait()
	d.processes = nil
}
