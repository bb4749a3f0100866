package routing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// lookup returns what is known of the command that args are for: from the table, or
// else from the cluster, which is asked about each name once.
func (r *Router) lookup(ctx context.Context, args []any) (*Command, error) {
	if len(args) == 0 {
		return nil, errors.New("empty command")
	}
	if info, ok := lookupArgs(args); ok {
		return info, nil
	}
	text, err := ArgText(args[0])
	if err != nil {
		return nil, err
	}
	name := strings.ToLower(text)
	if container, ok := Lookup(name); ok && container.Flags&Container != 0 && len(args) > 1 {
		sub, err := ArgText(args[1])
		if err != nil {
			return nil, err
		}
		name += "|" + strings.ToLower(sub)
	}
	if info := r.learned.get(name); info != nil {
		return info, nil
	}
	// Whoever asks first asks for all: its context must not end the others' wait.
	learned := r.learning.DoChan(name, func() (any, error) { return r.learn(context.WithoutCancel(ctx), name) })
	select {
	case l := <-learned:
		if l.Err != nil {
			return nil, l.Err
		}
		return l.Val.(*Command), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// learn asks a node about a command and remembers the answer, also that the user may
// not ask.
func (r *Router) learn(ctx context.Context, name string) (*Command, error) {
	if !r.own() {
		return nil, ErrClosed
	}
	defer r.spawned.Done()
	ask := redis.NewSliceCmd(ctx, "command", "info", name)
	err := r.Run(ctx, []*Op{{Cmd: ask, Slot: AnySlot, Flags: Repeatable}})
	if err != nil && !isFinal(err) {
		return nil, fmt.Errorf("asking for the keys of %s: %w", name, err)
	}
	info, known := described(name, ask.Val())
	r.learned.put(name, info, known || err != nil)
	return info, nil
}

// learned is what nodes said about commands that the table lacks, by name.
type learned struct {
	mu    sync.Mutex
	known map[string]lesson
}

type lesson struct {
	info  *Command
	until time.Time // when to ask again; zero: never
}

const (
	// forgetUnknown is how long a command stays unknown to the client that was
	// unknown to a node: its module may be loaded any time.
	forgetUnknown = time.Minute
	// mostLearned bounds the names that are remembered.
	mostLearned = 10_000
)

func (l *learned) get(name string) *Command {
	l.mu.Lock()
	defer l.mu.Unlock()
	told, ok := l.known[name]
	if !ok || !told.until.IsZero() && time.Now().After(told.until) {
		return nil
	}
	return told.info
}

// put remembers info, for good if it is final.
func (l *learned) put(name string, info *Command, final bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil || len(l.known) >= mostLearned {
		l.known = make(map[string]lesson)
	}
	told := lesson{info: info}
	if !final {
		told.until = time.Now().Add(forgetUnknown)
	}
	l.known[name] = told
}

// isFinal reports whether COMMAND INFO would be answered the same another time: the
// user may not ask, or the server does not know how to answer.
func isFinal(err error) bool {
	if !isReply(err) {
		return false
	}
	return strings.HasPrefix(err.Error(), "NOPERM ") || parseReply(err.Error()).fault == FaultReply
}

// described returns what a reply to COMMAND INFO tells of a command, and whether it
// tells anything. Nothing is taken for granted about a command that the table lacks: no
// error text of it is a proof. If nothing is told, because the user may not ask or the
// server does not know the command either, the first argument is taken for its key, as it
// mostly is; if it is not, the answer is a node's MOVED.
func described(name string, reply []any) (info *Command, known bool) {
	info = &Command{Name: name, Flags: Opaque, learned: true}
	var entry []any
	if len(reply) == 1 {
		entry, _ = reply[0].([]any)
	}
	if len(entry) < 6 {
		info.find = firstArgument
		if strings.Contains(name, "|") {
			info.find = argumentOfSubcommand
		}
		return info, false
	}
	flags, _ := entry[2].([]any)
	movable := false
	for _, f := range flags {
		switch f {
		case "readonly":
			info.Flags |= ReadOnly
		case "write":
			info.Flags |= Write
		case "blocking":
			info.Flags |= Blocking
		case "movablekeys":
			movable = true
		}
	}
	switch first, _ := entry[3].(int64); {
	case first > 0:
		// One key tells the slot; the node checks the others.
		info.key = int(first)
		info.Arity = -1 - int(first)
	case movable:
		info.find = noKeyTold
	default:
		info.Flags |= AnyNode
	}
	return info, true
}

// noKeyTold refuses a command whose keys are at places that COMMAND INFO does not tell.
func noKeyTold(c *Command, dst []int, _ []any) ([]int, error) {
	return dst, fmt.Errorf("%w: the server does not tell where the keys of %s are", ErrUnsupported, c.Name)
}

// firstArgument takes the first argument for the key.
func firstArgument(_ *Command, dst []int, args []any) ([]int, error) {
	if len(args) > 1 {
		dst = append(dst, 1)
	}
	return dst, nil
}

// argumentOfSubcommand takes the first argument behind the subcommand for the key.
func argumentOfSubcommand(_ *Command, dst []int, args []any) ([]int, error) {
	if len(args) > 2 {
		dst = append(dst, 2)
	}
	return dst, nil
}

// opFlags says how ops of the command may be sent.
func (c *Command) opFlags() OpFlags {
	var f OpFlags
	if c.Flags&ReadOnly != 0 {
		f |= Repeatable
	}
	if c.Flags&Opaque != 0 {
		f |= Distrusted
	}
	if c.Flags&Shared == 0 {
		f |= Exclusive
	}
	return f
}
