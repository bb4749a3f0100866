package typedcheck

import (
	"errors"
	"reflect"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/routing"
)

// A difference is one that is meant to be. It is consulted for part i of a run, where the
// outcomes are not the same.
type difference struct {
	name   string
	match  func(i int, want, got []outcome) bool
	reason string
}

var differences = []difference{
	{
		name: "an error of a command that ran, and reads as if it had not",
		match: func(i int, want, got []outcome) bool {
			inner := errors.Unwrap(got[i].err)
			return want[i].sameValues(got[i]) && isReply(got[i].err) && inner != nil && sameError(want[i].err, inner)
		},
		reason: "a type around the error reply says that the command ran, so that nobody sends it again",
	},
	{
		name: "arguments that are too few",
		match: func(i int, want, got []outcome) bool {
			err, ok := errors.AsType[*slotmesh.Error](got[i].err)
			return ok && err.Outcome == routing.NotExecuted && strings.HasPrefix(err.Err.Error(), "malformed arguments") &&
				isReply(want[i].err)
		},
		reason: "bad input is refused before anything is sent, and a transaction with it",
	},
	{
		name: "a reply that go-redis cannot decode",
		match: func(i int, want, got []outcome) bool {
			err, ok := got[i].err.(*slotmesh.Error)
			return ok && i <= ofPipeline && want[i].sameValues(got[i]) && !isReply(want[i].err) && sameError(err.Err, want[i].err)
		},
		reason: "an *Error says which command it was, and that it is not known whether it ran",
	},
	{
		name: "what comes after a reply that go-redis does not read to its end",
		match: func(i int, want, got []outcome) bool {
			return i != ofCommand && want[i].err != nil && !isReply(want[i].err) &&
				got[before].is(int64(8)) && got[after].is([]string{"one", "two"}) &&
				sameError(got[ofPipeline].err, got[ofCommand].err)
		},
		reason: "the other commands of the pipeline have their own replies",
	},
}

// known reports whether the difference of part i is meant to be.
func known(i int, want, got []outcome) bool {
	for _, d := range differences {
		if d.match(i, want, got) {
			return true
		}
	}
	return false
}

// isReply reports whether err is an error reply, also one with a type around it.
func isReply(err error) bool {
	_, ok := err.(redis.Error)
	return ok
}

// is reports whether o is value and nothing else.
func (o outcome) is(value any) bool {
	return o.err == nil && len(o.values) == 1 && reflect.DeepEqual(o.values[0], value)
}
