package difftest

import (
	"regexp"
	"strings"
)

// A difference is one that is meant to be.
type difference struct {
	name string

	// match reports whether the replies of the two sides to the command differ in
	// this way. They are as value.String shows them, with names.
	match func(c command, a, b string) bool

	reason string
}

type differenceTable []difference

// notCompiled is the error that says so, in EXEC's reply too.
var notCompiled = regexp.MustCompile(`-"ERR Error compiling script \(new function\): (\\.|[^"\\])*"`)

// differences is consulted for replies that are not the same.
var differences = differenceTable{
	{
		name: "a script that does not compile",
		match: func(_ command, a, b string) bool {
			return notCompiled.ReplaceAllString(a, "") == notCompiled.ReplaceAllString(b, "")
		},
		reason: "another compiler says in other words what is wrong",
	},
	{
		name: "redis.pcall with an argument that is no string",
		match: func(_ command, a, b string) bool {
			const text = `-"ERR Lua redis lib command arguments must be strings or integers`
			return strings.HasPrefix(a, text+" script: ") && b == text+`"`
		},
		reason: "the Lua of the embedded node raises this error also where pcall should return it",
	},
}

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
