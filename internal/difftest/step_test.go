package difftest

// A step is what the two sides do at a time.
type step interface {
	// play does it, and returns an error if the sides differ.
	play(d *duel) error
}

// A pipeline is commands in one write.
type pipeline struct {
	at       place
	commands []command
}

func (p pipeline) play(d *duel) error {
	_, err := d.exchange(p.at, p.commands...)
	return err
}

// A farewell is bytes that end the connection: everything up to its end is compared.
type farewell struct {
	at  place
	raw string
}

func (f farewell) play(d *duel) error {
	c := command{args: []string{f.raw}}
	a, err := d.a.untilEnd(f)
	if err != nil {
		return d.broken(f.at, d.a, err)
	}
	b, err := d.b.untilEnd(f)
	if err != nil {
		return d.broken(f.at, d.b, err)
	}
	d.drop(f.at)
	for i := range max(len(a), len(b)) {
		rawA, rawB := at(a, i), at(b, i)
		d.log.add(f.at, c, rawA)
		if rawA == nil || rawB == nil {
			return d.differs(f.at, c, rawA, rawB)
		}
		if err := d.compare(f.at, c, rawA, rawB); err != nil {
			return err
		}
	}
	return nil
}

func (s *side) untilEnd(f farewell) (replies [][]byte, err error) {
	if err := s.send(f.at, []byte(f.raw)); err != nil {
		return nil, err
	}
	for {
		reply, ended, err := s.receive(f.at)
		if ended || err != nil {
			return replies, err
		}
		replies = append(replies, reply)
	}
}

// at returns an element, nil beyond the last.
func at(replies [][]byte, i int) []byte {
	if i < len(replies) {
		return replies[i]
	}
	return nil
}
