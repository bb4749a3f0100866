package slotmap_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/slotmap"
)

// FuzzParse builds a reply from bytes, mostly one that a server could send, and
// compares Parse with a slow and obvious reading of the same reply.
func FuzzParse(f *testing.F) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		seed := make([]byte, rnd.IntN(300))
		for i := range seed {
			seed[i] = byte(rnd.UintN(256))
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		g := generator{data: data}
		origin := pick(&g, "10.0.0.9:7000", "[::1]:7000", ":7000", "nowhere")
		reply := g.reply()

		m, err := slotmap.Parse(reply, origin)
		want := read(reply, origin)
		if want == nil {
			require.Nil(t, m)
			require.ErrorIs(t, err, slotmap.ErrBadReply)
			require.False(t, strings.ContainsAny(err.Error(), "\r\n"), "an error is one line")
			require.Less(t, len(err.Error()), 1000, "an error is short")
			return
		}
		require.NoError(t, err)
		requireSound(t, m)
		want.requireEqual(t, m)

		for range g.n(4) {
			slot, addr := uint16(g.n(128)*128), pick(&g, "a:1", "b:1", "10.0.0.1:2", "new:1")
			moved := m.WithMoved(slot, addr)
			requireSound(t, moved)
			require.Equal(t, addr, moved.Master(slot))
			m = moved
		}
	})
}

// reading is a CLUSTER SLOTS reply as a table. It accepts what Parse accepts: it
// panics where a value is not what it should be, and read turns that into nil.
type reading struct {
	origin   string
	masters  map[int]string
	replicas map[string][]string
	ids      map[string]string // ID to address
	names    map[string]slotmap.Node
}

func read(reply []any, origin string) (r *reading) {
	defer func() {
		if recover() != nil {
			r = nil
		}
	}()
	r = &reading{origin, map[int]string{}, map[string][]string{}, map[string]string{}, map[string]slotmap.Node{}}
	for _, e := range reply {
		r.entry(e.([]any))
	}
	return r
}

func (r *reading) entry(e []any) {
	first, last := e[0].(int64), e[1].(int64)
	must(first >= 0 && last < hashtag.Slots && first <= last)
	master := r.node(e[2].([]any))
	for slot := int(first); slot <= int(last); slot++ {
		_, taken := r.masters[slot]
		must(!taken)
		r.masters[slot] = master
	}
	for _, n := range e[3:] {
		if addr := r.node(n.([]any)); addr != "" && master != "" && !slices.Contains(r.replicas[master], addr) {
			r.replicas[master] = append(r.replicas[master], addr)
		}
	}
}

func (r *reading) node(n []any) string {
	var host, id string
	meta := map[any]any{}
	if n[0] != nil {
		host = n[0].(string)
	}
	port := n[1].(int64)
	must(port >= 0 && port < 65536)
	if len(n) > 2 {
		id = n[2].(string)
	}
	if len(n) > 3 {
		switch v := n[3].(type) {
		case nil:
		case map[any]any:
			meta = v
		default:
			for list := v.([]any); len(list) > 0; list = list[2:] {
				if key, ok := list[0].(string); ok {
					meta[key] = list[1]
					text(meta, key)
				}
			}
		}
	}
	ip, name := text(meta, "ip"), text(meta, "hostname")
	if port == 0 || host == "?" && ip == "" && name == "" {
		return ""
	}
	hostname := name
	switch {
	case host == "?" && ip != "":
		host = ip
	case host == "?":
		host = name
	case host == "":
		var err error
		host, _, err = net.SplitHostPort(r.origin)
		must(err == nil)
	case name == "" && net.ParseIP(host) == nil:
		hostname = host
	}
	must(!strings.ContainsAny(host, " \r\n\x00[]"))
	must(!strings.Contains(host, ":") || net.ParseIP(host) != nil)
	addr := net.JoinHostPort(host, strconv.Itoa(int(port)))
	if id != "" {
		must(r.ids[id] == "" || r.ids[id] == addr)
		r.ids[id] = addr
	}
	if _, ok := r.names[addr]; !ok {
		r.names[addr] = slotmap.Node{ID: id, Addr: addr, Hostname: hostname}
	}
	return addr
}

func text(meta map[any]any, key string) string {
	if meta[key] == nil || key != "ip" && key != "hostname" {
		return ""
	}
	return strings.TrimPrefix(meta[key].(string), "?")
}

func must(ok bool) {
	if !ok {
		panic("not a reply of a server")
	}
}

func (r *reading) requireEqual(t *testing.T, m *slotmap.Map) {
	t.Helper()
	for slot := range hashtag.Slots {
		if m.Master(uint16(slot)) != r.masters[slot] {
			require.Equal(t, r.masters[slot], m.Master(uint16(slot)), "slot %d", slot)
		}
	}
	serving := map[string]bool{}
	for _, addr := range r.masters {
		serving[addr] = true
	}
	for _, s := range m.Shards() {
		require.Equal(t, r.names[s.Master.Addr], s.Master)
		var want []slotmap.Node
		for _, addr := range r.replicas[s.Master.Addr] {
			if !serving[addr] {
				want = append(want, r.names[addr])
			}
		}
		require.ElementsMatch(t, want, s.Replicas)
	}
}

// generator makes values from bytes, and zeros when they are used up.
type generator struct {
	data []byte
	next int64 // first slot that no entry has named
}

func (g *generator) n(n int) int {
	if len(g.data) == 0 {
		return 0
	}
	b := g.data[0]
	g.data = g.data[1:]
	return int(b) % n
}

func pick[T any](g *generator, from ...T) T { return from[g.n(len(from))] }

// or returns v, or seldom something else.
func (g *generator) or(v any) any {
	if g.n(256) > 250 {
		return g.anything(3)
	}
	return v
}

func (g *generator) anything(depth int) any {
	if depth > 0 && g.n(2) == 0 {
		list := make([]any, g.n(5))
		for i := range list {
			list[i] = g.anything(depth - 1)
		}
		return list
	}
	return pick[any](g, nil, "", "?", "ip", "a", "a:1", "a b", "[::1]", "x\r\ny", int64(0), int64(1), int64(-1), int64(16383), int64(16384),
		int64(65536), int64(math.MaxInt64), 1.5, true, errors.New("ERR no\r\nway"), map[any]any{"ip": "10.0.0.2"}, map[any]any{1.5: nil}, strings.Repeat("x", 2000))
}

func (g *generator) reply() []any {
	reply := make([]any, g.n(7))
	for i := range reply {
		reply[i] = g.or(g.entry())
	}
	return reply
}

func (g *generator) entry() []any {
	first := g.next + pick(g, 0, 0, 0, 0, int64(g.n(200)), int64(g.n(200)), 5000, -1)
	last := first + pick(g, 0, 1, int64(g.n(200)), 2000, 5460, 5460)
	g.next = last + 1
	e := []any{g.or(first), g.or(last)}
	for range 1 + pick(g, 0, 1, 2, 3) {
		e = append(e, g.or(g.node()))
	}
	return e
}

func (g *generator) node() []any {
	host := pick[any](g, "a", "b", "10.0.0.1", "2001:db8::1", nil, "", "?", "?")
	port := pick[int64](g, 1, 1, 1, 2, 2, 0)
	id := pick(g, "", "", "", strconv.Itoa(g.n(40)))
	meta := pick[any](g, []any{}, []any{"ip", "10.0.0.1"}, []any{"hostname", "n"}, map[any]any{"ip": "10.0.0.2", "hostname": "n"}, map[any]any{}, nil)
	fields := []any{g.or(host), g.or(port), g.or(id), g.or(meta), "more"}
	return fields[:pick(g, 4, 4, 3, 2, 5)]
}
