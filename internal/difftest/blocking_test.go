package difftest

import (
	"strings"

	"github.com/slotmesh/slotmesh/hashtag"
)

// A wake is a client that blocks until another one ends its wait. Which of the two
// the node hears first does not matter: there is nothing to wait for then.
type wake struct {
	node        int
	prepare     []command
	block, push command
}

func (w wake) play(d *duel) error {
	sleeper, waker := place{w.node, clean}, place{w.node, spare}
	replies, err := d.exchange(waker, w.prepare...)
	// A node that does not serve the key, or not for writing, would not be waited for
	// in peace.
	if err != nil || class(replies[len(replies)-1]) != "integer" {
		return err
	}
	if err := d.send(sleeper, w.block); err != nil {
		return err
	}
	if _, err := d.exchange(waker, w.push); err != nil {
		return err
	}
	_, err = d.receive(sleeper, w.block)
	return err
}

// wake draws what to wait for. Nobody waits the whole time, unless a node is wrong.
func (g *generator) wake(node int) step {
	g.at.node = node
	from, to := g.key("l"), g.key("l")
	block := g.oneOf([]string{
		"BLPOP " + from + " 5", "BRPOP " + from + " 5",
		"BLMOVE " + from + " " + to + " LEFT RIGHT 5", "BRPOPLPUSH " + from + " " + to + " 5",
		"BLMPOP 5 1 " + from + " LEFT", "BZPOPMIN " + from + " 5", "BZMPOP 5 1 " + from + " MAX",
		"XREAD BLOCK 5000 STREAMS " + from + " 0",
	})
	push := "RPUSH " + from + " v"
	switch {
	case strings.HasPrefix(block, "BZ"):
		push = "ZADD " + from + " 1 v"
	case strings.HasPrefix(block, "X"):
		push = "XADD " + from + " 1-1 f v"
	}
	// In an open slot it would matter which of two keys is there first.
	prepare := []command{setSlot(hashtag.Slot(from), "STABLE", -1), words(exact, "DEL "+from+" "+to)}
	return wake{node, prepare, words(exact, block), words(exact, push)}
}

// An eviction is a slot that moves while a client of its old owner is blocked. The
// slot is given away as a whole, so the old owner deletes its keys first.
type eviction struct{ slot, from, to int }

func (e eviction) play(d *duel) error {
	at := place{e.from, spare}
	del := command{args: append([]string{"DEL"}, keysOf(e.slot)...)}
	replies, err := d.exchange(at, setSlot(slots[e.slot], "STABLE", -1), del)
	if err != nil {
		return err
	}
	// A node that does not serve the slot would let nobody wait.
	if class(replies[1]) == "integer" {
		if err := e.give(d); err != nil {
			return err
		}
	}
	for _, node := range []int{e.from, e.to, 3 - e.from - e.to} {
		if err := setSlotAt(node, e.slot, "NODE", e.to).play(d); err != nil {
			return err
		}
	}
	return nil
}

// give gives the slot away while a client is blocked. Should the client come late,
// it gets the same answer, at once.
func (e eviction) give(d *duel) error {
	sleeper, at := place{e.from, clean}, place{e.from, spare}
	block := words(exact, "BLPOP "+keysOf(e.slot)[0]+" 5")
	if err := d.send(sleeper, block); err != nil {
		return err
	}
	if _, err := d.exchange(at, setSlot(slots[e.slot], "NODE", e.to)); err != nil {
		return err
	}
	_, err := d.receive(sleeper, block)
	return err
}
