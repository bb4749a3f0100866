package engine

// A search is the options of LPOS; a count of -1 is none.
type search struct{ rank, count, most int64 }

func (c *cmd) search() (s search, err error) {
	s = search{rank: 1, count: -1}
	for i := 3; i < len(c.args); i += 2 {
		if c.left(i) == 0 {
			return s, errSyntax
		}
		switch {
		case c.is(i, "rank"):
			if s.rank, err = c.int(i + 1); err == nil && s.rank == 0 {
				err = failure("ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... " +
					"or use negative to start from the end of the list")
			}
		case c.is(i, "count"):
			s.count, err = c.intFrom(i+1, 0, "ERR COUNT can't be negative")
		case c.is(i, "maxlen"):
			s.most, err = c.intFrom(i+1, 0, "ERR MAXLEN can't be negative")
		default:
			err = errSyntax
		}
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

// find returns where the matches are, in the order in which they are met.
func (s search) find(elements []string, element string) (found []int) {
	skip := max(s.rank, -s.rank) - 1
	for i := range elements {
		if s.most > 0 && int64(i) >= s.most {
			break
		}
		at := i
		if s.rank < 0 {
			at = len(elements) - 1 - i
		}
		if elements[at] != element {
			continue
		}
		if skip--; skip >= 0 {
			continue
		}
		found = append(found, at)
		if s.count != 0 && int64(len(found)) >= s.count {
			break
		}
	}
	return found
}

func (c *cmd) lpos() error {
	s, err := c.search()
	if err != nil {
		return err
	}
	elements, err := c.list(c.args[1])
	if err != nil {
		return err
	}
	found := s.find(elements, c.args[2])
	switch {
	case s.count >= 0:
		c.array(len(found))
		for _, at := range found {
			_ = c.count(at)
		}
		return nil
	case len(found) == 0:
		return c.null()
	default:
		return c.count(found[0])
	}
}
