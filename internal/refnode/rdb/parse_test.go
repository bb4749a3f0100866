package rdb_test

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/rdb"
)

// requireSame compares what two values mean: only a list has an order.
func requireSame(t *testing.T, want, got rdb.Value) {
	t.Helper()
	require.Equal(t, sorted(want), sorted(got))
}

func sorted(v rdb.Value) rdb.Value {
	v.Members = slices.SortedFunc(slices.Values(v.Members), func(a, b rdb.Member) int {
		return strings.Compare(a.Name, b.Name)
	})
	switch v.Kind {
	case rdb.Set:
		v.Items = slices.Sorted(slices.Values(v.Items))
	case rdb.Hash:
		pairs := slices.SortedFunc(slices.Chunk(v.Items, 2), slices.Compare)
		v.Items = slices.Concat(pairs...)
	}
	return v
}

func TestParseWhatServerDumped(t *testing.T) {
	golden := readGolden(t)
	for _, d := range dumps {
		if d.large {
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			p := golden[d.name]
			require.Truef(t, strings.HasPrefix(string(p), d.starts), "%.20x", p)
			v, err := rdb.ParsePayload(p)
			require.NoError(t, err)
			requireSame(t, d.value, v)
		})
	}
}

func TestParseHandmade(t *testing.T) {
	for _, h := range handmade {
		t.Run(h.name, func(t *testing.T) {
			v, err := rdb.ParsePayload(payload(10, h.body))
			require.NoError(t, err)
			requireSame(t, h.value, v)
		})
	}
}

func TestParseWhatWasAppended(t *testing.T) {
	for _, d := range dumps {
		t.Run(d.name, func(t *testing.T) {
			p := rdb.AppendPayload([]byte("in front"), d.value)
			require.Equal(t, "in front", string(p[:8]))
			v, err := rdb.ParsePayload(p[8:])
			require.NoError(t, err)
			require.Equal(t, d.value, v)
		})
	}
}

func TestParseEarlierVersion(t *testing.T) {
	v, err := rdb.ParsePayload(payload(6, "\x00\x01a"))
	require.NoError(t, err)
	require.Equal(t, str("a"), v)
}

func TestParseCutShort(t *testing.T) {
	for name, p := range bodies(t) {
		for n := range min(len(p), 3000) {
			_, err := rdb.ParsePayload(payload(10, p[:n]))
			require.ErrorIsf(t, err, rdb.ErrFormat, "%s, %d bytes", name, n)
		}
	}
}

// bodies returns the bodies of all payloads there are without a server.
func bodies(tb testing.TB) map[string]string {
	all := make(map[string]string)
	for name, p := range readGolden(tb) {
		all[name] = string(p[:len(p)-10])
	}
	for _, h := range handmade {
		all[h.name] = h.body
	}
	return all
}

func TestParseUnsupported(t *testing.T) {
	for typ, name := range map[byte]string{
		6: "module", 7: "module", 15: "stream", 19: "stream", 21: "stream",
		22: "hash with field TTLs", 24: "hash with field TTLs", 25: "hash with field TTLs",
	} {
		_, err := rdb.ParsePayload(payload(10, string([]byte{typ})+"\x01\x01a\x01b"))
		require.ErrorIs(t, err, errors.ErrUnsupported)
		require.ErrorContains(t, err, name)
		require.NotErrorIs(t, err, rdb.ErrFormat)
	}
}

func TestValueKeepsNothingOfPayload(t *testing.T) {
	for name, body := range bodies(t) {
		p := payload(10, body)
		v, err := rdb.ParsePayload(p)
		require.NoError(t, err)
		clear(p)
		again, err := rdb.ParsePayload(payload(10, body))
		require.NoError(t, err)
		require.Equal(t, again, v, name)
	}
}

func TestMemoryIsProportional(t *testing.T) {
	for name, body := range map[string]string{
		"compressed more than can be":  "\x00\xc3" + length32(40000) + length32(40000*88+1) + strings.Repeat("\x00a", 20000),
		"compressed more than it says": "\x00\xc3" + length32(2+30000) + length32(1000) + "\x00x" + strings.Repeat("\xe0\xff\x00", 10000),
		"string":                       "\x00\x80\x20\x00\x00\x00",
		"compressed":                   "\x00\xc3\x04\x80\x20\x00\x00\x00\x00a\x00a",
		"list":                         "\x01\x80\x20\x00\x00\x00",
		"wide list":                    "\x01\x81\x7f\xff\xff\xff\xff\xff\xff\xff",
		"hash":                         "\x04\x81\x80\x00\x00\x00\x00\x00\x00\x00",
		"zset":                         "\x05\x80\x20\x00\x00\x00",
		"quicklist":                    "\x12\x80\x20\x00\x00\x00",
		"intset":                       "\x0b\x08\x08\x00\x00\x00\x00\x00\x00\x20",
	} {
		p := payload(10, body)
		before := allocated()
		_, err := rdb.ParsePayload(p)
		require.ErrorIs(t, err, rdb.ErrFormat, name)
		require.Less(t, allocated()-before, uint64(1<<20), name)
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func TestStringIsAtMost512MiB(t *testing.T) {
	const references = (512<<20)/264 + 1
	packed := "\x00x" + strings.Repeat("\xe0\xff\x00", references)
	size := 1 + 264*references
	body := "\x00\xc3" + length32(len(packed)) + length32(size) + packed
	before := allocated()
	_, err := rdb.ParsePayload(payload(10, body))
	require.ErrorIs(t, err, rdb.ErrFormat)
	require.Less(t, allocated()-before, uint64(size), "refused before it is decompressed")
}

// length32 is the head of a blob.
func length32(n int) string {
	return string([]byte{0x80, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

func TestAppendPanics(t *testing.T) {
	require.Panics(t, func() { rdb.AppendPayload(nil, rdb.Value{}) })
	require.Panics(t, func() { rdb.AppendPayload(nil, hash("field")) })
}

func TestKindString(t *testing.T) {
	for kind, name := range map[rdb.Kind]string{
		rdb.String: "string", rdb.List: "list", rdb.Set: "set", rdb.Hash: "hash", rdb.ZSet: "zset", 9: "Kind(9)",
	} {
		require.Equal(t, name, kind.String())
	}
}

func FuzzParsePayload(f *testing.F) {
	for _, body := range bodies(f) {
		if len(body) < 1000 {
			f.Add([]byte(body))
		}
	}
	for _, b := range bad {
		f.Add([]byte(b.body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		_, err := rdb.ParsePayload(body)
		if len(body) < 10 {
			require.Equal(t, rdb.ErrChecksum, err)
		}
		v, err := rdb.ParsePayload(payload(10, string(body)))
		if err != nil {
			require.True(t, errors.Is(err, rdb.ErrFormat) || errors.Is(err, errors.ErrUnsupported), "%v", err)
			require.Zero(t, v)
			return
		}
		again, err := rdb.ParsePayload(rdb.AppendPayload(nil, v))
		require.NoError(t, err)
		require.Equal(t, v, again)
	})
}
