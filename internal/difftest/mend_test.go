package difftest

import (
	"fmt"
	"strings"
)

// mend makes all nodes agree again on who owns the slots, and draws what they do when
// a slot has no owner.
func (g *generator) mend() step {
	g.planned = nil
	clear(g.moves[:])
	coverage, reads := g.oneOf([]string{"yes", "yes", "no"}), g.oneOf([]string{"yes", "no"})
	return mend{g.owners, coverage, reads}
}

type mend struct {
	owners          [len(slots)]int
	coverage, reads string
}

// assign returns the commands that bind each slot to its owner, whatever was before.
// A node that has keys of a slot gives it away only after it has lost it.
func (m mend) assign() []command {
	var commands []command
	for i, slot := range slots {
		commands = append(commands,
			words(exact, fmt.Sprintf("CLUSTER DELSLOTS %d", slot)),
			words(exact, fmt.Sprintf("CLUSTER SETSLOT %d STABLE", slot)),
			words(exact, fmt.Sprintf("CLUSTER SETSLOT %d NODE %s", slot, idName(m.owners[i]))))
	}
	return commands
}

// configure returns the commands that are to follow when the node's state is ok:
// what they change is not looked at before the state changes.
func (m mend) configure() []command {
	return []command{
		words(exact, "CONFIG SET cluster-require-full-coverage "+m.coverage),
		words(exact, "CONFIG SET cluster-allow-reads-when-down "+m.reads),
	}
}

func (m mend) play(d *duel) error {
	for node := range nodes {
		at := place{node, clean}
		if _, err := d.exchange(at, m.assign()...); err != nil {
			return err
		}
		if _, err := d.exchange(at, m.configure()...); err != nil {
			return err
		}
	}
	return nil
}

// reset makes a side what it is at the beginning of every run, whatever it went
// through before.
func (s *side) reset() error {
	m := mend{firstOwners, "yes", "no"}
	commands := append(m.assign(), m.configure()...)
	commands = append(commands, words(exact, "FLUSHALL"), words(exact, "SCRIPT FLUSH"))
	for node := range nodes {
		if err := s.doAll(node, commands); err != nil {
			return err
		}
		if err := s.learnEpoch(node); err != nil {
			return err
		}
	}
	return nil
}

// doAll runs commands, whatever the node answers.
func (s *side) doAll(node int, commands []command) error {
	var requests []byte
	for _, c := range commands {
		requests = s.request(requests, c)
	}
	at := place{node, clean}
	if err := s.send(at, requests); err != nil {
		return err
	}
	for range commands {
		if _, err := s.conns[at].receive(); err != nil {
			return err
		}
	}
	return nil
}

// learnEpoch remembers the epoch of the node: all others are relative to it.
func (s *side) learnEpoch(node int) error {
	raw, err := s.do(node, "CLUSTER", "INFO")
	if err != nil {
		return err
	}
	_, after, _ := strings.Cut(parse(raw).text, "cluster_current_epoch:")
	_, err = fmt.Sscan(after, &s.epochs[node])
	return err
}

// bump has each node take an epoch that is greater than any it knows of. Those that
// have it already, as from the second run on a cluster they have, say so: the two sides
// may have been in different runs.
func (d *duel) bump() error {
	for node := range nodes {
		if _, err := d.exchange(place{node, clean}, words(kindOnly, "CLUSTER BUMPEPOCH")); err != nil {
			return err
		}
	}
	return nil
}

func (d *duel) reset() error {
	for _, s := range []*side{d.a, d.b} {
		if err := s.reset(); err != nil {
			return err
		}
	}
	return nil
}
