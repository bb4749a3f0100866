package engine

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"github.com/slotmesh/slotmesh/internal/refnode/command"
	"github.com/slotmesh/slotmesh/internal/refnode/decimal"
	"github.com/slotmesh/slotmesh/internal/refnode/rdb"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// Mini is an Engine of miniredis, which is called as a library: it listens nowhere, and
// its clock stands still but for what a Call says. Where it does not do what the server
// does, a native runs in its place, for scripts too.
type Mini struct {
	store
	redis  *miniredis.Miniredis
	peers  [2]*server.Peer // for RESP2 and RESP3
	reply  bytes.Buffer
	writer *bufio.Writer
	script *Call // the script that runs, nil if none does
	inside bool  // its own dispatch has passed the hook
	now    time.Time
}

// NewMini returns an empty engine.
func NewMini() (*Mini, error) {
	m := &Mini{redis: miniredis.NewMiniRedis()}
	conn, err := m.redis.Dial() // what starts it without a listener
	if err != nil {
		return nil, fmt.Errorf("start miniredis: %w", err)
	}
	if err := conn.Close(); err != nil {
		return nil, fmt.Errorf("start miniredis: %w", err)
	}
	m.redis.Server().SetPreHook(m.hook)
	m.store.db = m.redis.DB(0)
	m.writer = bufio.NewWriterSize(&m.reply, 4<<10)
	for i := range m.peers {
		m.peers[i] = server.NewPeer(m.writer)
		m.peers[i].Resp3 = i == 1
	}
	return m, nil
}

// Close ends the engine.
func (m *Mini) Close() { m.redis.Close() }

// Exec runs one command.
func (m *Mini) Exec(dst []byte, c *Call) []byte {
	if c.Nested != nil {
		m.script, m.inside = c, false
		defer func() { m.script = nil }()
	}
	m.changed = nil
	dst = m.run(dst, texts(c.Args), c.Proto, c.Now)
	c.Changed = m.changed
	return dst
}

// texts returns the arguments as strings, all cut from one.
func texts(args [][]byte) []string {
	all := string(bytes.Join(args, nil))
	cut := make([]string, len(args))
	for i, arg := range args {
		cut[i], all = all[:len(arg)], all[len(arg):]
	}
	return cut
}

// run runs a command, as a native if there is one.
func (m *Mini) run(dst []byte, args []string, proto resp.Protocol, now time.Time) []byte {
	if run, ok := natives[strings.ToLower(args[0])]; ok {
		return m.runNative(dst, run, args, proto, now)
	}
	start := len(dst)
	args = withoutBlock(args)
	dst = m.dispatch(dst, args, proto, now)
	m.suspect(args, dst[start:])
	return dst
}

// withoutBlock returns XREAD or XREADGROUP without BLOCK, which a script, say, may call:
// nothing blocks here. What is no timeout stays, for miniredis to refuse. args are changed.
func withoutBlock(args []string) []string {
	if name := strings.ToLower(args[0]); name != "xread" && name != "xreadgroup" {
		return args
	}
	for i := 1; i < len(args); {
		switch strings.ToLower(args[i]) {
		case "block":
			if i+1 == len(args) {
				return args
			}
			if ms, ok := decimal.Parse(args[i+1]); !ok || ms < 0 {
				return args
			}
			args = slices.Delete(args, i, i+2)
		case "count":
			i += 2
		case "group":
			i += 3
		case "noack":
			i++
		default:
			return args
		}
	}
	return args
}

// IsNull reports whether a reply is a null of either protocol.
func IsNull(reply []byte) bool {
	switch string(reply) {
	case "$-1\r\n", "*-1\r\n", "_\r\n":
		return true
	}
	return false
}

// suspect notes the keys that a command may have changed which miniredis ran: it does not
// say which it has. One that answers null has found nothing to do.
func (m *Mini) suspect(args []string, reply []byte) {
	request := make([][]byte, len(args))
	for i, arg := range args {
		request[i] = []byte(arg)
	}
	spec, err := command.Find(request)
	if err != nil || !spec.Flags.Has(command.Write) || reply[0] == '-' || IsNull(reply) {
		return
	}
	for _, key := range spec.Keys(request, nil) {
		m.mark(args[key.Arg])
	}
}

// dispatch has miniredis run a command. It panics at some that make no sense, XCLAIM with
// an IDLE at its end for one, which is an error for the client, and for nobody else.
func (m *Mini) dispatch(dst []byte, args []string, proto resp.Protocol, now time.Time) (out []byte) {
	defer func() {
		if p := recover(); p != nil {
			m.reply.Reset()
			m.writer.Reset(&m.reply)
			out = resp.AppendError(dst, fmt.Sprintf("ERR the engine of the reference node cannot run this: %v", p))
		}
	}()
	if !now.Equal(m.now) {
		m.now = now
		m.redis.SetTime(now)
	}
	peer := m.peers[0]
	if proto == resp.RESP3 {
		peer = m.peers[1]
	}
	m.redis.Server().Dispatch(peer, args)
	peer.Flush()
	if reply := m.reply.Bytes(); proto == resp.RESP3 && string(reply) == "*-1\r\n" {
		dst = proto.AppendNullArray(dst) // which miniredis does not know
	} else {
		dst = append(dst, reply...)
	}
	if m.reply.Cap() > maxKept {
		m.reply = bytes.Buffer{}
	}
	m.reply.Reset()
	return dst
}

// maxKept is how large a buffer is kept for the next command.
const maxKept = 64 << 10

// hook sees every command before miniredis runs it. Those that a script calls are run
// here, as if a client had sent them: meanwhile the lock is given back that miniredis
// holds as long as the script runs.
func (m *Mini) hook(peer *server.Peer, name string, args ...string) bool {
	if m.script == nil {
		return false
	}
	if !m.inside {
		m.inside = true
		return false
	}
	script := m.script
	m.script = nil
	m.redis.Unlock()
	defer func() {
		m.redis.Lock()
		m.script = script
	}()
	script.Changed = m.changed
	call := append([]string{name}, args...)
	if refusal := script.Nested(call); refusal != "" {
		peer.WriteError(refusal)
		return true
	}
	peer.WriteRaw(string(m.run(nil, call, resp.RESP2, script.Now)))
	return true
}

// Type returns the type of key.
func (m *Mini) Type(key string) string { return shownType(m.db.Type(key)) }

// Deadline returns when key expires.
func (m *Mini) Deadline(key string) (at time.Time, ok bool) {
	ms := m.deadline(key)
	if ms == 0 {
		return time.Time{}, false
	}
	return time.UnixMilli(ms), true
}

// SetDeadline sets when key expires.
func (m *Mini) SetDeadline(key string, at time.Time) {
	switch {
	case !m.db.Exists(key):
	case at.IsZero():
		m.setDeadline(key, 0)
	default:
		m.setDeadline(key, at.UnixMilli())
	}
}

// Delete removes key.
func (m *Mini) Delete(key string) bool { return m.db.Del(key) }

// Flush removes all keys.
func (m *Mini) Flush() { m.redis.FlushAll() }

// Snapshot returns the value of key.
func (m *Mini) Snapshot(key string) (rdb.Value, error) {
	switch t := m.db.Type(key); t {
	case "string":
		s, err := m.db.Get(key)
		return rdb.Value{Kind: rdb.String, Str: s}, err
	case "list":
		items, err := m.db.List(key)
		return rdb.Value{Kind: rdb.List, Items: slices.Clone(items)}, err
	case "set":
		items, err := m.db.Members(key)
		return rdb.Value{Kind: rdb.Set, Items: items}, err
	case "hash":
		return m.hash(key)
	case "zset":
		return m.zset(key)
	case "":
		return rdb.Value{}, ErrNoKey
	default:
		return rdb.Value{}, fmt.Errorf("values of type %s cannot be exported: %w", t, errors.ErrUnsupported)
	}
}

func (m *Mini) hash(key string) (rdb.Value, error) {
	fields, err := m.db.HKeys(key)
	items := make([]string, 0, 2*len(fields))
	for _, field := range fields {
		items = append(items, field, m.db.HGet(key, field))
	}
	return rdb.Value{Kind: rdb.Hash, Items: items}, err
}

func (m *Mini) zset(key string) (rdb.Value, error) {
	scores, err := m.db.SortedSet(key)
	members := make([]rdb.Member, 0, len(scores))
	for name, score := range scores {
		members = append(members, rdb.Member{Name: name, Score: score})
	}
	slices.SortFunc(members, func(a, b rdb.Member) int { return strings.Compare(a.Name, b.Name) })
	return rdb.Value{Kind: rdb.ZSet, Members: members}, err
}

// Install makes v the value of key.
func (m *Mini) Install(key string, v rdb.Value) {
	m.Delete(key)
	// The key is not there, so none of these can meet a value of another type.
	switch v.Kind {
	case rdb.String:
		_ = m.db.Set(key, v.Str)
	case rdb.List:
		_, _ = m.db.Push(key, v.Items...)
	case rdb.Set:
		_, _ = m.db.SetAdd(key, v.Items...)
	case rdb.Hash:
		m.db.HSet(key, v.Items...)
	case rdb.ZSet:
		for _, member := range v.Members {
			_, _ = m.db.ZAdd(key, member.Score, member.Name)
		}
	}
}
