package refnode

import (
	"strings"

	"github.com/slotmesh/slotmesh/internal/refnode/decimal"
)

// A killFilter says which clients CLIENT KILL means; what is empty does not matter.
type killFilter struct {
	id           int64
	addr, laddr  string
	ofOtherType  bool // than normal: nobody is
	spareMyself  bool
	answersCount bool // the form with options, not that with an address alone
}

// clientKill is CLIENT KILL.
func (r *request) clientKill() {
	f, ok := r.killFilter()
	if !ok {
		return
	}
	killed := 0
	for _, s := range r.node.sessions.all() {
		if f.matches(r.session, s) {
			r.kill(s)
			killed++
		}
	}
	switch {
	case f.answersCount:
		r.int(int64(killed))
	case killed == 0:
		r.fail("ERR No such client")
	default:
		r.ok()
	}
}

func (f *killFilter) matches(myself, s *session) bool {
	return (f.id == 0 || f.id == s.id) &&
		(f.addr == "" || f.addr == s.conn.RemoteAddr().String()) &&
		(f.laddr == "" || f.laddr == s.conn.LocalAddr().String()) &&
		!f.ofOtherType &&
		(!f.spareMyself || s != myself)
}

// kill ends a connection; the one that asks for it still gets its reply.
func (r *request) kill(s *session) {
	if s == r.session {
		s.quit = true
		return
	}
	s.killed = true
	r.node.blocked.remove(s.waiter)
	r.node.unwatch(s)
	r.node.sessions.remove(s)
	s.end()
}

// killFilter reads the arguments of CLIENT KILL, or answers what is wrong with them.
func (r *request) killFilter() (f killFilter, ok bool) {
	if len(r.args) == 3 {
		return killFilter{addr: r.arg(2)}, true
	}
	f = killFilter{spareMyself: true, answersCount: true}
	for i := 2; i < len(r.args); i += 2 {
		if i+1 == len(r.args) {
			r.fail("ERR syntax error")
			return f, false
		}
		if !r.killOption(&f, r.arg(i), r.arg(i+1)) {
			return f, false
		}
	}
	return f, true
}

func (r *request) killOption(f *killFilter, option, value string) (ok bool) {
	switch strings.ToLower(option) {
	case "id":
		if f.id, ok = decimal.Parse(value); !ok || f.id < 1 {
			r.fail("ERR client-id should be greater than 0")
			return false
		}
	case "type":
		normal, ok := r.isNormal(value)
		f.ofOtherType = !normal
		return ok
	case "addr":
		f.addr = value
	case "laddr":
		f.laddr = value
	case "user":
		if value != defaultUser {
			r.fail("ERR No such user '" + value + "'")
			return false
		}
	case "skipme":
		return r.skipMe(f, value)
	default:
		r.fail("ERR syntax error")
		return false
	}
	return true
}

func (r *request) skipMe(f *killFilter, value string) (ok bool) {
	f.spareMyself = strings.EqualFold(value, "yes")
	if !f.spareMyself && !strings.EqualFold(value, "no") {
		r.fail("ERR syntax error")
		return false
	}
	return true
}
