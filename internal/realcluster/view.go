package realcluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

// A view is what one node believes about who serves what, in the order of the slots.
type view []shardRange

// A shardRange is a range of slots and the addresses of those who have its data,
// the master first, the replicas sorted.
type shardRange struct {
	first, last int64
	addrs       []string
}

// view asks the node for CLUSTER SLOTS.
func (c *Cluster) view(ctx context.Context, n *node) (view, error) {
	reply, err := c.call(ctx, n, "CLUSTER", "SLOTS")
	if err != nil {
		return nil, err
	}
	v, err := parseView(reply)
	if err != nil {
		return nil, fmt.Errorf("CLUSTER SLOTS to %s: %w", n.addr, err)
	}
	return v, nil
}

var errReplyShape = errors.New("unexpected shape of reply")

func parseView(reply any) (view, error) {
	entries, ok := reply.([]any)
	if !ok {
		return nil, errReplyShape
	}
	v := make(view, len(entries))
	for i, entry := range entries {
		r, err := parseRange(entry)
		if err != nil {
			return nil, err
		}
		v[i] = r
	}
	slices.SortFunc(v, func(a, b shardRange) int { return cmp.Compare(a.first, b.first) })
	return v, nil
}

// parseRange takes nodes by their ports alone. The hosts depend on
// cluster-preferred-endpoint-type, and a node that has not met anybody does not
// know its own.
func parseRange(entry any) (r shardRange, err error) {
	parts, ok := entry.([]any)
	if !ok || len(parts) < 3 {
		return r, errReplyShape
	}
	first, isFirst := parts[0].(int64)
	last, isLast := parts[1].(int64)
	if !isFirst || !isLast {
		return r, errReplyShape
	}
	r = shardRange{first: first, last: last}
	for _, part := range parts[2:] {
		node, ok := part.([]any)
		if !ok || len(node) < 2 {
			return r, errReplyShape
		}
		port, ok := node[1].(int64)
		if !ok {
			return r, errReplyShape
		}
		r.addrs = append(r.addrs, loopback(int(port)))
	}
	slices.Sort(r.addrs[1:])
	return r, nil
}

func (v view) equal(other view) bool {
	return slices.EqualFunc(v, other, func(a, b shardRange) bool {
		return a.first == b.first && a.last == b.last && slices.Equal(a.addrs, b.addrs)
	})
}

// owner returns the address of the master of slot, or "".
func (v view) owner(slot uint16) string {
	for _, r := range v {
		if r.first <= int64(slot) && int64(slot) <= r.last {
			return r.addrs[0]
		}
	}
	return ""
}

// lists reports whether addr is a replica of some range.
func (v view) lists(addr string) bool {
	return slices.ContainsFunc(v, func(r shardRange) bool { return slices.Contains(r.addrs[1:], addr) })
}

// Owner returns the address of the master that serves slot, as the first live
// node that answers sees it. Shortly after a failover nodes may not agree.
func (c *Cluster) Owner(ctx context.Context, slot uint16) (addr string, err error) {
	n, err := c.owner(ctx, slot)
	if err != nil {
		return "", fmt.Errorf("realcluster: owner of slot %d: %w", slot, err)
	}
	return n.addr, nil
}

func (c *Cluster) owner(ctx context.Context, slot uint16) (*node, error) {
	var errs []error
	for _, n := range c.live() {
		v, err := c.view(ctx, n)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		addr := v.owner(slot)
		if addr == "" {
			return nil, fmt.Errorf("%s knows of none", n.addr)
		}
		return c.lookup(addr)
	}
	return nil, errors.Join(append(errs, errNoneLive)...)
}

var errNoneLive = errors.New("no other live node to ask")
