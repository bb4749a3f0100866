package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/internal/realcluster"
)

// state is what a call waits for when it is cancelled.
type state struct {
	name    string
	silent  bool // the node is stopped
	others  int  // callers that already wait for the node
	command string
}

var states = []state{
	{name: "GET, the node is silent", silent: true, command: "get"},
	{name: "GET behind 256 others, the node is silent", silent: true, others: 256, command: "get"},
	{name: "BLPOP without end", command: "blpop"},
}

// showCancel prints how long after cancel a call returns, for each client in each state.
func showCancel(ctx context.Context, s *settings, w io.Writer) (err error) {
	if s.addrs != nil {
		return errors.New("-cancel stops a node: it does not go with -addrs")
	}
	cluster, err := startCluster(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Close()) }()
	key, err := keyOf(ctx, cluster, cluster.Masters()[0])
	if err != nil {
		return err
	}
	for _, st := range states {
		fmt.Fprintf(w, "\n%s\n", st.name)
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintf(table, "client\tp50\tp99\tmax\tcalls\tnot within %v\t\n", cancelLimit)
		for _, c := range s.clients {
			if !c.single || c.name == floorName {
				continue
			}
			times, err := cancelIn(ctx, cluster, c, st, key, s.samples)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				return fmt.Errorf("%s: %w", st.name, err)
			}
			printCancelled(table, c.name, times)
		}
		_ = table.Flush()
	}
	return nil
}

// keyOf returns the name of a key that the master at addr serves.
func keyOf(ctx context.Context, cluster *realcluster.Cluster, addr string) (string, error) {
	for i := 0; ; i++ {
		key := fmt.Sprintf("bench:cancel:%d", i)
		owner, err := cluster.Owner(ctx, hashtag.Slot(key))
		if err != nil || owner == addr {
			return key, err
		}
	}
}

// cancelIn has a new process cancel calls for key, which the first master serves.
func cancelIn(ctx context.Context, cluster *realcluster.Cluster, c spec, st state, key string, n int) (times *cancelled, err error) {
	p, err := start(ctx, c.name, cluster.Addrs(), runtime.GOMAXPROCS(0))
	if err != nil {
		return nil, err
	}
	defer p.close()
	if st.silent {
		addr := cluster.Masters()[0]
		if err := cluster.Pause(addr); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, cluster.Resume(addr)) }()
	}
	r := &cancelRequest{Command: st.command, Key: key, Others: st.others, Calls: n}
	reply, err := p.ask(request{Cancel: r}, time.Duration(n)*cancelAfter)
	return reply.Cancelled, err
}

func printCancelled(w io.Writer, client string, times *cancelled) {
	sorted := slices.Sorted(slices.Values(times.Took))
	at := func(q float64) string {
		if len(sorted) == 0 {
			return ""
		}
		return short(sorted[min(int(q*float64(len(sorted))), len(sorted)-1)])
	}
	late := choose(times.Late == 0, "", fmt.Sprint(times.Late))
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t\n", client, at(0.50), at(0.99), at(1), len(sorted)+times.Late, late)
}
