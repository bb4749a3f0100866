package difftest

import (
	"regexp"
	"strconv"
	"strings"
)

// The words of a shape are separated by spaces. In a word:
//
//	A|B      one of these
//	?A       this or nothing
//	A:B      two arguments, behind a "?"
//	""       an empty argument
//	$name    an argument, drawn as arg says
//	$name+   one to three of them
//	%name    a script, #name its SHA1
//	;        the end of a command, and the beginning of another
var hole = regexp.MustCompile(`\$[a-zA-Z=]+`)

// fillIn draws the arguments of the shape's commands.
func (g *generator) fillIn(s shape) []command {
	commands := []command{{view: s.view}}
	for word := range strings.FieldsSeq(s.text) {
		if word == ";" {
			commands = append(commands, command{view: s.view})
			continue
		}
		last := &commands[len(commands)-1]
		last.args = append(last.args, g.word(word)...)
	}
	return commands
}

func (g *generator) word(word string) []string {
	optional, isOptional := strings.CutPrefix(word, "?")
	if !isOptional {
		return g.args(g.oneOf(strings.Split(word, "|")))
	}
	if g.chance(2) {
		return nil
	}
	var args []string
	for part := range strings.SplitSeq(g.oneOf(strings.Split(optional, "|")), ":") {
		args = append(args, g.args(part)...)
	}
	return args
}

// args fills in what is left of a word when its alternatives are decided.
func (g *generator) args(word string) []string {
	name, repeat := strings.CutSuffix(word, "+")
	if hole.FindString(name) == name && name != "" {
		args := g.arg(name)
		for repeat && g.chance(2) && len(args) < 6 {
			args = append(args, g.arg(name)...)
		}
		return args
	}
	switch {
	case word == `""`:
		return []string{""}
	case word[0] == '%' && len(word) > 1:
		return []string{scripts[word[1:]]}
	case word[0] == '#':
		return []string{sha(scripts[word[1:]])}
	}
	return []string{hole.ReplaceAllStringFunc(word, func(name string) string { return g.arg(name)[0] })}
}

// arg draws what stands for a hole: one argument, or the few that belong together.
func (g *generator) arg(name string) []string {
	switch name {
	case "$kv":
		return []string{g.key("k"), g.value()}
	case "$fv":
		return []string{g.member(), g.value()}
	case "$sm":
		return []string{g.score(), g.member()}
	case "$peer":
		peer := g.other(g.at.node)
		return []string{hostName(peer), portName(peer)}
	}
	return []string{g.text(name)}
}

func (g *generator) text(name string) string {
	switch name {
	case "$=":
		return g.last
	case "$v":
		return g.value()
	case "$m":
		return g.member()
	case "$f":
		return g.score()
	case "$i":
		return strconv.Itoa(g.src.IntN(12) - 4)
	case "$n":
		return strconv.Itoa(g.src.IntN(9))
	case "$ttl":
		return g.oneOf([]string{"10000", "200000"})
	case "$pttl":
		return g.oneOf([]string{"10000000", "200000000"})
	case "$at":
		return strconv.Itoa(g.date())
	case "$pat":
		return strconv.Itoa(g.date() * 1000)
	case "$payload":
		return g.oneOf(payloads)
	case "$tag":
		return tags[g.slot]
	case "$slot":
		return g.slotArg()
	case "$id":
		return g.idArg()
	case "$me":
		return idName(g.at.node)
	}
	return g.key(name[1:])
}

// date returns a time in seconds, decades away and hours from any that it returned
// before. A key that is moved takes along how long it has to live, so its date comes
// out a little different on each side: no other may be so close that it matters
// which is the later one.
func (g *generator) date() int {
	const year2100 = 4102444800
	g.dates++
	if g.dates%2 == 0 {
		return year2100 - 3600*g.dates
	}
	return year2100 + 3600*g.dates
}

func (g *generator) value() string {
	if g.chance(3) {
		return strconv.Itoa(g.src.IntN(100))
	}
	return g.oneOf(values)
}

func (g *generator) member() string { return "m" + strconv.Itoa(g.src.IntN(6)) }

func (g *generator) score() string { return g.oneOf([]string{"0", "1", "2.5", "-3", "1e3", "0.1"}) }

func (g *generator) slotArg() string {
	if g.chance(20) {
		return g.oneOf([]string{"16384", "-1", "x"})
	}
	slot := g.slot
	if g.chance(4) {
		slot = g.src.IntN(len(slots))
	}
	return strconv.Itoa(int(slots[slot]))
}

func (g *generator) idArg() string {
	if g.chance(10) {
		return "0123456789abcdef0123456789abcdef01234567"
	}
	return idName(g.src.IntN(nodes))
}
