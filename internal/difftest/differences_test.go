package difftest

// A difference is one that is meant to be.
type difference struct {
	name string

	// match reports whether the replies of the two sides to the command differ in
	// this way. They are as value.String shows them, with names.
	match func(c command, a, b string) bool

	reason string
}

type differenceTable []difference

// differences is consulted for replies that are not the same.
var differences = differenceTable{}

// find returns the name of the first difference that is this one.
func (t differenceTable) find(c command, a, b string) (name string, ok bool) {
	for _, d := range t {
		if d.match(c, a, b) {
			return d.name, true
		}
	}
	return "", false
}

// reasons returns why each difference that was met is meant to be.
func (t differenceTable) reasons(met map[string]int) map[string]string {
	reasons := map[string]string{}
	for _, d := range t {
		if met[d.name] > 0 {
			reasons[d.name] = d.reason
		}
	}
	return reasons
}
