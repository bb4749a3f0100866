package refnode

import (
	"strings"

	"github.com/slotmesh/slotmesh/internal/refnode/glob"
)

// settings are the parameters of CONFIG that have no place elsewhere in the node, by name.
type settings struct{ values map[string]string }

func defaultSettings() settings {
	s := settings{values: map[string]string{}}
	for i := range parameters {
		if p := &parameters[i]; p.load == nil {
			s.values[p.name] = p.first
		}
	}
	return s
}

// parameter returns the value of a parameter that exists.
func (n *Node) parameter(name string) string { return parameterNamed[name].value(n) }

func (p *parameter) value(n *Node) string {
	if p.load != nil {
		return p.load(n)
	}
	return n.settings.values[p.name]
}

func (p *parameter) set(n *Node, value string) {
	if p.store != nil {
		p.store(n, value)
		return
	}
	n.settings.values[p.name] = value
}

// check returns the form in which a new value is kept, or why it may not be set.
func (p *parameter) check(n *Node, value string) (kept, problem string) {
	if kept, problem = p.valid(value); problem != "" {
		return "", problem
	}
	if now := p.value(n); p.fixed && kept != now {
		return "", "the reference node supports only '" + now + "'"
	}
	return kept, ""
}

// configGet is CONFIG GET pattern...: one map, each parameter once.
func (r *request) configGet() {
	var names []string
	seen := map[string]bool{}
	for _, pattern := range r.args[2:] {
		for _, name := range matching(string(pattern)) {
			if lower := strings.ToLower(name); !seen[lower] {
				seen[lower] = true
				names = append(names, name)
			}
		}
	}
	r.out = r.session.proto.AppendMap(r.out, len(names))
	for _, name := range names {
		r.bulk(name)
		r.bulk(r.node.parameter(strings.ToLower(name)))
	}
}

// matching returns the names that a pattern, in any case, matches. A plain name is
// returned as it was written.
func matching(pattern string) []string {
	lower := strings.ToLower(pattern)
	if !strings.ContainsAny(pattern, "[*?") {
		if parameterNamed[lower] == nil {
			return nil
		}
		return []string{pattern}
	}
	var found []string
	for _, name := range parameterNames {
		if glob.Match([]byte(lower), []byte(name)) {
			found = append(found, name)
		}
	}
	return found
}

// A setting is one parameter that CONFIG SET is to change.
type setting struct {
	*parameter
	name  string // as the client wrote it
	value string
}

// configSet is CONFIG SET parameter value...: all of them, or none and an error.
func (r *request) configSet() {
	if len(r.args)%2 != 0 {
		r.fail("ERR syntax error")
		return
	}
	wanted, ok := r.settings()
	if !ok {
		return
	}
	for i := range wanted {
		s := &wanted[i]
		var problem string
		if s.value, problem = s.check(r.node, s.value); problem != "" {
			r.refuseSetting(s.name, problem)
			return
		}
	}
	for _, s := range wanted {
		s.set(r.node, s.value)
	}
	r.node.viewChanged()
	r.ok()
}

// settings finds the parameters to change, or answers which may not be.
func (r *request) settings() (wanted []setting, ok bool) {
	seen := map[string]bool{}
	for i := 2; i < len(r.args); i += 2 {
		name := r.arg(i)
		lower := strings.ToLower(name)
		p := parameterNamed[lower]
		switch {
		case p == nil:
			r.fail("ERR Unknown option or number of arguments for CONFIG SET - '" + name + "'")
			return nil, false
		case p.valid == nil:
			r.refuseSetting(name, "can't set immutable config")
			return nil, false
		case seen[lower]:
			r.refuseSetting(name, "duplicate parameter")
			return nil, false
		}
		seen[lower] = true
		wanted = append(wanted, setting{p, name, r.arg(i + 1)})
	}
	return wanted, true
}

func (r *request) refuseSetting(name, problem string) {
	r.fail("ERR CONFIG SET failed (possibly related to argument '" + name + "') - " + problem)
}
