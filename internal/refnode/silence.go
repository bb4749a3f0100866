package refnode

import "strings"

// silence is what CLIENT REPLY has asked for on a connection.
type silence struct {
	all  bool // OFF: no more replies
	this bool // none to the command that runs
	next bool // SKIP: none to the one after it
}

// mute reports whether the reply to the command that has just run is to be dropped. It is
// to be called once for every command.
func (s *session) mute() bool {
	drop := s.silent.all || s.silent.this
	s.silent.this, s.silent.next = s.silent.next, false
	return drop
}

// reset ends the silence, but for the reply that SKIP has already taken.
func (s *silence) reset() { s.all, s.next = false, false }

// clientReply is CLIENT REPLY. OFF and SKIP have no reply of their own.
func (r *request) clientReply() {
	silent := &r.session.silent
	switch how := r.arg(2); {
	case strings.EqualFold(how, "on"):
		*silent = silence{}
		r.ok()
	case strings.EqualFold(how, "off"):
		silent.all = true
	case strings.EqualFold(how, "skip"):
		silent.next = !silent.all
	default:
		r.fail("ERR syntax error")
	}
}
