package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/rdb"
	"github.com/slotmesh/slotmesh/internal/resp"
)

func newMini(t *testing.T) *Mini {
	m, err := NewMini()
	require.NoError(t, err)
	t.Cleanup(m.Close)
	return m
}

// do runs a command, and returns its reply and what it has changed.
func do(m *Mini, command string) (reply string, changed []string) {
	c := Call{Proto: resp.RESP2, Now: time.UnixMilli(1000)}
	for word := range quotedWords(command) {
		c.Args = append(c.Args, []byte(word))
	}
	out := m.Exec(nil, &c)
	return string(out), c.Changed
}

// WATCH, blocked clients and followers hear of the keys that have changed, and of no
// others.
func TestChanged(t *testing.T) {
	m := newMini(t)
	for _, tt := range []struct {
		command string
		changed []string
	}{
		{"SET s v", []string{"s"}},
		{"SET s w NX", nil},
		{"SET s w NX GET", nil},
		{"GETEX s", nil},
		{"GETEX s PERSIST", nil},
		{"GETEX s EX 10", []string{"s"}},
		{"PERSIST s", []string{"s"}},
		{"PERSIST s", nil},
		{"SETRANGE s 0 \"\"", nil},
		{"COPY s c", []string{"c"}},
		{"COPY s c", nil},
		{"DEL nosuch c", []string{"c"}},
		{"RPUSH s x", nil},
		{"RPUSH l a b", []string{"l"}},
		{"LPOP l 0", nil},
		{"LREM l 0 nosuch", nil},
		{"RPOPLPUSH l m", []string{"l", "m"}},
		{"LMPOP 2 nosuch l LEFT", []string{"l"}},
		{"SADD t a", []string{"t"}},
		{"SADD t a", nil},
		{"SMOVE t t a", nil},
		{"SINTERSTORE u t nosuch", nil},
		{"SUNIONSTORE u t nosuch", []string{"u"}},
		{"ZADD z 1 a", []string{"z"}},
		{"ZADD z 1 a", nil},
		{"ZADD z GT 0 a", nil},
		{"ZRANGE z 0 -1", nil},
		{"ZUNIONSTORE y 2 z t", []string{"y"}},
		{"EXPIRE s -1", []string{"s"}},
		{"XADD x 1-1 f v", []string{"x"}},
		{"XADD z 1-1 f v", nil},
	} {
		reply, changed := do(m, tt.command)
		require.Equal(t, tt.changed, changed, "%s -> %q", tt.command, reply)
	}
}

// What a script calls runs as if a client had called it, and is asked about first.
func TestScriptsCallNatives(t *testing.T) {
	m := newMini(t)
	var asked []string
	c := &Call{
		Args: [][]byte{[]byte("EVAL"), []byte("redis.call('ZADD','z',0.1,'a') redis.call('PEXPIREAT','z',2000) " +
			"return {redis.call('ZSCORE','z','a'),redis.pcall('DEL','z')}"), []byte("0")},
		Proto: resp.RESP2, Now: time.UnixMilli(1000),
		Nested: func(args []string) string {
			asked = append(asked, args[0])
			if args[0] == "DEL" {
				return "ERR not that"
			}
			return ""
		},
	}
	reply := string(m.Exec(nil, c))
	require.Equal(t, "*2\r\n$19\r\n0.10000000000000001\r\n-ERR not that\r\n", reply)
	require.Equal(t, []string{"ZADD", "PEXPIREAT", "ZSCORE", "DEL"}, asked)
	require.Equal(t, []string{"z"}, c.Changed)
	at, ok := m.Deadline("z")
	require.True(t, ok)
	require.Equal(t, int64(2000), at.UnixMilli())
}

// A key takes its deadline with it when it is removed, and the next of its name has none.
func TestDeadlinesGoWithTheirKeys(t *testing.T) {
	m := newMini(t)
	for _, end := range []string{"DEL k", "SET k v", "RENAME k other", "SPOP k 9", "SINTERSTORE k k nosuch"} {
		t.Run(end, func(t *testing.T) {
			do(m, "DEL k")
			do(m, "SADD k a")
			m.SetDeadline("k", time.UnixMilli(5000))
			at, ok := m.Deadline("k")
			require.True(t, ok)
			require.Equal(t, int64(5000), at.UnixMilli())
			do(m, end)
			_, ok = m.Deadline("k")
			require.False(t, ok)
			do(m, "SETNX k v")
			_, ok = m.Deadline("k")
			require.False(t, ok)
		})
	}
	m.SetDeadline("nosuch", time.UnixMilli(5000))
	_, ok := m.Deadline("nosuch")
	require.False(t, ok)
}

// What is taken out of an engine makes the same key in another.
func TestSnapshot(t *testing.T) {
	m := newMini(t)
	for _, v := range []rdb.Value{
		{Kind: rdb.String, Str: "text"},
		{Kind: rdb.List, Items: []string{"b", "a", "b"}},
		{Kind: rdb.Set, Items: []string{"a", "b"}},
		{Kind: rdb.Hash, Items: []string{"f", "v", "g", ""}},
		{Kind: rdb.ZSet, Members: []rdb.Member{{Name: "a", Score: 2}, {Name: "b", Score: 0.1}}},
	} {
		m.Install("k", v)
		got, err := m.Snapshot("k")
		require.NoError(t, err)
		require.Equal(t, v, got)
		require.Equal(t, v.Kind.String(), m.Type("k"))
	}
	require.True(t, m.Delete("k"))
	_, err := m.Snapshot("k")
	require.ErrorIs(t, err, ErrNoKey)
}

// What miniredis panics at is an error, and the next command runs.
func TestPanicIsAnError(t *testing.T) {
	m := newMini(t)
	reply, _ := do(m, "XCLAIM k g c 0 1-1 IDLE")
	require.Contains(t, reply, "-ERR ")
	reply, _ = do(m, "SET k v")
	require.Equal(t, "+OK\r\n", reply)
}
