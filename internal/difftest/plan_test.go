package difftest

import (
	"fmt"
	"slices"
)

// planMove moves a slot to another node, step by step. It ends with the slot there,
// or where it was before.
func (g *generator) planMove() {
	slot := g.slot
	from := g.owners[slot]
	to := g.other(from)
	g.planned = []func() step{
		func() step { g.moves[slot] = true; return setSlotAt(to, slot, "IMPORTING", from) },
		func() step { return setSlotAt(from, slot, "MIGRATING", to) },
	}
	if g.chance(2) {
		slices.Reverse(g.planned)
	}
	for range 1 + g.src.IntN(6) {
		g.planned = append(g.planned, func() step { return g.moveSome(slot, from, to) })
	}
	switch g.src.IntN(8) {
	case 0, 1:
		g.planned = append(g.planned,
			func() step { return setSlotAt(to, slot, "STABLE", -1) },
			func() step { g.moves[slot] = false; return setSlotAt(from, slot, "STABLE", -1) })
	case 2:
		g.planned = append(g.planned, func() step { g.finish(slot, to); return eviction{slot, from, to} })
	default:
		g.planned = append(g.planned,
			func() step { return moveKeys(keysOf(slot), from, to) },
			func() step { return setSlotAt(to, slot, "NODE", to) },
			func() step { g.finish(slot, to); return setSlotAt(from, slot, "NODE", to) },
			func() step { return setSlotAt(3-from-to, slot, "NODE", to) })
	}
}

func (g *generator) finish(slot, to int) { g.owners[slot], g.moves[slot] = to, false }

// moveSome moves a few keys, without REPLACE if the target may refuse.
func (g *generator) moveSome(slot, from, to int) step {
	keys := keysOf(slot)
	first := g.src.IntN(len(keys))
	some := keys[first:min(len(keys), first+1+g.src.IntN(3))]
	p := moveKeys(some, from, to)
	if g.chance(3) {
		c := &p.commands[0]
		c.args = slices.DeleteFunc(c.args, func(arg string) bool { return arg == "REPLACE" })
	}
	return p
}

// setSlot is SETSLOT with the id of another node, or none if other is negative.
func setSlot(slot uint16, state string, other int) command {
	text := fmt.Sprintf("CLUSTER SETSLOT %d %s", slot, state)
	if other >= 0 {
		text += " " + idName(other)
	}
	return words(exact, text)
}

func setSlotAt(node, slot int, state string, other int) pipeline {
	return pipeline{place{node, clean}, []command{setSlot(slots[slot], state, other)}}
}

func moveKeys(keys []string, from, to int) pipeline {
	c := words(exact, "MIGRATE "+hostName(to)+" "+portName(to))
	c.args = append(c.args, "", "0", "5000", "REPLACE", "KEYS")
	c.args = append(c.args, keys...)
	return pipeline{place{from, clean}, []command{c}}
}

// planOutage leaves a slot without an owner at one node, until the next mend.
func (g *generator) planOutage() {
	node, slot := g.src.IntN(nodes), slots[g.slot]
	g.planned = []func() step{func() step {
		return pipeline{place{node, clean}, []command{words(exact, fmt.Sprint("CLUSTER DELSLOTS ", slot))}}
	}}
	for range 8 {
		// Whatever else happens meanwhile, keys are read and written there.
		g.planned = append(g.planned, func() step {
			return pipeline{place{node, clean}, []command{
				words(exact, "GET "+g.key("s")), words(exact, "SET "+g.key("s")+" 1"),
			}}
		})
	}
}
