package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/slotmesh/slotmesh/clustertest"
	"github.com/slotmesh/slotmesh/slotmap"
)

// introduce prints who the nodes are and how to reach them.
func introduce(ctx context.Context, c *clustertest.Cluster, out io.Writer) error {
	roles, err := roles(ctx, c)
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(c.Addrs()[0])
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "A Redis Cluster in this process:\n\n  %-18s %-8s %s\n", "node", "role", "slots")
	for _, addr := range c.Addrs() {
		fmt.Fprintf(out, "  %-18s %s\n", addr, roles[addr])
	}
	fmt.Fprintf(out, "\n  redis-cli -c -p %s\n\nNothing happens to it by itself: type a command, such as help. ^C ends it.\n\n", port)
	return nil
}

// roles asks the first node what the node at each address is and does.
func roles(ctx context.Context, c *clustertest.Cluster) (map[string]string, error) {
	first := c.Addrs()[0]
	reply, err := c.Do(ctx, first, "cluster", "slots")
	if err != nil {
		return nil, err
	}
	entries, _ := reply.([]any) // what is none has no entries
	slots, err := slotmap.Parse(entries, first)
	if err != nil {
		return nil, err
	}
	roles := make(map[string]string)
	for _, shard := range slots.Shards() {
		ranges := strings.Trim(fmt.Sprint(shard.Ranges), "[]")
		roles[shard.Master.Addr] = fmt.Sprintf("%-8s %s", "master", ranges)
		for _, replica := range shard.Replicas {
			roles[replica.Addr] = fmt.Sprintf("%-8s of %s", "replica", shard.Master.Addr)
		}
	}
	return roles, nil
}
