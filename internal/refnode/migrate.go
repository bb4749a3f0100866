package refnode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/slotmesh/slotmesh/internal/refnode/decimal"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// A migration is what MIGRATE is to do.
type migration struct {
	addr     string
	db       int64
	timeout  time.Duration
	copy     bool
	replace  bool
	auth     bool // with what follows, even if it is empty
	user, pw string
	keys     [][]byte // that are here
	payloads [][]byte
	ttls     []int64 // ms, 0: none
}

// migrate is MIGRATE. The node's lock is held all the time: for clients the keys move at
// once, and a target that does not answer holds everything up until the timeout.
func (r *request) migrate() {
	m, refusal := r.migration()
	if refusal != "" {
		r.fail(refusal)
		return
	}
	if err := r.collect(m); err != nil {
		r.fail("ERR " + err.Error())
		return
	}
	if len(m.keys) == 0 {
		r.simple("NOKEY")
		return
	}
	replies, err := r.node.send(m)
	if !m.copy {
		for i, reply := range replies {
			if reply == "" {
				r.node.removeMigrated(r.now, m.keys[i])
			}
		}
	}
	for _, reply := range replies {
		if reply != "" {
			r.fail("ERR Target instance replied with error: " + reply)
			return
		}
	}
	if err != nil {
		r.fail("IOERR " + err.Error())
		return
	}
	r.ok()
}

// migration reads the arguments of MIGRATE.
func (r *request) migration() (m *migration, refusal string) {
	m = &migration{addr: net.JoinHostPort(r.arg(1), r.arg(2)), keys: r.args[3:4]}
options:
	for i := 6; i < len(r.args); i++ {
		left := len(r.args) - i - 1
		switch word := r.arg(i); {
		case isAny(word, "copy"):
			m.copy = true
		case isAny(word, "replace"):
			m.replace = true
		case isAny(word, "auth"):
			if left < 1 {
				return nil, "ERR syntax error"
			}
			m.auth, m.pw = true, r.arg(i+1)
			i++
		case isAny(word, "auth2"):
			if left < 2 {
				return nil, "ERR syntax error"
			}
			m.auth, m.user, m.pw = true, r.arg(i+1), r.arg(i+2)
			i += 2
		case isAny(word, "keys"):
			if len(r.args[3]) != 0 {
				return nil, "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string"
			}
			m.keys = r.args[i+1:]
			break options
		default:
			return nil, "ERR syntax error"
		}
	}
	timeout, ok1 := decimal.Parse(r.args[5])
	db, ok2 := decimal.Parse(r.args[4])
	if !ok1 || !ok2 {
		return nil, "ERR value is not an integer or out of range"
	}
	if timeout <= 0 {
		timeout = 1000
	}
	m.db, m.timeout = db, time.Duration(min(timeout, maxPause))*time.Millisecond
	return m, ""
}

// collect leaves the keys that are here in m, with their values.
func (r *request) collect(m *migration) error {
	named := m.keys
	m.keys = nil
	for _, key := range named {
		if !r.node.keys.hasBytes(key) {
			continue
		}
		payload, err := r.node.payload(string(key))
		if err != nil {
			return fmt.Errorf("migrate key %q: %w", key, err)
		}
		ttl := int64(0)
		if at, ok := r.node.keys.data.Deadline(string(key)); ok {
			ttl = max(at.Sub(r.now).Milliseconds(), 1)
		}
		m.keys = append(m.keys, key)
		m.payloads = append(m.payloads, payload)
		m.ttls = append(m.ttls, ttl)
	}
	return nil
}

var errWriting = errors.New("error or timeout writing to target instance")

// send sends the keys and returns what the target answered to each: the text of its
// error, empty if it took the key. Of those that are missing nothing is known.
func (n *Node) send(m *migration) (replies []string, err error) {
	ctx, cancel := context.WithTimeout(n.life, m.timeout)
	defer cancel()
	conn, err := n.cfg.Network.Dial(ctx, m.addr)
	switch {
	case err != nil && ctx.Err() == nil:
		return nil, errWriting // a server connects without waiting, and is refused when it writes
	case err != nil:
		return nil, errors.New("error or timeout connecting to the client")
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if _, err := conn.Write(m.requests()); err != nil {
		return nil, errWriting
	}
	return m.read(conn)
}

// requests returns what is sent to the target.
func (m *migration) requests() []byte {
	var out []byte
	add := func(args ...any) { out, _ = resp.AppendRequest(out, args) }
	switch {
	case m.user != "":
		add("AUTH", m.user, m.pw)
	case m.auth:
		add("AUTH", m.pw)
	}
	if m.db != 0 {
		add("SELECT", m.db)
	}
	for i, key := range m.keys {
		args := []any{"RESTORE-ASKING", key, m.ttls[i], m.payloads[i]}
		if m.replace {
			args = append(args, "REPLACE")
		}
		add(args...)
	}
	return out
}

// read reads what the target answers.
func (m *migration) read(conn net.Conn) (replies []string, err error) {
	in := lines{conn: conn}
	refused, err := m.readGreetings(&in)
	for range m.keys {
		var text string
		if err == nil {
			text, err = in.reply()
		}
		if err != nil {
			return replies, errors.New("error or timeout reading to target instance")
		}
		if refused != "" {
			text = refused
		}
		replies = append(replies, text)
	}
	return replies, nil
}

// readGreetings reads the replies to what precedes the keys, and returns the first error
// among them.
func (m *migration) readGreetings(in *lines) (refused string, err error) {
	for _, sent := range []bool{m.auth, m.db != 0} {
		if !sent {
			continue
		}
		text, err := in.reply()
		if err != nil {
			return "", err
		}
		if refused == "" {
			refused = text
		}
	}
	return refused, nil
}

// lines cuts what a connection yields into lines.
type lines struct {
	conn net.Conn
	buf  []byte
}

// reply returns the text of the next reply if that is an error, else nothing. Those to
// what MIGRATE sends have one line.
func (l *lines) reply() (refusal string, err error) {
	for {
		if line, rest, ok := bytes.Cut(l.buf, []byte("\r\n")); ok {
			l.buf = rest
			text, _ := bytes.CutPrefix(line, []byte("-"))
			if len(text) == len(line) {
				return "", nil
			}
			return string(text), nil
		}
		var chunk [4 << 10]byte
		n, err := l.conn.Read(chunk[:])
		if n == 0 && err != nil {
			return "", err
		}
		l.buf = append(l.buf, chunk[:n]...)
	}
}
