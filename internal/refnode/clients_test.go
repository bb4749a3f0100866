package refnode

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// clientInfo returns the fields of the client's own line, and their names in order.
func (p *peer) clientInfo() (names []string, fields map[string]string) {
	p.t.Helper()
	return p.clientLine(p.do("CLIENT", "INFO"))
}

func (p *peer) clientLine(reply string) (names []string, fields map[string]string) {
	p.t.Helper()
	line := regexp.MustCompile(`(?m)^(txt:)?id=.*$`).FindString(reply)
	require.NotEmpty(p.t, line, "%q", reply)
	fields = map[string]string{}
	for field := range strings.FieldsSeq(strings.TrimPrefix(line, "txt:")) {
		name, value, ok := strings.Cut(field, "=")
		require.True(p.t, ok, field)
		names = append(names, name)
		fields[name] = value
	}
	return names, fields
}

const clientFields = "id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free argv-mem multi-mem " +
	"rbs rbp obl oll omem tot-mem events cmd user redir resp"

func testClientInfo(t *testing.T, s target) {
	p := s.dial(t)
	id := number(t, p.do("CLIENT", "ID"))
	require.Equal(t, "+OK\r\n", p.do("CLIENT", "SETNAME", "me"))
	require.Equal(t, "+OK\r\n", p.do("READONLY"))
	names, fields := p.clientInfo()
	require.Equal(t, strings.Fields(clientFields), names)
	for name, want := range map[string]string{
		"id": fmt.Sprint(id), "addr": p.conn.LocalAddr().String(), "laddr": p.conn.RemoteAddr().String(), "name": "me",
		"age": "0", "idle": "0", "flags": "r", "db": "0", "multi": "-1", "events": "r", "cmd": "client|info",
		"user": "default", "redir": "-1", "resp": "2",
	} {
		require.Equal(t, want, fields[name], name)
	}
	p.do("HELLO", "3")
	reply := p.do("CLIENT", "INFO")
	require.Regexp(t, `^=\d+\r\ntxt:id=.* resp=3\n\r\n$`, reply, "one line, as verbatim text")
}

func testClientListShowsState(t *testing.T, s target) {
	admin, p := s.dial(t), s.dial(t)
	id := fmt.Sprint(number(t, p.do("CLIENT", "ID")))
	state := func() string {
		_, fields := admin.clientLine(admin.do("CLIENT", "LIST", "ID", id))
		return fields["flags"] + " " + fields["multi"]
	}
	require.Equal(t, "N -1", state())
	p.do("WATCH", "k")
	p.do("MULTI")
	p.do("GET", "k")
	require.Equal(t, "x 1", state())
	admin.do("SET", "k", "v")
	require.Equal(t, "xd 1", state())
	p.do("DISCARD")
	require.Equal(t, "N -1", state())
	admin.do("DEL", "k")
}

func TestClientList(t *testing.T) {
	s, _ := startTarget(t, Config{})
	a := s.dial(t)
	oldest := fmt.Sprint(number(t, a.do("CLIENT", "ID")))
	newest := fmt.Sprint(number(t, s.dial(t).do("CLIENT", "ID")))
	listed := regexp.MustCompile(`(?m)^id=(\d+) .*\n`)
	ids := func(args ...string) (ids []string) {
		for _, line := range listed.FindAllStringSubmatch(a.do(append([]string{"CLIENT", "LIST"}, args...)...), -1) {
			ids = append(ids, line[1])
		}
		return ids
	}
	require.Equal(t, []string{oldest, newest}, ids())
	require.Equal(t, []string{oldest, newest}, ids("TYPE", "Normal"))
	require.Equal(t, []string{newest, oldest, newest}, ids("ID", newest, "99999", oldest, newest), "as they are asked for")
}

func TestClientAge(t *testing.T) {
	inBubble(t, func(t *testing.T, s target, _ *Node) {
		admin, p := s.dial(t), s.dial(t)
		id := fmt.Sprint(number(t, p.do("CLIENT", "ID")))
		time.Sleep(5 * time.Second)
		p.do("PING")
		time.Sleep(2999 * time.Millisecond)
		_, fields := admin.clientLine(admin.do("CLIENT", "LIST", "ID", id))
		require.Equal(t, "7 2 ping", fields["age"]+" "+fields["idle"]+" "+fields["cmd"])
	})
}

func testClientKill(t *testing.T, s target) {
	admin := s.dial(t)
	victim := func() *peer {
		p := s.dial(t)
		require.Equal(t, "+PONG\r\n", p.do("PING"))
		return p
	}
	p := victim()
	require.Equal(t, "+OK\r\n", admin.do("CLIENT", "KILL", p.conn.LocalAddr().String()))
	p.closed()
	require.Equal(t, "-ERR No such client\r\n", admin.do("CLIENT", "KILL", p.conn.LocalAddr().String()), "it is gone at once")

	p, spared := victim(), victim()
	id := fmt.Sprint(number(t, p.do("CLIENT", "ID")))
	require.Equal(t, ":0\r\n", admin.do("CLIENT", "KILL", "ID", id, "ADDR", spared.conn.LocalAddr().String()), "all must be true")
	require.Equal(t, ":1\r\n", admin.do("CLIENT", "KILL", "ID", id, "ADDR", p.conn.LocalAddr().String(), "USER", "default"))
	p.closed()
	require.Equal(t, "+PONG\r\n", spared.do("PING"))

	own := admin.conn.LocalAddr().String()
	require.Equal(t, ":0\r\n", admin.do("CLIENT", "KILL", "ADDR", own), "oneself is spared")
	require.Equal(t, ":1\r\n", admin.do("CLIENT", "KILL", "ADDR", own, "SKIPME", "no"), "unless told otherwise")
	admin.closed()
	require.Equal(t, "+OK\r\n", spared.do("CLIENT", "KILL", spared.conn.LocalAddr().String()), "as in the old form")
	spared.closed()
}

func TestClientKillByLocalAddress(t *testing.T) {
	s, _ := startTarget(t, Config{})
	admin, a, b := s.dial(t), s.dial(t), s.dial(t)
	a.do("PING")
	b.do("PING")
	require.Equal(t, ":2\r\n", admin.do("CLIENT", "KILL", "LADDR", s.addr, "TYPE", "normal"))
	a.closed()
	b.closed()
}

// What is pushed after the kill is not for the client that was waiting.
func TestClientKillOfBlockedClient(t *testing.T) {
	inBubble(t, func(t *testing.T, s target, _ *Node) {
		admin, p := s.dial(t), s.dial(t)
		id := fmt.Sprint(number(t, p.do("CLIENT", "ID")))
		p.send("BLPOP", "list", "0")
		synctest.Wait()
		require.Contains(t, admin.do("CLIENT", "LIST", "ID", id), " flags=b ")
		require.Equal(t, ":1\r\n", admin.do("CLIENT", "KILL", "ID", id))
		require.Equal(t, ":1\r\n", admin.do("RPUSH", "list", "x"))
		require.Equal(t, ":1\r\n", admin.do("LLEN", "list"))
		p.closed()
	})
}

func TestClientUnblock(t *testing.T) {
	inBubble(t, func(t *testing.T, s target, _ *Node) {
		admin, p := s.dial(t), s.dial(t)
		id := fmt.Sprint(number(t, p.do("CLIENT", "ID")))
		require.Equal(t, ":0\r\n", admin.do("CLIENT", "UNBLOCK", id), "it does not wait")

		block := func() {
			p.send("BLPOP", "list", "0")
			synctest.Wait()
		}
		block()
		require.Equal(t, ":1\r\n", admin.do("CLIENT", "UNBLOCK", id))
		require.Equal(t, "*-1\r\n", p.receive())
		block()
		require.Equal(t, ":1\r\n", admin.do("CLIENT", "UNBLOCK", id, "timeout"))
		require.Equal(t, "*-1\r\n", p.receive())
		block()
		require.Equal(t, ":1\r\n", admin.do("CLIENT", "UNBLOCK", id, "Error"))
		require.Equal(t, "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n", p.receive())
		require.Equal(t, "+PONG\r\n", p.do("PING"))
	})
}

func TestClientSideCachingIsRefused(t *testing.T) {
	s, _ := startTarget(t, Config{})
	p := s.dial(t)
	require.Equal(t, "-ERR CLIENT TRACKING is not supported by the reference node\r\n", p.do("client", "tracking", "on"))
	require.Equal(t, "-ERR SUBSCRIBE is not supported by the reference node\r\n", p.do("subscribe", "x"))
	require.Equal(t, "-ERR DEBUG OBJECT is not supported by the reference node\r\n", p.do("debug", "object", "x"))
}

func TestClientInfoOfOwner(t *testing.T) {
	_, n := startTarget(t, Config{})
	reply, err := n.Do(t.Context(), "CLIENT", "INFO")
	require.NoError(t, err)
	require.Contains(t, string(reply), "id=0 addr= laddr= ")
}
