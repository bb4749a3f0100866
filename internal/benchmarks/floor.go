package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/slotmap"
)

// floor is what is left when a client does nothing: requests that were encoded
// beforehand, on one connection per node, and replies that are counted.
type floor struct {
	slots *slotmap.Map
	nodes []*floorNode
	deck  deck
}

// floorNode is a master with its connection.
type floorNode struct {
	addr string
	conn net.Conn

	requests []byte
	ends     []int // where each request ends
	next     int   // the request to be sent next
	reply    string
	buf      []byte
}

func openFloor(ctx context.Context, addrs []string) (target, error) {
	slots, err := loadSlots(ctx, addrs[0])
	if err != nil {
		return nil, err
	}
	f := &floor{slots: slots}
	for _, shard := range slots.Shards() {
		conn, err := net.Dial("tcp", shard.Master.Addr)
		if err != nil {
			f.close()
			return nil, err
		}
		f.nodes = append(f.nodes, &floorNode{addr: shard.Master.Addr, conn: conn, buf: make([]byte, 256<<10)})
	}
	return f, nil
}

func loadSlots(ctx context.Context, addr string) (*slotmap.Map, error) {
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer client.Close()
	reply, err := client.Do(ctx, "cluster", "slots").Slice()
	if err != nil {
		return nil, err
	}
	return slotmap.Parse(reply, addr)
}

func (f *floor) close() {
	for _, n := range f.nodes {
		_ = n.conn.Close()
	}
}

// load returns one caller for each node, or one for all if the cell has one caller.
func (f *floor) load(_ context.Context, c cell) ([]caller, error) {
	names := f.deck.shuffled(c.Size)
	for _, n := range f.nodes {
		f.encode(n, c, names)
		if err := n.check(); err != nil {
			return nil, err
		}
	}
	if c.Callers == 1 {
		return []caller{f.lockstep(c)}, nil
	}
	var callers []caller
	for i, n := range f.nodes {
		unit, depth := 1, share(c.Callers, len(f.nodes), i)
		if c.many() {
			unit, depth = share(c.Keys, len(f.nodes), i), c.Callers
		}
		if unit*depth > 0 {
			callers = append(callers, func(count *counter) error { return n.stream(count, unit, depth) })
		}
	}
	return callers, nil
}

// share returns the part of n that falls to number i of so many.
func share(n, of, i int) int { return (i+1)*n/of - i*n/of }

// encode makes requests for those of the keys that the node serves, up to 8 MB.
func (f *floor) encode(n *floorNode, c cell, names []string) {
	n.requests, n.ends, n.next = nil, nil, 0
	value := valueOf(c.Size)
	for _, name := range names {
		if f.slots.Master(hashtag.Slot(name)) != n.addr || len(n.requests) > 8*megabyte {
			continue
		}
		args := []string{"GET", name}
		if !c.reads() {
			args = []string{"SET", name, value}
		}
		n.requests = appendRequest(n.requests, args)
		n.ends = append(n.ends, len(n.requests))
	}
	n.reply = "+OK\r\n"
	if c.reads() {
		n.reply = fmt.Sprintf("$%d\r\n%s\r\n", c.Size, value)
	}
}

func appendRequest(dst []byte, args []string) []byte {
	dst = fmt.Appendf(dst, "*%d\r\n", len(args))
	for _, arg := range args {
		dst = fmt.Appendf(dst, "$%d\r\n%s\r\n", len(arg), arg)
	}
	return dst
}

// check sends one request and looks at the reply.
func (n *floorNode) check() error {
	if err := n.conn.SetDeadline(time.Now().Add(deadline)); err != nil {
		return err
	}
	if err := n.send(1); err != nil {
		return err
	}
	var got strings.Builder
	for got.Len() < len(n.reply) {
		read, err := n.conn.Read(n.buf)
		if err != nil {
			return err
		}
		got.Write(n.buf[:read])
		if !strings.HasPrefix(n.reply, got.String()) {
			return fmt.Errorf("floor: unexpected reply %.100q", got.String())
		}
	}
	return nil
}

// send writes the next requests, as they lie in memory.
func (n *floorNode) send(requests int) error {
	for requests > 0 {
		first := n.next
		n.next = min(first+requests, len(n.ends))
		requests -= n.next - first
		start := 0
		if first > 0 {
			start = n.ends[first-1]
		}
		if _, err := n.conn.Write(n.requests[start:n.ends[n.next-1]]); err != nil {
			return err
		}
		n.next %= len(n.ends)
	}
	return nil
}

// receive reads once and returns how many replies ended. part is how many bytes of a
// reply were read before.
func (n *floorNode) receive(part *int) (replies int, err error) {
	read, err := n.conn.Read(n.buf)
	if err != nil {
		return 0, err
	}
	if *part == 0 && n.buf[0] != n.reply[0] {
		return 0, fmt.Errorf("floor: unexpected reply %.100q", n.buf[:read])
	}
	*part += read
	replies = *part / len(n.reply)
	*part %= len(n.reply)
	return replies, nil
}

// lockstep is a single caller: what it sends it waits for. A call for one key goes to
// a random node, one for many to all of them at once.
func (f *floor) lockstep(c cell) caller {
	return func(count *counter) error {
		if err := f.setDeadline(); err != nil {
			return err
		}
		for count.running() {
			nodes := f.nodes
			if !c.many() {
				i := rand.IntN(len(f.nodes))
				nodes = f.nodes[i : i+1]
			}
			start := time.Now()
			if err := call(nodes, c.Keys); err != nil {
				return err
			}
			count.took(time.Since(start))
			count.done(c.Keys)
		}
		return nil
	}
}

// call sends requests, spread evenly over the nodes, and waits for the replies.
func call(nodes []*floorNode, requests int) error {
	for i, n := range nodes {
		if err := n.send(share(requests, len(nodes), i)); err != nil {
			return err
		}
	}
	for i, n := range nodes {
		part := 0
		for missing := share(requests, len(nodes), i); missing > 0; {
			replies, err := n.receive(&part)
			if err != nil {
				return err
			}
			missing -= replies
		}
	}
	return nil
}

func (f *floor) setDeadline() error {
	for _, n := range f.nodes {
		if err := n.conn.SetDeadline(time.Now().Add(deadline)); err != nil {
			return err
		}
	}
	return nil
}

// stream keeps depth units of requests on their way: as many as were answered are sent.
func (n *floorNode) stream(count *counter, unit, depth int) error {
	if err := n.conn.SetDeadline(time.Now().Add(deadline)); err != nil {
		return err
	}
	sent := newTimes(depth)
	sent.push(depth)
	if err := n.send(unit * depth); err != nil {
		return err
	}
	part, answered := 0, 0
	for outstanding := unit * depth; outstanding > 0; {
		replies, err := n.receive(&part)
		if err != nil {
			return err
		}
		count.done(replies)
		outstanding -= replies
		answered += replies
		units := answered / unit
		answered %= unit
		if units == 0 {
			continue
		}
		count.took(time.Since(sent.pop(units)))
		if !count.running() {
			continue
		}
		sent.push(units)
		outstanding += units * unit
		if err := n.send(units * unit); err != nil {
			return err
		}
	}
	return nil
}

// times is a ring of when units were sent.
type times struct {
	at         []time.Time
	head, tail int
}

func newTimes(n int) *times { return &times{at: make([]time.Time, n)} }

func (t *times) push(n int) {
	now := time.Now()
	for range n {
		t.at[t.tail] = now
		t.tail = (t.tail + 1) % len(t.at)
	}
}

// pop drops the n oldest and returns the first of them.
func (t *times) pop(n int) time.Time {
	oldest := t.at[t.head]
	t.head = (t.head + n) % len(t.at)
	return oldest
}
