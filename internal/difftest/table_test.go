package difftest

// A table is shapes with the sum of their weights.
type table struct {
	shapes []shape
	total  int
}

var (
	shapeTable    = newTable(shapes)
	fixedTable    = newTable(fixed)
	topologyTable = newTable(topology)
)

func newTable(shapes []shape) table {
	t := table{shapes: shapes}
	for _, s := range shapes {
		t.total += s.weight
	}
	return t
}

func (t table) draw(src source) shape {
	n := src.IntN(t.total)
	for _, s := range t.shapes {
		if n -= s.weight; n < 0 {
			return s
		}
	}
	panic("unreachable: the weights sum up to the total")
}
