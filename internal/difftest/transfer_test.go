package difftest

import (
	"slices"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// A transfer gives the value of a key as one side has dumped it to the other, and the
// other way round. The payloads may differ, what becomes of them may not.
type transfer struct {
	node     int
	from, to string
}

func (t transfer) play(d *duel) error {
	at := place{t.node, clean}
	dump := words(kindOnly, "DUMP "+t.from)
	if err := d.send(at, dump); err != nil {
		return err
	}
	a, b, err := d.payloads(at, dump)
	if err != nil || a == "" || b == "" {
		return err
	}
	restore := command{args: []string{"RESTORE", t.to, "0", "", "REPLACE"}}
	if err := d.sendEach(at, with(restore, 3, b), with(restore, 3, a)); err != nil {
		return err
	}
	if _, err := d.receive(at, restore); err != nil {
		return err
	}
	return d.look(at, []string{t.to}, false)
}

// payloads receives the replies to DUMP, "" for those that are no payload.
func (d *duel) payloads(at place, dump command) (a, b string, err error) {
	rawA, _, err := d.a.receive(at)
	if err != nil {
		return "", "", d.broken(at, d.a, err)
	}
	rawB, _, err := d.b.receive(at)
	if err != nil {
		return "", "", d.broken(at, d.b, err)
	}
	d.log.add(at, dump, rawA)
	if err := d.compare(at, dump, rawA, rawB); err != nil {
		return "", "", err
	}
	return payload(rawA), payload(rawB), nil
}

func payload(raw []byte) string {
	v := parse(raw)
	if v.kind != resp.Bulk {
		return ""
	}
	return v.text
}

func with(c command, i int, arg string) command {
	c.args = slices.Clone(c.args)
	c.args[i] = arg
	return c
}

// sendEach sends what is not the same for both sides.
func (d *duel) sendEach(at place, toA, toB command) error {
	d.commands++
	if err := d.a.send(at, d.a.request(nil, toA)); err != nil {
		return d.broken(at, d.a, err)
	}
	if err := d.b.send(at, d.b.request(nil, toB)); err != nil {
		return d.broken(at, d.b, err)
	}
	return nil
}
