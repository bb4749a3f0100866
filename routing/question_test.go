package routing

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/slotmesh/slotmesh/hashtag"
)

// A question is one request that a session was sent.
type question struct {
	*session
	name string
	args []string
	keys []string // of an EXEC those of its commands
}

func (q *question) keysOf() []string {
	switch q.name {
	case "multi":
		return nil
	case "exec":
		var keys []string
		for _, queued := range q.queue {
			keys = append(keys, queued.keys...)
		}
		return keys
	case "mget":
		return q.args[1:]
	case "mset":
		var keys []string
		for i := 1; i < len(q.args); i += 2 {
			keys = append(keys, q.args[i])
		}
		return keys
	case "eval":
		return q.args[3:4]
	default:
		return q.args[1:2]
	}
}

// number is what a key ends in.
func number(key string) int {
	n, _ := strconv.Atoi(key[strings.IndexByte(key, '}')+1:])
	return n
}

func (q *question) slot() uint16 {
	if len(q.keys) == 0 {
		return 0
	}
	return hashtag.Slot(q.keys[0])
}

// run runs the request as a node does, and returns the reply.
func (q *question) run() string {
	switch {
	case q.name == "multi":
		q.multi, q.dirty, q.alone, q.queue = true, false, false, nil
		return "+OK\r\n"
	case q.name == "exec":
		return q.exec(nil)
	case q.multi:
		q.queue = append(q.queue, q)
		return "+QUEUED\r\n"
	default:
		return q.execute(0)
	}
}

// exec ends a transaction. If the replies to its commands are not their own, they are what
// instead says.
func (q *question) exec(instead func(*question) string) string {
	queue := q.queue
	switch {
	case !q.multi:
		q.alone = false
		return fails("ERR EXEC without MULTI")
	case q.dirty:
		q.forget()
		return fails("EXECABORT Transaction discarded because of previous errors.")
	}
	q.forget()
	number := q.liar.number(len(q.keys))
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(queue))
	for _, queued := range queue {
		text := queued.execute(number)
		if instead != nil {
			text = instead(queued)
		}
		b.WriteString(text)
	}
	return b.String()
}

// number returns the number of an EXEC, from 1 on, that writes so many keys.
func (l *liar) number(keys int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.execs = append(l.execs, keys)
	return len(l.execs)
}

func (s *session) forget() { s.multi, s.dirty, s.alone, s.queue = false, false, false, nil }

// execute notes that the command ran, in which EXEC, and returns its reply.
func (q *question) execute(exec int) string {
	l := q.liar
	l.mu.Lock()
	for _, key := range q.keys {
		f := l.fact(key)
		l.clock++
		f.ran = append(f.ran, l.clock)
		f.in = append(f.in, exec)
		f.alone = f.alone || q.alone
	}
	l.mu.Unlock()
	switch q.name {
	case "get":
		return bulk("value of " + q.keys[0])
	case "incr":
		return fmt.Sprintf(":%d\r\n", number(q.keys[0]))
	case "eval":
		return bulk("ran " + q.keys[0])
	case "mget":
		var b strings.Builder
		fmt.Fprintf(&b, "*%d\r\n", len(q.keys))
		for _, key := range q.keys {
			b.WriteString(bulk("value of " + key))
		}
		return b.String()
	}
	return "+OK\r\n"
}

// skip runs nothing, as when the request is refused: what follows a MULTI is no transaction
// then, and one that lacks a command is not run.
func (q *question) skip() {
	switch {
	case q.name == "exec":
		q.forget()
	case q.name == "multi":
		q.alone = true
	case q.multi:
		q.dirty = true
	}
}

// refuse answers without running anything.
func (q *question) refuse(text string) {
	q.liar.mu.Lock()
	for _, key := range q.keys {
		q.liar.fact(key).refused++
	}
	q.liar.mu.Unlock()
	q.skip()
	q.say(fails(text))
}

// answer answers an error that is no refusal: a command that is not part of a transaction
// has run.
func (q *question) answer(text string) {
	if q.multi || q.name == "multi" || q.name == "exec" {
		q.refuse(text)
		return
	}
	q.execute(0)
	q.say(fails(text))
}

// forged makes a script write, and answer the text all the same.
func (q *question) forged(text string, exact bool) {
	q.execute(0)
	q.liar.mu.Lock()
	f := q.liar.fact(q.keys[0])
	f.fooled = f.fooled || exact
	q.liar.mu.Unlock()
	q.say(fails(text))
}
