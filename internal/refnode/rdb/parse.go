package rdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// ParsePayload returns the value of a payload. It fails with [ErrChecksum] or
// [ErrFormat], as RESTORE does, or wraps [errors.ErrUnsupported] for a type that
// the package does not know, which the text then names.
//
// The encodings inside are checked in full, as a server does that is told to
// sanitize payloads, and nothing may follow the value. The memory taken is
// proportional to the payload, of which the Value keeps nothing.
func ParsePayload(p []byte) (Value, error) {
	if len(p) < footerSize {
		return Value{}, ErrChecksum
	}
	body, sum := p[:len(p)-footerSize], binary.LittleEndian.Uint64(p[len(p)-8:])
	if binary.LittleEndian.Uint16(p[len(body):]) > version || checksum(p[:len(p)-8]) != sum {
		return Value{}, ErrChecksum
	}
	r := &reader{rest: body}
	v := r.value()
	if r.err == nil {
		r.end()
	}
	if r.err == nil {
		r.err = v.check()
	}
	if r.err != nil {
		return Value{}, r.err
	}
	return v, nil
}

func (r *reader) value() Value {
	typ := r.byte()
	if r.err != nil || typ == typeString {
		return Value{Kind: String, Str: r.str()}
	}
	d, ok := decoders[typ]
	switch {
	case !ok:
		r.failType(typ)
		return Value{}
	case d.members != nil:
		return Value{Kind: d.kind, Members: d.members(r)}
	default:
		return Value{Kind: d.kind, Items: d.items(r)}
	}
}

func (r *reader) failType(typ byte) {
	if name, known := unsupported[typ]; known {
		r.err = fmt.Errorf("value of type %s (%d): %w", name, typ, errors.ErrUnsupported)
		return
	}
	r.fail("unknown type %d", typ)
}

func (r *reader) list() []string { return r.strings(r.count(1)) }

func (r *reader) pairs() []string { return r.strings(2 * r.count(2)) }

func (r *reader) strings(n int) []string {
	items := make([]string, 0, n)
	for range n {
		items = append(items, r.str())
		if r.err != nil {
			return nil
		}
	}
	return items
}

func (r *reader) binaryScores() []Member {
	return r.scores(1+8, func() float64 {
		return math.Float64frombits(uint64(r.int(8)))
	})
}

func (r *reader) textScores() []Member { return r.scores(1+1, r.textScore) }

// scores reads members of at least size bytes each, whose scores are read by score.
func (r *reader) scores(size int, score func() float64) []Member {
	n := r.count(size)
	members := make([]Member, 0, n)
	for range n {
		members = append(members, Member{Name: r.str(), Score: score()})
		if r.err != nil {
			return nil
		}
	}
	return members
}

// textScore reads a score with a byte in front: its length, or what it is if it
// has no digits.
func (r *reader) textScore() float64 {
	switch n := r.byte(); n {
	case 255:
		return math.Inf(-1)
	case 254:
		return math.Inf(1)
	case 253:
		return math.NaN()
	default:
		return r.parseScore(string(r.take(uint64(n))))
	}
}

func (r *reader) parseScore(text string) float64 {
	score, err := strconv.ParseFloat(text, 64)
	if err != nil {
		r.fail("score is not a number")
	}
	return score
}

// packed returns a function that reads the items in one string, of the format
// that read knows.
func packed(read func(*reader, []string) []string) func(*reader) []string {
	return func(r *reader) []string { return r.within(r.bytes(), nil, read) }
}

// packedScores is [packed] for names that have their scores behind them, in decimal.
func packedScores(read func(*reader, []string) []string) func(*reader) []Member {
	return func(r *reader) []Member {
		items := r.within(r.bytes(), nil, read)
		if len(items)%2 != 0 {
			r.fail("member without a score")
			return nil
		}
		members := make([]Member, 0, len(items)/2)
		for i := 0; i < len(items); i += 2 {
			members = append(members, Member{Name: items[i], Score: r.parseScore(items[i+1])})
		}
		return members
	}
}

// quicklist reads a list of ziplists. Empty ones do no harm.
func (r *reader) quicklist() (items []string) {
	for range r.count(1) {
		items = r.within(r.bytes(), items, (*reader).ziplist)
		if r.err != nil {
			return nil
		}
	}
	return items
}

// quicklist2 reads a list of listpacks, which may be empty, and of large elements,
// which may not.
func (r *reader) quicklist2() (items []string) {
	const plainNode, packedNode = 1, 2
	for range r.count(2) {
		switch container := r.length(); container {
		case plainNode:
			items = append(items, r.plain())
		case packedNode:
			items = r.within(r.bytes(), items, (*reader).listpack)
		default:
			r.fail("node of kind %d", container)
		}
		if r.err != nil {
			return nil
		}
	}
	return items
}

func (r *reader) plain() string {
	s := r.str()
	if s == "" {
		r.fail("empty node")
	}
	return s
}
