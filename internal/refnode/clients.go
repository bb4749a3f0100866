package refnode

import (
	"fmt"
	"strings"
	"time"

	"github.com/slotmesh/slotmesh/internal/refnode/decimal"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// clientHandlers are the subcommands of CLIENT, but for those of client-side caching.
var clientHandlers = map[string]handler{
	"client|id":       func(r *request) { r.int(r.session.id) },
	"client|getname":  (*request).clientGetName,
	"client|setname":  (*request).clientSetName,
	"client|info":     func(r *request) { r.verbatim(r.session.line(r.now)) },
	"client|list":     (*request).clientList,
	"client|kill":     (*request).clientKill,
	"client|pause":    (*request).clientPause,
	"client|unpause":  (*request).clientUnpause,
	"client|reply":    (*request).clientReply,
	"client|unblock":  (*request).clientUnblock,
	"client|no-evict": (*request).clientNoEvict,
	"client|help":     func(r *request) { r.help(clientHelp) },
}

func (r *request) clientGetName() {
	if r.session.name == "" {
		r.null()
		return
	}
	r.bulk(r.session.name)
}

func (r *request) clientSetName() {
	if r.rename(r.arg(2)) {
		r.ok()
	}
}

// rename names the connection, or answers why not. The empty name is none.
func (r *request) rename(name string) bool {
	for _, c := range []byte(name) {
		if c < '!' || c > '~' {
			r.fail("ERR Client names cannot contain spaces, newlines or special characters.")
			return false
		}
	}
	r.session.name = name
	return true
}

// line returns what CLIENT LIST says about s. Sizes of buffers are not known here: they
// are shown as 0, and the file descriptor as that of nothing.
func (s *session) line(now time.Time) string {
	idleSince := s.lastAt
	if idleSince.IsZero() {
		idleSince = s.since
	}
	queued, last := -1, "NULL"
	if s.tx != nil {
		queued = len(s.tx.queued)
	}
	if s.last != nil {
		last = s.last.Name
	}
	remote, local := s.addrs()
	return fmt.Sprintf("id=%d addr=%s laddr=%s fd=-1 name=%s age=%d idle=%d flags=%s db=0 sub=0 psub=0 ssub=0 multi=%d "+
		"qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r "+
		"cmd=%s user=%s redir=-1 resp=%d\n",
		s.id, remote, local, s.name, seconds(now.Sub(s.since)), seconds(now.Sub(idleSince)),
		s.flags(), queued, last, defaultUser, s.proto)
}

// addrs returns the addresses of both ends. What the node's owner runs by Do has none.
func (s *session) addrs() (remote, local string) {
	if s.conn == nil {
		return "", ""
	}
	return s.conn.RemoteAddr().String(), s.conn.LocalAddr().String()
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// flags returns the letters that CLIENT LIST has for the state of s.
func (s *session) flags() string {
	var set []byte
	for _, flag := range []struct {
		letter byte
		on     bool
	}{
		{'x', s.tx != nil},
		{'b', s.waiter != nil},
		{'d', s.watch.dirty},
		{'c', s.quit},
		{'r', s.readonly},
	} {
		if flag.on {
			set = append(set, flag.letter)
		}
	}
	if len(set) == 0 {
		return "N"
	}
	return string(set)
}

// clientList is CLIENT LIST [TYPE type | ID id...].
func (r *request) clientList() {
	var listed []*session
	ok := true
	switch n := len(r.args); {
	case n == 2:
		listed = r.node.sessions.all()
	case n == 4 && strings.EqualFold(r.arg(2), "type"):
		listed, ok = r.sessionsOfType(r.arg(3))
	case n > 3 && strings.EqualFold(r.arg(2), "id"):
		listed, ok = r.sessionsByID(r.args[3:])
	default:
		r.fail("ERR syntax error")
		return
	}
	if !ok {
		return
	}
	var text strings.Builder
	for _, s := range listed {
		text.WriteString(s.line(r.now))
	}
	r.verbatim(text.String())
}

// sessionsOfType returns the clients of a type, or answers that there is no such type.
func (r *request) sessionsOfType(name string) (found []*session, ok bool) {
	normal, ok := r.isNormal(name)
	if normal {
		found = r.node.sessions.all()
	}
	return found, ok
}

// isNormal reports whether name is the type of all clients that there are here, or answers
// that there is no such type.
func (r *request) isNormal(name string) (normal, ok bool) {
	switch strings.ToLower(name) {
	case "normal":
		return true, true
	case "master", "slave", "replica", "pubsub":
		return false, true
	}
	r.fail("ERR Unknown client type '" + name + "'")
	return false, false
}

// sessionsByID returns the clients with the given IDs, those that there are, or answers
// that one is no ID.
func (r *request) sessionsByID(ids [][]byte) (found []*session, ok bool) {
	for _, arg := range ids {
		id, ok := decimal.Parse(arg)
		if !ok {
			r.fail("ERR Invalid client ID")
			return nil, false
		}
		if s := r.node.sessions.find(id); s != nil {
			found = append(found, s)
		}
	}
	return found, true
}

// find returns the session with the given ID, nil if there is none.
func (c *sessions) find(id int64) *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byID[id]
}

// clientUnblock is CLIENT UNBLOCK id [TIMEOUT|ERROR]. It reaches clients that wait for
// keys, not those that a pause holds back.
func (r *request) clientUnblock() {
	if len(r.args) > 4 {
		r.fail("ERR unknown subcommand or wrong number of arguments for '" + r.arg(1) + "'. Try CLIENT HELP.")
		return
	}
	asError := false
	if len(r.args) == 4 {
		asError = strings.EqualFold(r.arg(3), "error")
		if !asError && !strings.EqualFold(r.arg(3), "timeout") {
			r.fail("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
			return
		}
	}
	id, ok := decimal.Parse(r.args[2])
	if !ok {
		r.fail("ERR value is not an integer or out of range")
		return
	}
	s := r.node.sessions.find(id)
	if s == nil || s.waiter == nil {
		r.int(0)
		return
	}
	reply := r.node.timedOut(s.waiter)
	if asError {
		reply = resp.AppendError(nil, "UNBLOCKED client unblocked via CLIENT UNBLOCK")
	}
	r.node.unblock(s.waiter, reply)
	r.int(1)
}

func (r *request) clientNoEvict() {
	if how := r.arg(2); !strings.EqualFold(how, "on") && !strings.EqualFold(how, "off") {
		r.fail("ERR syntax error")
		return
	}
	r.ok() // nobody is ever evicted
}
