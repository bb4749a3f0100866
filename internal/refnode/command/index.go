package command

import "sync"

// maxName is room for the longest name, that of "cluster|count-failure-reports".
const maxName = 32

// index finds the commands of the table by their names.
type index struct {
	commands    map[string]*Spec
	subcommands map[string]*Spec // by names such as "cluster|slots"
}

// indexed returns the index of the table. The first call makes it, in well below a
// millisecond.
var indexed = sync.OnceValue(newIndex)

// newIndex indexes the table, and adds to it what COMMAND does not say.
func newIndex() *index {
	x := &index{
		commands:    make(map[string]*Spec, len(table)),
		subcommands: make(map[string]*Spec, len(table)),
	}
	for i := range table {
		s := &table[i]
		s.extraction = extractionOf(s)
		x.commands[s.Name] = s
		for j := range s.Subcommands {
			sub := &s.Subcommands[j]
			x.subcommands[sub.Name] = sub
		}
	}
	for _, name := range mayReplicate {
		x.commands[name].Flags |= MayReplicate
	}
	return x
}

// mayReplicate are the commands of which some requests reach the replicas, though
// they are no writes: what scripts do, messages, and a cached count.
var mayReplicate = []string{"eval", "evalsha", "fcall", "pfcount", "publish", "spublish"}
