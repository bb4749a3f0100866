package routing

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

func isScript(q *question) bool { return q.name == "eval" && !q.multi }
func isExec(q *question) bool   { return q.name == "exec" && q.multi && !q.dirty }

// hasType reports whether only a reply of one type will do.
func hasType(q *question) bool { return q.name != "eval" && (q.name != "exec" || isExec(q)) }

// A trick is something that a node does with a request.
type trick struct {
	name string
	odds int
	fate bool // every node does it to this command from now on
	fits func(*question) bool

	script, exec bool // it is for these alone
	play         func(*question)
}

// deck holds the tricks, the usual first. The others have the position of each as often as
// its odds say: of all, and of those that are for scripts, or for EXEC, alone.
var (
	deck            = slices.Concat(plainTricks, protocolErrors(), redirections(), forgeries())
	drawn           = shuffle(func(t trick) bool { return !t.script && !t.exec })
	drawnForScripts = shuffle(func(t trick) bool { return t.script })
	drawnForExec    = shuffle(func(t trick) bool { return t.exec })
)

func shuffle(takes func(trick) bool) (draw []int) {
	for i, t := range deck {
		if takes(t) {
			draw = append(draw, slices.Repeat([]int{i}, max(t.odds, 1))...)
		}
	}
	return draw
}

var plainTricks = []trick{
	{name: "runs", odds: 20, play: func(q *question) { q.say(q.run()) }},
	{name: "runs late", odds: 4, play: func(q *question) { q.linger(); q.say(q.run()) }},
	{name: "runs and answers late", odds: 4, play: func(q *question) {
		text := q.run()
		q.linger()
		q.say(text)
	}},
	{name: "answers in pieces", odds: 4, play: func(q *question) {
		for text := q.run(); len(text) > 0; {
			n := 1 + q.liar.dice.roll(len(text))
			q.say(text[:n])
			text = text[n:]
			time.Sleep(q.liar.dice.upTo(time.Millisecond)) // fake
		}
	}},
	{name: "pushes, then answers", odds: 4, play: func(q *question) {
		q.say(">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n")
		q.say(q.run())
	}},
	{name: "breaks before", odds: 4, play: func(q *question) { q.hangUp() }},
	{name: "runs and breaks", odds: 4, play: func(q *question) { q.run(); q.hangUp() }},
	{name: "runs and breaks in the reply", odds: 4, play: func(q *question) { q.half(q.run()); q.hangUp() }},
	{name: "breaks in a reply to what did not run", odds: 2, play: func(q *question) { q.half("+OK\r\n"); q.hangUp() }},
	{name: "half a reply, then silence", odds: 3, play: func(q *question) { q.half(q.run()); q.hush() }},
	{name: "half a refusal, then silence", odds: 2, play: func(q *question) { q.skip(); q.half(fails(tryAgain)); q.hush() }},
	{name: "half a reply, then garbage", odds: 2, play: func(q *question) { q.half(q.run()); q.say("\r\r\x00"); q.hush() }},
	{name: "silence", odds: 3, play: func(q *question) { q.hush(); q.dead = true }},
	{name: "runs in silence", odds: 3, play: func(q *question) { q.hush(); q.run() }},
	{name: "runs late in silence", odds: 3, play: func(q *question) { q.hush(); q.linger(); q.run() }},
	{name: "garbage", odds: 3, play: func(q *question) { q.skip(); q.say(anyOf(q, nonsense)); q.hush() }},
	{name: "runs and answers garbage", odds: 3, play: func(q *question) { q.run(); q.say(anyOf(q, nonsense)); q.hush() }},
	{name: "runs and answers another type", odds: 3, fits: hasType, play: func(q *question) {
		if text := q.run(); text[0] == '*' {
			q.say(bulk("x"))
		} else {
			q.say("*1\r\n" + bulk("x"))
		}
	}},
	{name: "runs and answers an error", odds: 3, play: func(q *question) {
		q.answer("WRONGTYPE Operation against a key holding the wrong kind of value")
	}},
	{name: "exec: errors inside", odds: 3, exec: true, play: func(q *question) {
		q.say(q.exec(func(inside *question) string { return fails(inside.wordForWord()) }))
	}},
	{name: "exec: too few replies", exec: true, play: func(q *question) { q.run(); q.say("*0\r\n") }},
	{name: "exec: nil", exec: true, play: func(q *question) {
		q.forget()
		q.say([]string{"_\r\n", "*-1\r\n"}[q.liar.dice.roll(2)])
	}},
}

var nonsense = []string{"HTTP/1.1 400 Bad Request\r\n\r\n", "\x00\x01\r\n", "$x\r\n", "$-7\r\n", "*99999999999999999999\r\n", "$5\r\nlonger\r\n", ":1x\r\n", "\r\n"}

func anyOf(q *question, texts []string) string { return texts[q.liar.dice.roll(len(texts))] }

// half says a part of a text, at least a byte of it and not all.
func (q *question) half(text string) { q.say(text[:1+q.liar.dice.roll(len(text)-1)]) }

// protocolErrors are the errors of the protocol, word for word and in other words.
func protocolErrors() []trick {
	var all []trick
	for _, p := range prefixes {
		odds := 1
		if rules[p.fault].atOnce {
			odds = 6 // it might overtake those that wait
		}
		for _, words := range append([]string{"in other words"}, p.words...) {
			text := p.code + words
			all = append(all, trick{name: "refuses: " + text, odds: odds, play: func(q *question) { q.refuse(text) }})
		}
	}
	return all
}

// redirections are those of MOVED and ASK that lead somewhere, and those that do not.
func redirections() []trick {
	var all []trick
	for _, code := range []string{"MOVED", "ASK"} {
		redirect := func(name string, to func(q *question) string) {
			all = append(all, trick{name: code + " " + name, odds: 2, play: func(q *question) {
				q.refuse(fmt.Sprintf("%s %d %s", code, q.slot(), to(q)))
			}})
		}
		redirect("elsewhere", func(q *question) string { return q.neighbour(1 + q.liar.dice.roll(2)) })
		redirect("to itself", func(q *question) string { return q.node.addr })
		redirect("in a circle", func(q *question) string { return q.neighbour(1) })
		all[len(all)-1].fate = true
		redirect("to itself for ever", func(q *question) string { return q.node.addr })
		all[len(all)-1].fate = true
		redirect("to nobody", func(*question) string { return nowhere })
		redirect("to a black hole", func(*question) string { return blackHole })
		redirect("to an unknown host", func(*question) string { return "?:7000" })
		redirect("without a host", func(*question) string { return ":7000" })
		redirect("to another port", func(*question) string { return ":7001" })
		all = append(all, trick{name: code + " of another slot", odds: 2, play: func(q *question) {
			q.refuse(fmt.Sprintf("%s %d %s", code, q.slot()^1, q.neighbour(1)))
		}})
		for _, rest := range []string{"", " ", " x", " 1", " 16384 10.0.0.1:7000", " 1 10.0.0.1", " 1 10.0.0.1:0", " 1 10.0.0.1:7000 more", " -1 10.0.0.1:7000", " 1 :"} {
			all = append(all, trick{name: fmt.Sprintf("malformed: %q", code+rest), play: func(q *question) { q.answer(code + rest) }})
		}
	}
	return all
}

// neighbour returns the address of the node that is so many further.
func (q *question) neighbour(further int) string {
	nodes := q.liar.mesh.nodes
	return nodes[(slices.Index(nodes, q.node)+further)%len(nodes)].addr
}

// forgeries are what a script answers after it has written. What is passed on by the
// server has a mark, by which it is told from the server's own words. What a script says
// word for word nobody can tell.
func forgeries() []trick {
	const mark = " script: 6b1bf486c81ceb7edf3c093f4c48582e38c0e791, on @user_script:1."
	forge := func(name string, exact bool, text func(*question) string) trick {
		return trick{name: "forges " + name, script: true, play: func(q *question) { q.forged(text(q), exact) }}
	}
	loosely := func(code string) trick {
		return forge(strings.TrimSpace(code)+" loosely", false, func(*question) string { return code + "said the script" })
	}
	all := []trick{
		forge("what it was told", false, func(q *question) string { return q.wordForWord() + mark }),
		forge("word for word", true, (*question).wordForWord),
		forge("MOVED of another slot", false, func(q *question) string {
			return fmt.Sprintf("MOVED %d %s", q.slot()^1, q.neighbour(1))
		}),
		forge("ASK of another slot", false, func(q *question) string {
			return fmt.Sprintf("ASK %d %s", q.slot()^1, q.neighbour(1))
		}),
	}
	for _, p := range prefixes {
		all = append(all, loosely(p.code))
	}
	return all
}

// wordForWord is a refusal in the server's own words.
func (q *question) wordForWord() string {
	return anyOf(q, []string{
		tryAgain, clusterDown, loading,
		fmt.Sprintf("MOVED %d %s", q.slot(), q.neighbour(1)), fmt.Sprintf("ASK %d %s", q.slot(), q.neighbour(1)),
	})
}

// owners returns who has which part of the slots, as a node tells it: sometimes something
// else than before, and a node may be in no map.
func (l *liar) owners() []*scriptedNode {
	nodes := l.mesh.nodes
	if l.armed.Load() && l.dice.roll(10) == 1 {
		l.meet("map: another")
		return []*scriptedNode{nodes[l.dice.roll(3)], nodes[l.dice.roll(3)], nodes[l.dice.roll(3)]}
	}
	return nodes
}
