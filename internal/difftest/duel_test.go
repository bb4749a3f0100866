package difftest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// A duel sends the same to two sides, in lock-step: both have answered before the
// next is sent.
type duel struct {
	a, b *side

	// queued holds how the replies of each open transaction compare.
	queued map[place][]view

	seen     classes
	excused  map[string]int // by the name of the difference
	commands int
	log      history
}

func newDuel(a, b deployment) (*duel, error) {
	sideA, err := newSide(a)
	if err != nil {
		return nil, fmt.Errorf("side A: %w", err)
	}
	sideB, err := newSide(b)
	if err != nil {
		sideA.close()
		return nil, fmt.Errorf("side B: %w", err)
	}
	return &duel{a: sideA, b: sideB, queued: map[place][]view{}, seen: classes{}, excused: map[string]int{}}, nil
}

func (d *duel) close() {
	d.a.close()
	d.b.close()
}

// exchange sends commands in one write to each side and compares the replies. It
// returns those of side A.
func (d *duel) exchange(at place, commands ...command) ([][]byte, error) {
	if err := d.send(at, commands...); err != nil {
		return nil, err
	}
	return d.receive(at, commands...)
}

func (d *duel) send(at place, commands ...command) error {
	for _, s := range []*side{d.a, d.b} {
		var requests []byte
		for _, c := range commands {
			requests = s.request(requests, c)
		}
		if err := s.send(at, requests); err != nil {
			return d.broken(at, s, err)
		}
	}
	d.commands += len(commands)
	return nil
}

func (s *side) send(at place, requests []byte) error {
	c, err := s.conn(at)
	if err != nil {
		return err
	}
	return c.send(requests)
}

// receive compares one reply for each command. A connection that ends before is to
// end on both sides.
func (d *duel) receive(at place, commands ...command) ([][]byte, error) {
	replies := make([][]byte, 0, len(commands))
	for _, c := range commands {
		rawA, endedA, err := d.a.receive(at)
		if err != nil {
			return nil, d.broken(at, d.a, err)
		}
		rawB, endedB, err := d.b.receive(at)
		if err != nil {
			return nil, d.broken(at, d.b, err)
		}
		d.log.add(at, c, rawA)
		if endedA != endedB {
			return nil, d.differs(at, c, rawA, rawB)
		}
		if endedA {
			d.drop(at)
			break
		}
		if err := d.compare(at, c, rawA, rawB); err != nil {
			return nil, err
		}
		replies = append(replies, rawA)
	}
	return replies, nil
}

// receive returns one reply, or that the node has closed the connection.
func (s *side) receive(at place) (reply []byte, ended bool, err error) {
	c := s.conns[at]
	if c == nil {
		return nil, true, nil
	}
	reply, err = c.receive()
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return nil, true, nil
	}
	return reply, false, err
}

// drop ends the connection at both sides.
func (d *duel) drop(at place) {
	d.a.drop(at)
	d.b.drop(at)
	delete(d.queued, at)
}

func (d *duel) compare(at place, c command, rawA, rawB []byte) error {
	d.seen.add(rawA)
	queued := d.queued[at]
	d.track(at, c, rawA)
	if bytes.Equal(rawA, rawB) {
		return nil
	}
	a, b := d.a.named(parse(rawA), at.node), d.b.named(parse(rawB), at.node)
	if sameReply(c, queued, a, b) {
		return nil
	}
	if name, ok := differences.find(c, a.String(), b.String()); ok {
		d.excused[name]++
		return nil
	}
	return d.differs(at, c, rawA, rawB)
}

// track follows what the connection has queued. A transaction that these commands
// do not end, for they have too many arguments, fails later.
func (d *duel) track(at place, c command, raw []byte) {
	switch {
	case string(raw) == "+QUEUED\r\n":
		d.queued[at] = append(d.queued[at], c.view)
	case c.is("EXEC"), c.is("DISCARD"), c.is("RESET"):
		delete(d.queued, at)
	}
}

// sameReply compares the replies to a transaction one by one.
func sameReply(c command, queued []view, a, b value) bool {
	if !c.is("EXEC") || a.kind != resp.Array || len(a.elems) != len(queued) {
		return c.view.same(a, b)
	}
	if b.kind != resp.Array || len(b.elems) != len(queued) {
		return false
	}
	for i, view := range queued {
		if !view.same(a.elems[i], b.elems[i]) {
			return false
		}
	}
	return true
}

func (d *duel) differs(at place, c command, rawA, rawB []byte) error {
	return fmt.Errorf("%v %v\nA: %s\nB: %s", at, c, d.a.show(rawA, at), d.b.show(rawB, at))
}

// show returns a reply as it came, and with names.
func (s *side) show(raw []byte, at place) string {
	if raw == nil {
		return "closed the connection"
	}
	return fmt.Sprintf("%q\n   %v", raw, s.named(parse(raw), at.node))
}

func (d *duel) broken(at place, s *side, err error) error {
	name := "B"
	if s == d.a {
		name = "A"
	}
	return fmt.Errorf("%v of side %s: %w", at, name, err)
}
