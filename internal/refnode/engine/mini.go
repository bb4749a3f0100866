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

	"github.com/slotmesh/slotmesh/internal/refnode/rdb"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// Mini is an Engine of miniredis, which is called as a library: it listens nowhere, and
// its clock stands still but for what a Call says.
//
// miniredis knows how long a key has left, not until when, and counts nothing down by
// itself. So the deadlines are kept here: before a command what is left of its keys'
// time is handed over, and afterwards taken back.
type Mini struct {
	redis     *miniredis.Miniredis
	peers     [2]*server.Peer // for RESP2 and RESP3
	reply     bytes.Buffer
	writer    *bufio.Writer
	args      []string
	text      []byte
	deadlines map[string]deadline
	script    *Call // the script that runs, nil if none does
	entered   bool  // its own dispatch has passed the hook
	now       time.Time
}

// A deadline is when a key expires, and what miniredis was told was left then.
type deadline struct {
	at   time.Time
	told time.Duration
}

// NewMini returns an empty engine.
func NewMini() (*Mini, error) {
	m := &Mini{redis: miniredis.NewMiniRedis(), deadlines: map[string]deadline{}}
	conn, err := m.redis.Dial() // what starts it without a listener
	if err != nil {
		return nil, fmt.Errorf("start miniredis: %w", err)
	}
	if err := conn.Close(); err != nil {
		return nil, fmt.Errorf("start miniredis: %w", err)
	}
	m.redis.Server().SetPreHook(m.hook)
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
	m.setTime(c.Now)
	m.handOver(c.Keys)
	peer := m.peers[0]
	if c.Proto == resp.RESP3 {
		peer = m.peers[1]
	}
	if c.Nested != nil {
		m.script, m.entered = c, false
		defer func() { m.script = nil }()
	}
	m.redis.Server().Dispatch(peer, m.strings(c.Args))
	peer.Flush()
	dst = append(dst, m.reply.Bytes()...)
	m.reset()
	if c.Write {
		for _, key := range c.Keys {
			m.takeBack(key)
		}
	}
	return dst
}

// maxKept is how large a buffer is kept for the next command.
const maxKept = 64 << 10

func (m *Mini) reset() {
	if m.reply.Cap() > maxKept {
		m.reply = bytes.Buffer{}
	}
	m.reply.Reset()
	clear(m.args)
}

func (m *Mini) setTime(now time.Time) {
	if !now.Equal(m.now) {
		m.now = now
		m.redis.SetTime(now)
	}
}

// strings returns the arguments as strings, all cut from one.
func (m *Mini) strings(args [][]byte) []string {
	m.text = m.text[:0]
	for _, arg := range args {
		m.text = append(m.text, arg...)
	}
	all := string(m.text)
	if cap(m.text) > maxKept {
		m.text = nil
	}
	m.args = m.args[:0]
	for _, arg := range args {
		m.args = append(m.args, all[:len(arg)])
		all = all[len(arg):]
	}
	return m.args
}

// handOver tells miniredis what is left of the keys' time.
func (m *Mini) handOver(keys []string) {
	if len(m.deadlines) == 0 {
		return
	}
	for _, key := range keys {
		if d, ok := m.deadlines[key]; ok {
			d.told = max(d.at.Sub(m.now), time.Millisecond)
			m.deadlines[key] = d
			m.redis.SetTTL(key, d.told)
		}
	}
}

// takeBack notes the deadline that a command has left key with.
func (m *Mini) takeBack(key string) {
	left := m.redis.TTL(key)
	switch d, had := m.deadlines[key]; {
	case left == 0 && had:
		delete(m.deadlines, key)
	case left == 0, had && left == d.told:
	default:
		m.deadlines[key] = deadline{at: m.now.Add(left), told: left}
	}
}

// hook sees every command before miniredis runs it, those that scripts call too. The
// lock of miniredis is held then.
func (m *Mini) hook(peer *server.Peer, name string, args ...string) bool {
	if m.script == nil {
		return false
	}
	if !m.entered {
		m.entered = true
		return false
	}
	refusal := m.script.Nested(append([]string{name}, args...))
	if refusal == "" {
		return false
	}
	peer.WriteError(refusal)
	return true
}

// Type returns the type of key.
func (m *Mini) Type(key string) string {
	switch t := m.redis.Type(key); t {
	case "":
		return "none"
	case "hll":
		return "string"
	default:
		return t
	}
}

// Deadline returns when key expires.
func (m *Mini) Deadline(key string) (time.Time, bool) {
	d, ok := m.deadlines[key]
	return d.at, ok
}

// SetDeadline sets when key expires.
func (m *Mini) SetDeadline(key string, at time.Time) {
	switch {
	case at.IsZero():
		m.redis.SetTTL(key, 0)
		delete(m.deadlines, key)
	case m.redis.Exists(key):
		m.deadlines[key] = deadline{at: at}
		m.handOver([]string{key})
	}
}

// Delete removes key.
func (m *Mini) Delete(key string) bool {
	delete(m.deadlines, key)
	return m.redis.Del(key)
}

// Flush removes all keys.
func (m *Mini) Flush() {
	clear(m.deadlines)
	m.redis.FlushAll()
}

// Snapshot returns the value of key.
func (m *Mini) Snapshot(key string) (rdb.Value, error) {
	switch t := m.redis.Type(key); t {
	case "string":
		s, err := m.redis.Get(key)
		return rdb.Value{Kind: rdb.String, Str: s}, err
	case "list":
		items, err := m.redis.List(key)
		return rdb.Value{Kind: rdb.List, Items: slices.Clone(items)}, err
	case "set":
		items, err := m.redis.Members(key)
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
	fields, err := m.redis.HKeys(key)
	items := make([]string, 0, 2*len(fields))
	for _, field := range fields {
		items = append(items, field, m.redis.HGet(key, field))
	}
	return rdb.Value{Kind: rdb.Hash, Items: items}, err
}

func (m *Mini) zset(key string) (rdb.Value, error) {
	scores, err := m.redis.SortedSet(key)
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
		_ = m.redis.Set(key, v.Str)
	case rdb.List:
		_, _ = m.redis.Push(key, v.Items...)
	case rdb.Set:
		_, _ = m.redis.SetAdd(key, v.Items...)
	case rdb.Hash:
		m.redis.HSet(key, v.Items...)
	case rdb.ZSet:
		for _, member := range v.Members {
			_, _ = m.redis.ZAdd(key, member.Score, member.Name)
		}
	}
}
