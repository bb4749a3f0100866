package command

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/internal/realcluster"
	"github.com/slotmesh/slotmesh/internal/resp"
)

func TestKeys(t *testing.T) {
	for _, tt := range []struct {
		request string
		want    string // the keys, "!" behind those that may change
	}{
		{"get k", "k"},
		{"set k v", "k!"},
		{"set k v get", "k!"},
		{"mset a 1 b 2", "a! b!"},
		{"mset a 1 b", "a! b!"}, // MSET refuses it later
		{"del a b", "a! b!"},
		{"rename a b", "a! b!"},
		{"copy a b", "a b!"},
		{"bitop and d a b", "d! a b"},
		{"pfmerge d", "d!"},
		{"pfmerge d a b", "d! a b"},
		{"pfcount a b", "a! b!"},
		{"lcs a b", "a b"},
		{"blpop a b 0", "a! b!"},
		{"bitfield k get u8 0", "k"},
		{"bitfield k get u8 0 overflow fail", "k"},
		{"bitfield k get u8 0 set u8 0 1", "k!"},
		{"bitfield k set", "k!"},
		{"object encoding k", "k"},
		{"memory usage k samples 1", "k"},
		{"xgroup create k g $", "k!"},
		{"xinfo stream k", "k"},
		{"sort k", "k"},
		{"sort k by w_* limit 0 store get store Store d", "k d!"},
		{"sort k store d1 store d2", "k d2!"},
		{"sort k store store d", "k d!"},
		{"sort k store", "k"},
		{"sort_ro k by x store d", "k"},
		{"georadius k 1 2 3 km", "k"},
		{"georadius k 1 2 3 km storedist a store b", "k b!"},
		{"georadiusbymember k m 3 km STORE d", "k d!"},
		{"migrate h 1 k 0 100", "k!"},
		{"migrate h 1 k 0 100 auth keys", "k!"},
		{"migrate h 1 '' 0 100 copy auth2 u keys KEYS a b", "a! b!"},
		{"migrate h 1 '' 0 100 keys", ""},
		{"migrate h 1 k 0 100 keys a", ""},
		{"eval s 2 a b c", "a! b!"},
		{"evalsha_ro s 1 a", "a"},
		{"fcall f 1 a x", "a!"},
		{"fcall_ro f 0 x", ""},
		{"eval s notanumber", ""},
		{"eval s -1 a", ""},
		{"eval s 99 a", ""},
		{"zunion 2 a b", "a b"},
		{"zunionstore d 2 a b weights 1 2", "a b d!"},
		{"zunionstore d 5 a", ""},
		{"sintercard 2 a b limit 1", "a b"},
		{"lmpop 2 a b left", "a! b!"},
		{"bzmpop 0 1 a min", "a!"},
		{"xread block 0 streams a b 0 0", "a b"},
		{"xread count streams streams a 0", "a"},
		{"xread streams a b c", ""},
		{"xread a b c", ""},
		{"xread count 1 block", ""},
		{"xreadgroup group streams c noack streams a >", "a!"},
		{"ssubscribe a b", "a b"},
		{"sunsubscribe", ""},
		{"spublish a m", "a"},
		{"ping", ""},
		{"publish c m", ""},
		{"exec", ""},
	} {
		args := line(tt.request)
		s, err := Find(args)
		require.NoError(t, err, tt.request)
		require.Equal(t, tt.want, strings.Join(texts(args, s.Keys(args, nil)), " "), tt.request)
	}
}

// texts returns the keys, with a "!" behind those that may change.
func texts(args [][]byte, keys []Key) []string {
	var list []string
	for _, key := range keys {
		text := string(args[key.Arg])
		if key.Write {
			text += "!"
		}
		list = append(list, text)
	}
	return list
}

// Keys at fixed positions are there in the shortest request that a command takes.
func TestKeysAreThere(t *testing.T) {
	for _, s := range all() {
		if len(s.Subcommands) > 0 {
			continue
		}
		args := fewest(s)
		for _, key := range s.Keys(args, nil) {
			require.Less(t, key.Arg, len(args), s.Name)
		}
		require.False(t, len(s.Keys(args, nil)) > 0 && !s.Keyed(), s.Name)
	}
}

func TestKeysDoNotAllocate(t *testing.T) {
	var requests [][][]byte
	for _, text := range []string{
		"get k", "set k v", "mset a 1 b 2", "bitfield k set u8 0 1", "eval s 2 a b", "zunionstore d 2 a b", "sort k store d",
		"georadius k 1 2 3 km store d", "migrate h 1 '' 0 1 keys a b", "xread streams a b 0 0", "sort_ro k",
	} {
		requests = append(requests, line(text))
	}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		for _, args := range requests {
			var room [3]Key
			s, _ := Find(args)
			if len(s.Keys(args, room[:0])) == 0 {
				t.Fatal(s.Name)
			}
		}
	}))
}

// TestGetKeysMatchesServer sends random requests of every command that has keys, some
// malformed, through COMMAND GETKEYS and COMMAND GETKEYSANDFLAGS.
func TestGetKeysMatchesServer(t *testing.T) {
	s := startServer(t)
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	found := map[string]bool{}
	for _, proto := range []resp.Protocol{resp.RESP2, resp.RESP3} {
		s.hello(proto)
		for _, spec := range all() {
			if !spec.Keyed() {
				continue
			}
			var requests [][][]byte
			for range 200 {
				args := randomArgs(rnd, spec)
				requests = append(requests,
					append(request("COMMAND", "GETKEYS"), args...),
					append(request("COMMAND", "GETKEYSANDFLAGS"), args...))
			}
			for i, want := range s.askAll(requests) {
				got := answer(proto, requests[i])
				require.Equal(t, want, got, "%q; seed %d", requests[i], seed)
				found[spec.Name] = found[spec.Name] || want[0] == '*'
			}
		}
	}
	delete(found, "ssubscribe")
	delete(found, "sunsubscribe")
	delete(found, "spublish")
	for name, ok := range found {
		require.True(t, ok, "no key of %s was ever found", name)
	}
	require.Greater(t, len(found), 150)
}

// answer returns what a node is to answer to COMMAND.
func answer(proto resp.Protocol, args [][]byte) string {
	if _, err := Find(args); err != nil {
		return string(resp.AppendError(nil, "ERR "+err.Error()))
	}
	return string(AppendReply(nil, proto, args))
}

// TestKeysMatchServer sends random requests to a node that serves half of the slots:
// what it answers depends on which keys it finds, and on which one first. Nothing is
// executed, as all is queued and then discarded.
func TestKeysMatchServer(t *testing.T) {
	c := realcluster.Start(t, realcluster.Config{Masters: 1, ConfigLines: []string{"cluster-require-full-coverage no"}})
	s := dial(t, c.Addrs()[0])
	require.Equal(t, "+OK\r\n", s.ask("CLUSTER", "DELSLOTSRANGE", fmt.Sprint(served), "16383"))
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	answers := map[string]int{}
	for _, spec := range all() {
		if !spec.Keyed() {
			continue
		}
		var requests [][][]byte
		for range 200 {
			requests = append(requests, request("MULTI"), randomArgs(rnd, spec), request("DISCARD"))
		}
		replies := s.askAll(requests)
		for i := 1; i < len(replies); i += 3 {
			want := redirection(requests[i], spec)
			if want == "" {
				want = "+QUEUED\r\n"
			}
			if spec.Name == "watch" && want == "+QUEUED\r\n" {
				want = "-ERR WATCH inside MULTI is not allowed\r\n"
			}
			require.Equal(t, want, replies[i], "%q; seed %d", requests[i], seed)
			require.Equal(t, "+OK\r\n", replies[i+1])
			answers[want]++
		}
	}
	for _, answer := range []string{"+QUEUED\r\n", crossSlot, notServed} {
		require.Greater(t, answers[answer], 1000, answer)
	}
}

const (
	served    = 8192 // the first slot that nobody serves
	crossSlot = "-CROSSSLOT Keys in request don't hash to the same slot\r\n"
	notServed = "-CLUSTERDOWN Hash slot not served\r\n"
)

// redirection returns what a node that serves half of the slots answers, "" if it
// serves the request.
func redirection(args [][]byte, s *Spec) string {
	keys := s.Keys(args, nil)
	for _, key := range keys {
		switch slot, first := slotOf(args[key.Arg]), slotOf(args[keys[0].Arg]); {
		case first >= served:
			return notServed
		case slot != first:
			return crossSlot
		}
	}
	return ""
}

func slotOf(key []byte) uint16 { return hashtag.Slot(string(key)) }

// vocabulary has words that mean something to some commands. The slots of about half
// of them are served by a node of [TestKeysMatchServer].
var vocabulary = []string{
	"", "0", "1", "2", "3", "4", "-1", "+2", " 2", "2x", "02", "\t3", "99", "4294967298", "99999999999999999999", "-99999999999999999999", "9223372036854775809",
	"AUTH2", "BY", "COUNT", "KEYS", "STOREDIST", "STREAMS", "Store", "OVERFLOW", "U8",
	"auth", "block", "copy", "get", "GET", "group", "keys", "limit", "noack", "replace", "set", "store", "storedist", "streams", "incrby", "by",
}

// randomArgs returns a request of as many arguments as s takes, or some more if it
// takes more.
func randomArgs(rnd *rand.Rand, s *Spec) [][]byte {
	args := request(strings.Split(s.Name, "|")...)
	n := max(s.Arity, -s.Arity)
	if s.Arity < 0 {
		n += rnd.IntN(8)
	}
	words := make([]string, 1+rnd.IntN(8)) // few, so that the same come again
	for i := range words {
		words[i] = vocabulary[rnd.IntN(len(vocabulary))]
	}
	common := 1 + rnd.IntN(4) // one in so many arguments is one of the words
	for len(args) < n {
		word := fmt.Sprintf("w%d{%d}", len(args), rnd.IntN(1+rnd.IntN(3)))
		if rnd.IntN(common) == 0 {
			word = words[rnd.IntN(len(words))]
		}
		args = append(args, []byte(word))
	}
	if bytes.HasPrefix(args[0], []byte("xread")) && rnd.IntN(2) == 0 {
		args = randomStreams(rnd, args[:1])
	}
	return args
}

// randomStreams appends options of XREAD or XREADGROUP, and streams with their IDs.
func randomStreams(rnd *rand.Rand, args [][]byte) [][]byte {
	options := [][][]byte{line("count 1"), line("BLOCK streams"), line("NoAck"), line("group g streams"), line("group streams c")}
	for _, i := range rnd.Perm(len(options))[:rnd.IntN(len(options)+1)] {
		args = append(args, options[i]...)
	}
	args = append(args, []byte("Streams"))
	for range 2 * (1 + rnd.IntN(4)) {
		args = append(args, fmt.Appendf(nil, "s%d{%d}", len(args), rnd.IntN(2)))
	}
	for len(args) < 7 { // what XREADGROUP takes at least
		args = append(args, []byte("0"))
	}
	return args
}

func BenchmarkKeys(b *testing.B) {
	for _, text := range []string{"get k", "mset a 1 b 2 c 3", "eval s 2 a b", "xread count 1 streams a b 0 0"} {
		args := line(text)
		s, err := Find(args)
		require.NoError(b, err)
		name, _, _ := strings.Cut(text, " ")
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var room [3]Key
			for b.Loop() {
				s.Keys(args, room[:0])
			}
		})
	}
}
