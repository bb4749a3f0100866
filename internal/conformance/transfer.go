package conformance

import (
	"encoding/binary"
	"hash/crc64"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	busyKey    = "-BUSYKEY Target key name already exists."
	badPayload = "-ERR DUMP payload version or checksum are wrong"
)

// testMigrate checks the command that moves keys from node to node.
func testMigrate(t *testing.T, c Cluster) {
	t.Run("keys go, and their absence is no error", at(c, func(s *site) {
		w, target := s.dial(s.owner), s.dial(s.other)
		w.ok("SET "+s.k1+" v", "SET "+s.k2+" w")
		s.open()
		w.do(s.migrate(s.other, "KEYS", s.k1, s.k3, s.k2)...).is("+OK")
		w.do("EXISTS", s.k1).is(s.ask())
		w.do("EXISTS", s.k2).is(s.ask())
		target.asking("MGET", s.k1, s.k2).is(array(bulks("v", "w")...))
		w.do(s.migrate(s.other, "KEYS", s.k1, s.k2)...).is("+NOKEY")
	}))

	t.Run("one key, and a timeout by default", at(c, func(s *site) {
		w := s.dial(s.owner)
		w.ok("SET " + s.k1 + " v")
		s.open()
		host, port := hostPort(s, s.other)
		w.do("MIGRATE", host, port, s.k2, "0", "0").is("+NOKEY")
		w.do("MIGRATE", host, port, s.k1, "0", "0").is("+OK")
		s.dial(s.other).asking("GET", s.k1).is(bulk("v"))
	}))

	t.Run("BUSYKEY, and REPLACE", at(c, func(s *site) {
		w, target := s.dial(s.owner), s.dial(s.other)
		w.ok("SET "+s.k1+" v", "SET "+s.k2+" v", "SET "+s.k3+" v")
		s.open()
		target.asking("SET", s.k2, "old").is("+OK")
		w.do(s.migrate(s.other, "KEYS", s.k1, s.k2, s.k3)...).is("-ERR Target instance replied with error: " + busyKey[1:])
		w.do("GET", s.k1).is(s.ask())
		w.do("GET", s.k2).is(bulk("v"))
		w.do("GET", s.k3).is(s.ask())
		target.asking("MGET", s.k1, s.k2, s.k3).is(array(bulks("v", "old", "v")...))
		w.do(s.migrate(s.other, "REPLACE", "KEYS", s.k2)...).is("+OK")
		w.do("GET", s.k2).is(s.ask())
		target.asking("GET", s.k2).is(bulk("v"))
	}))

	t.Run("COPY", at(c, func(s *site) {
		w, target := s.dial(s.owner), s.dial(s.other)
		w.ok("SET " + s.k1 + " v")
		s.open()
		w.do(s.migrate(s.other, "COPY", "KEYS", s.k1)...).is("+OK")
		w.ok("SET " + s.k1 + " w")
		target.asking("GET", s.k1).is(bulk("v"))
		w.do(s.migrate(s.other, "COPY", "REPLACE", "KEYS", s.k1)...).is("+OK")
		w.do("GET", s.k1).is(bulk("w"))
		target.asking("GET", s.k1).is(bulk("w"))
	}))

	t.Run("the time to live goes along", at(c, func(s *site) {
		w, target := s.dial(s.owner), s.dial(s.other)
		w.ok("SET "+s.k1+" v PX 1000000", "SET "+s.k2+" v")
		s.open()
		target.asking("SET", s.k2, "old", "PX", "1000000").is("+OK")
		w.do(s.migrate(s.other, "REPLACE", "KEYS", s.k1, s.k2)...).is("+OK")
		left := target.asking("PTTL", s.k1).integer()
		require.LessOrEqual(s.t, left, 1000000)
		require.Greater(s.t, left, 1000000-int(suiteTimeout.Milliseconds()))
		target.asking("PTTL", s.k2).is(":-1")
	}))

	t.Run("what it does not understand", at(c, func(s *site) {
		const keyTwice = "-ERR When using MIGRATE KEYS option, the key argument must be set to the empty string"
		w := s.dial(s.owner)
		host, port := hostPort(s, s.other)
		w.do("MIGRATE", host, port, s.k1, "0", "1000", "NOSUCH").is("-ERR syntax error")
		w.do("MIGRATE", host, port, s.k1, "0", "1000", "KEYS", s.k2).is(keyTwice)
		w.do(s.migrate(s.other, "KEYS", s.k1, s.apart)...).is(crossSlot)
	}))

	t.Run("a target that does not take the slot", at(c, func(s *site) {
		w := s.dial(s.owner)
		w.ok("SET " + s.k1 + " v")
		w.do(s.migrate(s.other, "KEYS", s.k1)...).is("-ERR Target instance replied with error: " + s.moved(s.owner)[1:])
		w.do("GET", s.k1).is(bulk("v"))
	}))

	t.Run("a target that is not there", at(c, func(s *site) {
		w := s.dial(s.owner)
		w.ok("SET " + s.k1 + " v")
		w.do(s.migrate("127.0.0.1:1", "KEYS", s.k2)...).is("+NOKEY")
		w.do(s.migrate("127.0.0.1:1", "KEYS", s.k1)...).begins("-IOERR error or timeout ")
		w.do("GET", s.k1).is(bulk("v"))
	}))

	for name, v := range movables {
		t.Run(name, at(c, func(s *site) {
			named := func(args []string) []string { return slices.Insert(slices.Clone(args), 1, s.k1) }
			w, target := s.dial(s.owner), s.dial(s.other)
			w.do(named(v.write)...)
			w.do(named(v.read)...).is(v.want)
			if name == "a stream" && strings.Contains(w.do("DUMP", s.k1).text, "cannot be exported") {
				s.t.Skip("the nodes cannot take streams out")
			}
			s.open()
			w.do(s.migrate(s.other, "KEYS", s.k1)...).is("+OK")
			target.asking(named(v.read)...).is(v.want)
		}))
	}
}

var repetitive = strings.Repeat("compressible ", 100)

// movables are values of every type: how to write and read them, but for the key, which
// goes behind the command, and what is then read.
var movables = map[string]struct {
	write, read []string
	want        string
}{
	"a string":            {[]string{"SET", "\x00\r\n\xff"}, []string{"GET"}, bulk("\x00\r\n\xff")},
	"a number":            {[]string{"SET", "12345"}, []string{"GET"}, bulk("12345")},
	"a repetitive string": {[]string{"SET", repetitive}, []string{"GET"}, bulk(repetitive)},
	"a list":              {[]string{"RPUSH", "a", "1", ""}, []string{"LRANGE", "0", "-1"}, array(bulks("a", "1", "")...)},
	"a set of integers":   {[]string{"SADD", "1", "2"}, []string{"SMISMEMBER", "2", "1", "0"}, array(":1", ":1", ":0")},
	"a set":               {[]string{"SADD", "a", "b"}, []string{"SMISMEMBER", "b", "a", "c"}, array(":1", ":1", ":0")},
	"a hash":              {[]string{"HSET", "f", "v"}, []string{"HGETALL"}, array(bulks("f", "v")...)},
	"a sorted set":        {[]string{"ZADD", "1.5", "a", "-inf", "b"}, []string{"ZRANGE", "0", "-1", "WITHSCORES"}, array(bulks("b", "-inf", "a", "1.5")...)},
	"a stream":            {[]string{"XADD", "1-2", "f", "v"}, []string{"XRANGE", "-", "+"}, array(array(bulk("1-2"), array(bulks("f", "v")...)))},
	"a HyperLogLog":       {[]string{"PFADD", "a", "b", "c"}, []string{"PFCOUNT"}, ":3"},
}

// testRestore checks what DUMP writes and RESTORE reads.
func testRestore(t *testing.T, c Cluster) {
	t.Run("DUMP and RESTORE", at(c, func(s *site) {
		w := s.dial(s.owner)
		w.do("DUMP", s.k1).is("$-1")
		payload := dump(s, "value")
		w.do("RESTORE", s.k1, "0", payload).is("+OK")
		w.do("RESTORE", s.k1, "0", payload).is(busyKey)
		w.ok("SET " + s.k1 + " other")
		w.do("RESTORE", s.k1, "1000000", payload, "REPLACE").is("+OK")
		w.do("GET", s.k1).is(bulk("value"))
		require.Positive(s.t, w.do("PTTL", s.k1).integer())
		w.do("RESTORE", s.k1, "0", payload, "REPLACE").is("+OK")
		w.do("PTTL", s.k1).is(":-1")
		w.do("RESTORE", s.k1, "33177117420000", payload, "REPLACE", "ABSTTL").is("+OK")
		w.do("PEXPIRETIME", s.k1).is(":33177117420000")
	}))

	t.Run("RESTORE refuses", at(c, func(s *site) {
		w := s.dial(s.owner)
		w.do("RESTORE", s.k1, "-1", seal("\x00\x01v", 10)).is("-ERR Invalid TTL value, must be >= 0")
		w.do("RESTORE", s.k1, "0", "").is(badPayload)
		w.do("RESTORE", s.k1, "0", "\x00\x01v\x0a\x0012345678").is(badPayload)
		w.do("RESTORE", s.k1, "0", seal("\x00\x01v", 0xffff)).is(badPayload)
		w.do("RESTORE", s.k1, "0", seal("\x00\x3fv", 10)).is("-ERR Bad data format")
		w.do("EXISTS", s.k1).is(":0")
	}))

	t.Run("RESTORE of plain encodings", at(c, func(s *site) {
		w := s.dial(s.owner)
		for _, v := range []struct {
			body string
			read []string
			want string
		}{
			{"\x00\x01v", []string{"GET", s.k1}, bulk("v")},
			{"\x00\xc0\xff", []string{"GET", s.k1}, bulk("-1")},
			{"\x00\xc1\x39\x30", []string{"GET", s.k1}, bulk("12345")},
			{"\x01\x02\x01a\x01b", []string{"LRANGE", s.k1, "0", "-1"}, array(bulks("a", "b")...)},
			{"\x02\x02\x01b\x01a", []string{"SMISMEMBER", s.k1, "b", "a", "c"}, array(":1", ":1", ":0")},
			{"\x04\x01\x01f\x01v", []string{"HGETALL", s.k1}, array(bulks("f", "v")...)},
			{"\x05\x01\x01m\x00\x00\x00\x00\x00\x00\xf8\x3f", []string{"ZRANGE", s.k1, "0", "-1", "WITHSCORES"}, array(bulks("m", "1.5")...)},
		} {
			w.do("RESTORE", s.k1, "0", seal(v.body, 6), "REPLACE").is("+OK")
			w.do(v.read...).is(v.want)
		}
	}))
}

// seal makes a payload of a value, with the version of its format and the checksum.
func seal(body string, version uint16) string {
	p := binary.LittleEndian.AppendUint16([]byte(body), version)
	jones := crc64.MakeTable(0x95AC9329AC4BC9B5)
	return string(binary.LittleEndian.AppendUint64(p, ^crc64.Update(^uint64(0), jones, p)))
}

func hostPort(s *site, addr string) (host, port string) {
	s.t.Helper()
	host, port, err := net.SplitHostPort(addr)
	require.NoError(s.t, err)
	return host, port
}
