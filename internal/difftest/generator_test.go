package difftest

import (
	"strconv"
	"strings"

	"github.com/slotmesh/slotmesh/hashtag"
)

// slots are those that have keys, and that move. Two begin at one node.
var (
	slots = [4]uint16{100, 5000, 7000, 12000}
	tags  = [4]string{
		hashtag.ForSlot(slots[0]), hashtag.ForSlot(slots[1]),
		hashtag.ForSlot(slots[2]), hashtag.ForSlot(slots[3]),
	}
	firstOwners = [4]int{0, 0, 1, 2}
)

// keyNames are the keys of each slot. The letter says what type a key has, unless a
// command for another type got there first.
var keyNames = []string{"s0", "s1", "l0", "l1", "h0", "h1", "t0", "t1", "z0", "z1", "x0", "x1", "p0", "p1"}

// A generator draws steps. It knows what it meant the cluster to become, which is
// not always what the cluster is: random commands get in between.
type generator struct {
	src source

	owners [len(slots)]int  // of each slot
	moves  [len(slots)]bool // the slot is open
	multi  map[place]bool   // a transaction may be open

	// planned is the rest of a plan. Other steps get in between.
	planned []func() step

	// Of the commands that are being drawn:
	at   place
	slot int    // that most of their keys lie in
	last string // the last key

	steps, dates int
}

func newGenerator(src source) *generator {
	return &generator{src: src, owners: firstOwners, multi: map[place]bool{}}
}

// chance is true once in n times.
func (g *generator) chance(n int) bool { return g.src.IntN(n) == 0 }

func (g *generator) oneOf(texts []string) string { return texts[g.src.IntN(len(texts))] }

func (g *generator) other(node int) int { return (node + 1 + g.src.IntN(nodes-1)) % nodes }

// How often what is not a pipeline comes, in steps.
const (
	mendEvery  = 150
	auditEvery = 20 * mendEvery
)

// next draws a step.
func (g *generator) next() step {
	g.steps++
	switch {
	case g.steps%auditEvery == 0:
		return audit{}
	case g.steps%mendEvery == 0:
		return g.mend()
	case len(g.planned) > 0 && g.chance(4):
		first := g.planned[0]
		g.planned = g.planned[1:]
		return first()
	case len(g.planned) == 0 && g.chance(8):
		g.plan()
	case g.chance(50):
		return g.odd()
	}
	return g.pipeline()
}

// plan begins something that takes several steps.
func (g *generator) plan() {
	g.slot = g.src.IntN(len(slots))
	if g.chance(6) {
		g.planOutage()
	} else {
		g.planMove()
	}
}

// odd draws a step of a rare kind.
func (g *generator) odd() step {
	g.aim()
	node := g.at.node
	switch g.src.IntN(8) {
	case 0, 1:
		return farewell{at: g.at, raw: g.oneOf(garbages)}
	case 2, 3:
		return g.wake(node)
	case 4:
		return g.subscription(node)
	default:
		return transfer{node: node, from: g.key("k"), to: g.key("k")}
	}
}

// aim draws a slot to work on and a connection, most often to one of the nodes that
// are concerned.
func (g *generator) aim() {
	g.slot = g.src.IntN(len(slots))
	for i, open := range g.moves {
		if open && g.chance(2) {
			g.slot = i
		}
	}
	node := g.owners[g.slot]
	if g.chance(3) {
		node = g.src.IntN(nodes)
	}
	g.at = place{node, g.src.IntN(lanes)}
}

// maxPipeline is how many draws one write is made of.
const maxPipeline = 8

// pipeline draws commands for one connection.
func (g *generator) pipeline() step {
	g.aim()
	p := pipeline{at: g.at}
	asking := g.at.node != g.owners[g.slot] && g.chance(2)
	for range 1 + g.src.IntN(maxPipeline) {
		commands, last := g.draw()
		if asking {
			commands = askingFirst(commands)
		}
		p.commands = append(p.commands, commands...)
		if last {
			break
		}
	}
	return p
}

// askingFirst has each command executed in a slot that is being imported.
func askingFirst(commands []command) []command {
	var all []command
	for _, c := range commands {
		all = append(all, words(exact, "ASKING"), c)
	}
	return all
}

// draw draws a shape and fills it in. Last means that no more can be sent before
// the reply is there.
func (g *generator) draw() (commands []command, last bool) {
	if g.multi[g.at] && g.chance(6) {
		delete(g.multi, g.at)
		// What was queued may have changed the topology.
		return []command{words(exact, g.oneOf([]string{"EXEC", "EXEC", "EXEC", "DISCARD"}))}, true
	}
	switch n := g.src.IntN(1000); {
	case n < 5:
		return g.fillIn(topologyTable.draw(g.src)), true
	case n < 105:
		commands = g.fillIn(fixedTable.draw(g.src))
		return commands, commands[len(commands)-1].is("EXEC")
	}
	commands = g.fillIn(shapeTable.draw(g.src))
	c := &commands[0]
	if c.is("MULTI") {
		g.multi[g.at] = true
	}
	if g.chance(30) {
		g.spoil(c)
	}
	c.inline = g.chance(25) && allPlain(c.args)
	return commands, c.is("EXEC")
}

func allPlain(args []string) bool {
	for _, arg := range args {
		if !plain(arg) {
			return false
		}
	}
	return true
}

// spoil makes a command wrong, most likely.
func (g *generator) spoil(c *command) {
	switch i := g.src.IntN(len(c.args)); g.src.IntN(4) {
	case 0:
		c.args = c.args[:max(1, len(c.args)-1)]
	case 1:
		c.args = append(c.args, c.args[i])
	case 2:
		c.args[max(i, min(1, len(c.args)-1))] = g.oneOf(wrong)
	default:
		c.args[0] = strings.ToLower(c.args[0][:1]) + c.args[0][1:]
	}
}

// key draws a key for a type of value, "k" for any, "K" in any slot too.
func (g *generator) key(kind string) string {
	slot := g.slot
	if kind == "K" || g.chance(40) {
		slot = g.src.IntN(len(slots))
	}
	name := keyNames[g.src.IntN(len(keyNames))]
	if kind != "k" && kind != "K" && !g.chance(12) {
		name = kind + strconv.Itoa(g.src.IntN(2))
	}
	g.last = "{" + tags[slot] + "}" + name
	return g.last
}

// keysOf returns all keys of the slot.
func keysOf(slot int) []string {
	keys := make([]string, len(keyNames))
	for i, name := range keyNames {
		keys[i] = "{" + tags[slot] + "}" + name
	}
	return keys
}
