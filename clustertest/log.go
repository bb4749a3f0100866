package clustertest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// An Event is something that happened to the cluster.
type Event struct {
	At   time.Time
	Text string // such as "127.0.0.1:7000 was killed"
}

func (e Event) String() string { return e.At.Format("15:04:05.000") + " " + e.Text }

// Events returns what has happened so far, in order.
func (c *Cluster) Events() []Event { return c.log.all() }

type eventLog struct {
	report func(Event)

	mu     sync.Mutex
	events []Event
}

func (l *eventLog) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := Event{time.Now(), fmt.Sprintf(format, args...)}
	l.events = append(l.events, e)
	if l.report != nil {
		l.report(e)
	}
}

func (l *eventLog) all() []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events)
}

func (l *eventLog) String() string {
	var text strings.Builder
	for _, e := range l.all() {
		fmt.Fprintln(&text, e)
	}
	return text.String()
}

// A Command is a request that a node received.
type Command struct {
	At     time.Time
	Client string   // the name that the client gave itself
	Args   []string // the command and its arguments, the first 64; long ones are cut to 256 bytes
}

func (c Command) String() string { return strings.Join(c.Args, " ") }

const (
	keptCommands = 1000
	keptArgs     = 64
	keptBytes    = 256
)

// Commands returns the requests that the node at addr has received, the last 1000 of
// them, the oldest first, whatever became of them. Those that a script or a transaction
// ran are not among them, nor is what the Cluster's own verbs do, but for the
// RESTORE-ASKING with which a node sends keys to another.
func (c *Cluster) Commands(addr string) ([]Command, error) {
	m, err := c.member(addr)
	if err != nil {
		return nil, err
	}
	return m.seen.all(), nil
}

// A commandLog keeps the last commands of a node.
type commandLog struct {
	mu   sync.Mutex
	ring [keptCommands]record
	next int // how many there were
}

// A record is a Command as it is kept: in memory that the next one uses again.
type record struct {
	at     time.Time
	client string
	text   []byte // the arguments, one behind the other
	ends   []int  // of each, in text
}

func (l *commandLog) add(client string, args [][]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &l.ring[l.next%keptCommands]
	l.next++
	r.at, r.client, r.text, r.ends = time.Now(), client, r.text[:0], r.ends[:0]
	for _, arg := range args[:min(len(args), keptArgs)] {
		r.text = append(r.text, arg[:min(len(arg), keptBytes)]...)
		r.ends = append(r.ends, len(r.text))
	}
}

func (r *record) command() Command {
	c := Command{At: r.at, Client: r.client}
	start := 0
	for _, end := range r.ends {
		c.Args = append(c.Args, string(r.text[start:end]))
		start = end
	}
	return c
}

func (l *commandLog) all() []Command {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(l.next, keptCommands)
	all := make([]Command, 0, n)
	for i := l.next - n; i < l.next; i++ {
		all = append(all, l.ring[i%keptCommands].command())
	}
	return all
}
