package batch

import (
	"github.com/redis/go-redis/v9"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/routing"
)

// Split cuts an MGET, MSET or DEL whose keys lie in several slots: it is what makes
// the commands of a client, alone, in a pipeline or through Do, mean the cluster. keys
// are the positions of the keys in the command's arguments. It returns the ops to run
// and a function that gives cmd its reply afterwards: the one that a single node with
// all the keys would have given, or a *PartialError, beside which the rest of the reply
// stays. ok is false for a command that is none of these, or one of a type that cannot
// take the reply. Split is a routing.Splitter.
func Split(cmd redis.Cmder, keys []int) (ops []*routing.Op, finish func() error, ok bool) {
	args := cmd.Args()
	names := make([]string, len(keys))
	for i, at := range keys {
		name, err := routing.ArgText(args[at])
		if err != nil {
			return nil, nil, false
		}
		names[i] = name
	}
	var c command
	var reply func()
	switch cmd.Name() {
	case "mget":
		c, reply = splitReads(cmd, names)
	case "mset":
		c, reply = splitWrites(cmd, names, func(i int) any { return args[keys[i]+1] })
	case "del":
		c, reply = splitDeletes(cmd, names)
	}
	if reply == nil {
		return nil, nil, false
	}
	parts := new(planMemory).partition(len(names), func(i int) uint16 { return hashtag.Slot(names[i]) })
	c.drop(parts)
	w := newWork(c, true)
	return w.ops(parts), func() error {
		w.finish()
		reply()
		err := c.err()
		cmd.SetErr(err)
		return err
	}, true
}

func splitReads(cmd redis.Cmder, names []string) (command, func()) {
	v := newValues(names)
	switch cmd := cmd.(type) {
	case *redis.SliceCmd:
		return &reads{v}, func() { cmd.SetVal(v.slice()) }
	case *redis.Cmd:
		return &reads{v}, func() { cmd.SetVal(v.slice()) }
	case *redis.StringSliceCmd:
		return &reads{v}, func() { cmd.SetVal(v.strings()) }
	}
	return nil, nil
}

func splitWrites(cmd redis.Cmder, names []string, val func(int) any) (command, func()) {
	r := newResults(names)
	w := &writes{val: val, results: r}
	switch cmd := cmd.(type) {
	case *redis.StatusCmd:
		return w, func() { cmd.SetVal(r.status()) }
	case *redis.Cmd:
		return w, func() { cmd.SetVal(r.status()) }
	}
	return nil, nil
}

func splitDeletes(cmd redis.Cmder, names []string) (command, func()) {
	r := newResults(names)
	switch cmd := cmd.(type) {
	case *redis.IntCmd:
		return &deletes{r}, func() { cmd.SetVal(r.count) }
	case *redis.Cmd:
		return &deletes{r}, func() { cmd.SetVal(r.count) }
	}
	return nil, nil
}

// slice returns the values as MGET answers: a string or nil for each key.
func (v *Values) slice() []any {
	reply := make([]any, len(v.vals))
	for i, val := range v.vals {
		if val.ok {
			reply[i] = val.data
		}
	}
	return reply
}

// strings returns the values with "" for each key that has none.
func (v *Values) strings() []string {
	reply := make([]string, len(v.vals))
	for i, val := range v.vals {
		reply[i] = val.data
	}
	return reply
}

// status returns what MSET answers, "" if some key failed.
func (r *Results) status() string {
	if len(r.failed) > 0 {
		return ""
	}
	return "OK"
}
