package rdb_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/realcluster"
	"github.com/slotmesh/slotmesh/internal/refnode/rdb"
)

// A server is a redis-server that is asked one thing after another.
type server struct {
	t *testing.T
	c *realcluster.Cluster
}

func startServer(t *testing.T) server {
	return server{t, realcluster.Start(t, realcluster.Config{
		Standalone: true,
		// A server that is told to sanitize looks as closely as the package does.
		ConfigLines: []string{"enable-debug-command yes", "sanitize-dump-payload yes"},
	})}
}

func (s server) try(args ...any) (any, error) {
	return s.c.Do(context.Background(), s.c.Addrs()[0], args...)
}

func (s server) do(args ...any) any {
	s.t.Helper()
	reply, err := s.try(args...)
	require.NoErrorf(s.t, err, "%.100q", args)
	return reply
}

// run sends commands, one in a line, without quotes.
func (s server) run(commands string) {
	s.t.Helper()
	for line := range strings.Lines(commands) {
		if words := strings.Fields(line); len(words) > 0 {
			s.do(arguments(words)...)
		}
	}
}

func arguments(words []string, more ...any) []any {
	args := make([]any, len(words), len(words)+len(more))
	for i, word := range words {
		args[i] = word
	}
	return append(args, more...)
}

// store creates the key.
func (s server) store(v rdb.Value) {
	s.t.Helper()
	s.do("DEL", "key")
	switch v.Kind {
	case rdb.String:
		s.do("SET", "key", v.Str)
	case rdb.List:
		s.do(append([]any{"RPUSH", "key"}, arguments(v.Items)...)...)
	case rdb.Set:
		s.do(append([]any{"SADD", "key"}, arguments(v.Items)...)...)
	case rdb.Hash:
		s.do(append([]any{"HSET", "key"}, arguments(v.Items)...)...)
	case rdb.ZSet:
		args := []any{"ZADD", "key"}
		for _, m := range v.Members {
			args = append(args, m.Score, m.Name)
		}
		s.do(args...)
	}
}

// load reads the key with the commands of its type.
func (s server) load() rdb.Value {
	s.t.Helper()
	switch kind := s.do("TYPE", "key"); kind {
	case "string":
		return str(s.do("GET", "key").(string))
	case "list":
		return list(s.strings("LRANGE", "key", 0, -1)...)
	case "set":
		return set(s.strings("SMEMBERS", "key")...)
	case "hash":
		return hash(s.strings("HGETALL", "key")...)
	default:
		require.Equal(s.t, "zset", kind)
		return s.loadZSet()
	}
}

func (s server) loadZSet() rdb.Value {
	v := zset()
	items := s.strings("ZRANGE", "key", 0, -1, "WITHSCORES")
	for i := 0; i < len(items); i += 2 {
		score, err := strconv.ParseFloat(items[i+1], 64)
		require.NoError(s.t, err)
		v.Members = append(v.Members, rdb.Member{Name: items[i], Score: score})
	}
	return v
}

func (s server) strings(args ...any) (items []string) {
	for _, item := range s.do(args...).([]any) {
		items = append(items, item.(string))
	}
	return items
}

func (s server) dump() []byte {
	s.t.Helper()
	return []byte(s.do("DUMP", "key").(string))
}

// Run with -update to take testdata from the server.
func TestServerDumpsParsed(t *testing.T) {
	s := startServer(t)
	golden := make(map[string][]byte)
	for _, d := range dumps {
		t.Run(d.name, func(t *testing.T) {
			s.t = t
			s.run(defaults)
			s.run(d.config)
			s.store(d.value)
			p := s.dump()
			require.Truef(t, strings.HasPrefix(string(p), d.starts), "%.20x", p)

			v, err := rdb.ParsePayload(p)
			require.NoError(t, err)
			requireSame(t, d.value, v)
			golden[d.name] = p
		})
	}
	if *update && !t.Failed() {
		writeGolden(t, golden)
	}
}

func TestServerRestoresAppended(t *testing.T) {
	s := startServer(t)
	for _, d := range dumps {
		t.Run(d.name, func(t *testing.T) {
			s.t = t
			s.do("RESTORE", "key", 0, rdb.AppendPayload(nil, d.value), "REPLACE")
			require.Equal(t, d.value.Kind.String(), s.do("TYPE", "key"))
			requireSame(t, d.value, s.load())
		})
	}
}

func TestStringsAreAppendedAsServerDumps(t *testing.T) {
	s := startServer(t)
	s.do("CONFIG", "SET", "rdbcompression", "no")
	for _, d := range dumps {
		if d.value.Kind == rdb.String {
			s.store(d.value)
			require.Equal(t, s.dump(), rdb.AppendPayload(nil, d.value), d.name)
		}
	}
}

func TestServerHyperLogLogIsString(t *testing.T) {
	s := startServer(t)
	s.do(append([]any{"PFADD", "key"}, arguments(count(10000))...)...)
	v, err := rdb.ParsePayload(s.dump())
	require.NoError(t, err)
	require.Equal(t, s.load(), v)

	s.do("RESTORE", "copy", 0, rdb.AppendPayload(nil, v))
	require.Equal(t, s.do("PFCOUNT", "key"), s.do("PFCOUNT", "copy"))
}

func TestServerStreamIsUnsupported(t *testing.T) {
	s := startServer(t)
	s.do("XADD", "key", "*", "field", "value")
	_, err := rdb.ParsePayload(s.dump())
	require.EqualError(t, err, "value of type stream (19): unsupported operation")
}

func TestServerReadsHandmade(t *testing.T) {
	s := startServer(t)
	for _, h := range handmade {
		t.Run(h.name, func(t *testing.T) {
			s.t = t
			_, err := s.try("RESTORE", "key", 0, payload(10, h.body), "REPLACE")
			if h.newer {
				require.EqualError(t, err, "ERR Bad data format")
				return
			}
			require.NoError(t, err)
			requireSame(t, h.value, s.load())
		})
	}
}

func TestServerRefusesBad(t *testing.T) {
	s := startServer(t)
	for _, b := range bad {
		_, err := s.try("RESTORE", "key", 0, payload(10, b.body), "REPLACE")
		if b.accepted {
			require.NoError(t, err, b.name)
		} else {
			require.EqualError(t, err, "ERR Bad data format", b.name)
		}
	}
}

func TestServerRefusesDamaged(t *testing.T) {
	s := startServer(t)
	for name, p := range damaged {
		_, err := s.try("RESTORE", "key", 0, p)
		require.EqualError(t, err, "ERR "+rdb.ErrChecksum.Error(), name)
	}
}
