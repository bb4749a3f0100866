package refnode

import (
	"crypto/sha256"
	"crypto/subtle"
	"math"
	"strings"

	"github.com/slotmesh/slotmesh/internal/refnode/decimal"
	"github.com/slotmesh/slotmesh/internal/resp"
)

var connectionHandlers = map[string]handler{
	"ping":      (*request).ping,
	"echo":      func(r *request) { r.bulk(r.arg(1)) },
	"quit":      (*request).quit,
	"reset":     (*request).reset,
	"select":    (*request).selectDB,
	"auth":      (*request).auth,
	"hello":     (*request).hello,
	"asking":    func(r *request) { r.mark(&r.session.asking, true) },
	"readonly":  func(r *request) { r.mark(&r.session.readonly, true) },
	"readwrite": func(r *request) { r.mark(&r.session.readonly, false) },
}

func (r *request) mark(flag *bool, to bool) {
	*flag = to
	r.ok()
}

func (r *request) ping() {
	switch len(r.args) {
	case 1:
		r.simple("PONG")
	case 2:
		r.bulk(r.arg(1))
	default:
		r.fail("ERR wrong number of arguments for 'ping' command")
	}
}

func (r *request) quit() {
	r.session.quit = true
	r.ok()
}

// reset makes the connection what it was when it was new.
func (r *request) reset() {
	s := r.session
	r.node.discard(s)
	s.asking, s.readonly = false, false
	s.proto, s.name = resp.RESP2, ""
	s.authed = r.node.cfg.Password == ""
	s.silent.reset()
	r.simple("RESET")
}

func (r *request) selectDB() {
	db, ok := decimal.Parse(r.args[1])
	switch {
	case !ok:
		r.fail("ERR value is not an integer or out of range")
	case db < math.MinInt32 || db > math.MaxInt32:
		r.fail("ERR value is out of range, value must between -2147483648 and 2147483647")
	case db != 0:
		r.fail("ERR SELECT is not allowed in cluster mode")
	default:
		r.ok()
	}
}

// auth is AUTH [user] password.
func (r *request) auth() {
	user := defaultUser
	switch {
	case len(r.args) > 3:
		r.fail("ERR syntax error")
		return
	case len(r.args) == 3:
		user = r.arg(1)
	case r.node.cfg.Password == "":
		r.fail("ERR AUTH <password> called without any password configured for the default user. " +
			"Are you sure your configuration is correct?")
		return
	}
	if r.authenticate(user, r.args[len(r.args)-1]) {
		r.ok()
	}
}

// defaultUser is the only user there is.
const defaultUser = "default"

// authenticate lets the client in, or answers that it may not. Who is in already stays so.
func (r *request) authenticate(user string, password []byte) bool {
	if user != defaultUser || !r.node.accepts(password) {
		r.fail("WRONGPASS invalid username-password pair or user is disabled.")
		return false
	}
	r.session.authed = true
	return true
}

// accepts reports whether password is right, which any is if there is none. How long it
// takes tells nothing: of two digests, not even the length differs.
func (n *Node) accepts(password []byte) bool {
	if n.cfg.Password == "" {
		return true
	}
	got, want := sha256.Sum256(password), sha256.Sum256([]byte(n.cfg.Password))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

// hello is HELLO [version [AUTH user password] [SETNAME name]]. Its reply is already in
// the protocol that it switches to.
func (r *request) hello() {
	proto, ok := r.helloVersion()
	if !ok || !r.helloOptions() {
		return
	}
	if !r.session.authed {
		r.fail("NOAUTH HELLO must be called with the client already authenticated, otherwise the " +
			"HELLO AUTH <user> <pass> option can be used to authenticate the client and select the " +
			"RESP protocol version at the same time")
		return
	}
	r.session.proto = proto
	r.greet()
}

func (r *request) helloVersion() (proto resp.Protocol, ok bool) {
	if len(r.args) == 1 {
		return r.session.proto, true
	}
	version, ok := decimal.Parse(r.args[1])
	switch {
	case !ok:
		r.fail("ERR Protocol version is not an integer or out of range")
	case version < 2 || version > 3:
		r.fail("NOPROTO unsupported protocol version")
		ok = false
	}
	return resp.Protocol(version), ok
}

// helloOptions does what the options say, one after the other: what came before one that
// is refused, stays done.
func (r *request) helloOptions() (ok bool) {
	for i := 2; i < len(r.args); {
		left := len(r.args) - i - 1
		switch option := r.arg(i); {
		case strings.EqualFold(option, "auth") && left >= 2:
			if !r.authenticate(r.arg(i+1), r.args[i+2]) {
				return false
			}
			i += 3
		case strings.EqualFold(option, "setname") && left >= 1:
			if !r.rename(r.arg(i + 1)) {
				return false
			}
			i += 2
		default:
			r.fail("ERR Syntax error in HELLO option '" + option + "'")
			return false
		}
	}
	return true
}

func (r *request) greet() {
	proto := r.session.proto
	r.out = proto.AppendMap(r.out, 7)
	r.bulk("server")
	r.bulk("redis")
	r.bulk("version")
	r.bulk(redisVersion)
	r.bulk("proto")
	r.int(int64(proto))
	r.bulk("id")
	r.int(r.session.id)
	r.bulk("mode")
	r.bulk("cluster")
	r.bulk("role")
	r.bulk(map[bool]string{true: "replica", false: "master"}[r.node.isReplica()])
	r.bulk("modules")
	r.array(0)
}
