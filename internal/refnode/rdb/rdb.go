// Package rdb reads and writes the payload of DUMP and RESTORE: one value in the
// format of an RDB file, with the format's version and a checksum behind it.
//
// It writes the plain encodings only, and reads every encoding that a server up to
// 7.0 writes, streams and modules apart.
package rdb

import (
	"errors"
	"fmt"
	"math"
	"strconv"
)

// version is the RDB version of redis-server 7.0, the latest that is read.
const version = 10

// ErrChecksum means that a payload is damaged, or of a later version. Its text is
// the server's.
var ErrChecksum = errors.New("DUMP payload version or checksum are wrong")

// ErrFormat means that a payload is intact but is no value. Its text is the
// server's; the errors that wrap it add what was wrong.
//
//lint:ignore ST1005 the text is the server's
var ErrFormat = errors.New("Bad data format")

// A Kind is the type of a value as TYPE says it.
type Kind uint8

const (
	String Kind = iota + 1
	List
	Set
	Hash
	ZSet
)

// String returns the name that TYPE replies.
func (k Kind) String() string {
	switch k {
	case String:
		return "string"
	case List:
		return "list"
	case Set:
		return "set"
	case Hash:
		return "hash"
	case ZSet:
		return "zset"
	default:
		return "Kind(" + strconv.Itoa(int(k)) + ")"
	}
}

// A Value is the value of a key.
type Value struct {
	Kind Kind

	// Str is the value of a String.
	Str string

	// Items are the elements of a List in order, the members of a Set, or the
	// fields of a Hash, each with its value behind it.
	Items []string

	// Members are those of a ZSet, in any order.
	Members []Member
}

// A Member is a member of a sorted set.
type Member struct {
	Name  string
	Score float64
}

// check finds what no key can hold: an aggregate that is empty, a member or field
// that occurs twice.
func (v Value) check() error {
	if v.Kind == String {
		return nil
	}
	if len(v.Items) == 0 && len(v.Members) == 0 {
		return fmt.Errorf("%w: empty %v", ErrFormat, v.Kind)
	}
	switch v.Kind {
	case Set:
		return v.checkUnique(1)
	case Hash:
		return v.checkUnique(2)
	case ZSet:
		return v.checkMembers()
	default:
		return nil
	}
}

// checkUnique checks every step-th of the items.
func (v Value) checkUnique(step int) error {
	if len(v.Items)%step != 0 {
		return fmt.Errorf("%w: field without a value", ErrFormat)
	}
	seen := make(map[string]struct{}, len(v.Items)/step)
	for i := 0; i < len(v.Items); i += step {
		seen[v.Items[i]] = struct{}{}
	}
	if len(seen) != len(v.Items)/step {
		return fmt.Errorf("%w: duplicate in a %v", ErrFormat, v.Kind)
	}
	return nil
}

func (v Value) checkMembers() error {
	seen := make(map[string]struct{}, len(v.Members))
	for _, m := range v.Members {
		if math.IsNaN(m.Score) {
			return fmt.Errorf("%w: score is not a number", ErrFormat)
		}
		seen[m.Name] = struct{}{}
	}
	if len(seen) != len(v.Members) {
		return fmt.Errorf("%w: duplicate in a %v", ErrFormat, v.Kind)
	}
	return nil
}
