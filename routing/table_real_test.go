package routing

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/realcluster"
)

// realServer returns a client of one real server.
func realServer(t *testing.T) *redis.Client {
	server := realcluster.Start(t, realcluster.Config{Standalone: true})
	client := redis.NewClient(&redis.Options{
		Addr:                     server.Addrs()[0],
		Protocol:                 2,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	t.Cleanup(func() { client.Close() })
	return client
}

// serverCommand is an entry of COMMAND's reply.
type serverCommand struct {
	name              string
	arity             int
	flags             []string
	first, last, step int // of the keys; 0 if there are none or they move
}

func (s *serverCommand) has(flag string) bool { return slices.Contains(s.flags, flag) }

// serverCommands returns what the server says about its commands and subcommands.
func serverCommands(t *testing.T, client *redis.Client) []serverCommand {
	reply, err := client.Do(t.Context(), "command").Slice()
	require.NoError(t, err)
	var all []serverCommand
	var add func(entries []any)
	add = func(entries []any) {
		for _, e := range entries {
			e := e.([]any)
			c := serverCommand{
				name:  strings.ToLower(e[0].(string)),
				arity: int(e[1].(int64)),
				first: int(e[3].(int64)),
				last:  int(e[4].(int64)),
				step:  int(e[5].(int64)),
			}
			for _, f := range e[2].([]any) {
				c.flags = append(c.flags, f.(string))
			}
			all = append(all, c)
			add(e[9].([]any))
		}
	}
	add(reply)
	return all
}

// TestTableMatchesServer compares the table with what a running server says. Where
// they differ on purpose, the lists of the overlay say why.
func TestTableMatchesServer(t *testing.T) {
	known := 0
	for _, s := range serverCommands(t, realServer(t)) {
		c, ok := Lookup(s.name)
		if !ok {
			t.Logf("%s is not in the table", s.name)
			continue
		}
		known++
		fewest := max(c.Arity, -c.Arity)
		if slices.ContainsFunc(newer, func(n Command) bool { return n.Name == c.Name }) {
			require.LessOrEqual(t, fewest, max(s.arity, -s.arity), "%s: fewest arguments", c.Name)
		} else {
			require.Equal(t, max(s.arity, -s.arity), fewest, "%s: fewest arguments", c.Name)
		}
		require.Equal(t, s.has("write"), c.Flags&Write != 0, "%s: write", c.Name)
		if !listed(reads, c.Name) {
			require.Equal(t, s.has("readonly"), c.Flags&ReadOnly != 0, "%s: read only", c.Name)
		}
		if c.Name != "wait" && c.Name != "migrate" { // see blocking
			require.Equal(t, s.has("blocking"), c.Flags&Blocking != 0, "%s: blocking", c.Name)
		}
		if s.first > 0 && !s.has("movablekeys") {
			comparePositions(t, &c, s, fewest)
		}
	}
	require.Greater(t, known, 300)
}

// comparePositions compares the keys of a command with those of the server's first,
// last and step, for several numbers of arguments.
func comparePositions(t *testing.T, c *Command, s serverCommand, fewest int) {
	for n := fewest; n < fewest+7; n++ {
		last := s.last
		if last < 0 {
			last += n
		}
		if (last-s.first+1)%s.step != 0 {
			continue
		}
		var want []int
		for i := s.first; i <= last; i += s.step {
			want = append(want, i)
		}
		got, err := c.appendKeys(nil, make([]any, n))
		require.NoError(t, err, "%s with %d arguments", c.Name, n)
		require.Equal(t, want, got, "%s with %d arguments", c.Name, n)
	}
}

func listed(names, name string) bool { return slices.Contains(strings.Fields(names), name) }

// invocations are commands whose keys are told by the server as well.
var invocations = []string{
	"GET k", "SET k v EX 10", "MGET a b c", "MSET a 1 b 2", "MSETNX a 1 b 2", "DEL a", "DEL a b c",
	"BITOP AND dest a b", "BITOP NOT dest a", "LCS a b LEN", "COPY a b DB 1 REPLACE",
	"SORT k", "SORT k BY w_* LIMIT 0 5 GET # GET o_* DESC ALPHA", "SORT k STORE dest",
	"SORT k BY store GET store LIMIT store store STORE dest", "SORT k STORE d1 STORE d2", "SORT_RO k BY w_* GET o_*",
	"SORT k BY nosort GET get STORE dest ASC",
	"GEORADIUS k 1 2 3 km", "GEORADIUS k 1 2 3 km COUNT 4 STORE dest", "GEORADIUS k 1 2 3 km STOREDIST dest ASC",
	"GEORADIUSBYMEMBER k m 3 km", "GEORADIUSBYMEMBER k m 3 km STORE dest", "GEORADIUSBYMEMBER k m 3 km WITHDIST STOREDIST dest",
	"GEORADIUS_RO k 1 2 3 km", "GEOSEARCHSTORE dest src FROMMEMBER m BYRADIUS 1 km",
	"MIGRATE h 1 k 0 100", "MIGRATE h 1 k 0 100 COPY AUTH keys", "MIGRATE h 1 '' 0 100 KEYS a b c",
	"MIGRATE h 1 '' 0 100 COPY REPLACE AUTH keys KEYS a b", "MIGRATE h 1 '' 0 100 AUTH2 keys keys KEYS a",
	"EVAL script 0", "EVAL script 0 arg", "EVAL script 2 a b arg", "EVALSHA sha 1 a", "EVAL_RO script 1 a x", "EVALSHA_RO sha 2 a b",
	"FCALL f 0", "FCALL f 1 a arg", "FCALL_RO f 2 a b arg",
	"XREAD STREAMS a 0", "XREAD COUNT 1 BLOCK 2 STREAMS a b 0 0", "XREAD BLOCK 0 STREAMS streams $",
	"XREADGROUP GROUP g c STREAMS a >", "XREADGROUP GROUP streams block COUNT 2 BLOCK 5 NOACK STREAMS a b > >",
	"XREADGROUP GROUP g streams STREAMS a b 1 2",
	"ZUNIONSTORE dest 2 a b WEIGHTS 1 2", "ZINTERSTORE dest 1 a", "ZDIFFSTORE dest 3 a b c", "ZUNION 2 a b WITHSCORES", "ZINTER 1 a",
	"ZDIFF 2 a b", "ZINTERCARD 2 a b LIMIT 3", "SINTERCARD 3 a b c", "LMPOP 2 a b LEFT", "ZMPOP 1 a MIN COUNT 2",
	"BLMPOP 0 2 a b LEFT", "BZMPOP 1.5 1 a MAX", "BLPOP a b 0", "BRPOP a 1", "BZPOPMIN a b c 0", "BLMOVE a b LEFT RIGHT 0", "BRPOPLPUSH a b 0",
	"LMOVE a b LEFT LEFT", "RENAME a b", "SMOVE a b m", "SINTERSTORE dest a b", "SUNIONSTORE dest a", "PFMERGE dest a b",
	"PFCOUNT a b", "ZRANGESTORE dest src 0 -1", "MEMORY USAGE k SAMPLES 3", "OBJECT ENCODING k", "OBJECT FREQ k", "XINFO STREAM k FULL",
	"XINFO CONSUMERS k g", "XGROUP CREATE k g $ MKSTREAM", "XGROUP DELCONSUMER k g c", "PFDEBUG GETREG k", "RESTORE k 0 x", "TOUCH a b",
	"UNLINK a b", "EXISTS a a", "WATCH a b", "HSET k f v", "SSCAN k 0", "XADD k * f v", "MOVE k 1",
}

func TestKeysMatchServer(t *testing.T) {
	client := realServer(t)
	for _, line := range invocations {
		args := fields(line)
		keys, err := Keys(args)
		require.NoError(t, err, line)
		require.Equal(t, askKeys(t, client, args), textsAt(args, keys), line)
	}
}

// TestRandomKeysMatchServer gives random arguments to all commands of the server that
// have keys.
func TestRandomKeysMatchServer(t *testing.T) {
	client := realServer(t)
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	agreed := map[string]bool{}
	for _, s := range serverCommands(t, client) {
		c, ok := Lookup(s.name)
		if !ok || !c.keyed() {
			continue
		}
		for range 20 {
			args := randomArgs(rnd, &c)
			if onPurpose(&c, args) != "" {
				continue
			}
			want := askKeys(t, client, args)
			keys, err := Keys(args)
			if want == nil {
				require.ErrorIs(t, err, ErrArguments, "%q; seed %d", args, seed)
				continue
			}
			require.NoError(t, err, "%q; seed %d", args, seed)
			require.Equal(t, want, textsAt(args, keys), "%q; seed %d", args, seed)
			agreed[c.Name] = true
		}
	}
	require.Greater(t, len(agreed), 150)
}

// onPurpose says why the keys of args may differ from what COMMAND GETKEYS answers, ""
// if they must not.
func onPurpose(c *Command, args []any) string {
	switch c.Name {
	case "spublish", "ssubscribe", "sunsubscribe":
		return "channels have a slot, but are not keys"
	case "debug":
		return "the server does not tell which subcommands look at a key"
	case "migrate":
		if isWord(args[len(args)-1], "keys") {
			return "GETKEYS overlooks KEYS without keys, which is refused"
		}
	case "mset", "msetnx":
		if len(args)%2 == 0 {
			return "GETKEYS takes a key without a value"
		}
	case "pfmerge":
		if len(args) == 2 {
			return "GETKEYS misses a destination without sources, which is allowed"
		}
	case "eval", "eval_ro", "evalsha", "evalsha_ro", "fcall", "fcall_ro":
		if _, err := Keys(args); err != nil {
			return "GETKEYS takes a malformed number of keys for 0"
		}
	case "sort":
		for _, i := range words(args, "store") {
			if i+1 < len(args) && len(words(args[i+1:i+2], "store", "get", "by", "limit")) > 0 {
				return "GETKEYS takes a destination of that name for an option"
			}
		}
	case "georadius", "georadiusbymember":
		if len(words(args, "store", "storedist")) > 1 {
			return "GETKEYS takes the first STORE, the command the last"
		}
	}
	return ""
}

// words returns where in args there is one of words.
func words(args []any, words ...string) (at []int) {
	for i := range args {
		if slices.ContainsFunc(words, func(word string) bool { return isWord(args[i], word) }) {
			at = append(at, i)
		}
	}
	return at
}

// vocabulary has words that mean something to some commands.
var vocabulary = []string{
	"", "0", "1", "2", "3", "AUTH2", "BY", "COUNT", "KEYS", "STOREDIST", "STREAMS",
	"auth", "block", "copy", "get", "group", "keys", "limit", "noack", "store",
}

// randomArgs returns as many arguments as c takes, or some more if it takes more.
func randomArgs(rnd *rand.Rand, c *Command) []any {
	var args []any
	for word := range strings.SplitSeq(c.Name, "|") {
		args = append(args, word)
	}
	if strings.HasPrefix(c.Name, "xread") {
		return appendRandomStreams(rnd, args)
	}
	n := max(c.Arity, -c.Arity)
	if c.Arity < 0 {
		n += rnd.IntN(8)
	}
	return appendRandomWords(rnd, args, n-len(args))
}

// appendRandomWords appends n words, half of them from the vocabulary.
func appendRandomWords(rnd *rand.Rand, args []any, n int) []any {
	for range n {
		word := fmt.Sprintf("w%d", len(args))
		if rnd.IntN(2) == 0 {
			word = vocabulary[rnd.IntN(len(vocabulary))]
		}
		args = append(args, word)
	}
	return args
}

// appendRandomStreams appends arguments of XREAD or XREADGROUP. The server finds the
// keys of malformed ones as well, but refuses to run them.
func appendRandomStreams(rnd *rand.Rand, args []any) []any {
	options := [][]any{{"count", "1"}, {"BLOCK", "0"}}
	if args[0] == "xreadgroup" {
		args = appendRandomWords(rnd, append(args, "GROUP"), 2)
		options = append(options, []any{"noack"})
	}
	for _, i := range rnd.Perm(len(options))[:rnd.IntN(len(options)+1)] {
		args = append(args, options[i]...)
	}
	return appendRandomWords(rnd, append(args, "streams"), 2*(1+rnd.IntN(4)))
}

// askKeys returns the keys that the server sees in args, sorted, nil if it finds them
// malformed.
func askKeys(t *testing.T, client *redis.Client, args []any) []string {
	keys, err := client.Do(t.Context(), append([]any{"command", "getkeys"}, args...)...).StringSlice()
	if err != nil {
		require.ErrorContains(t, err, "Invalid arguments", "%q", args)
		return nil
	}
	slices.Sort(keys)
	return keys
}

// textsAt returns the arguments at keys, sorted.
func textsAt(args []any, keys []int) []string {
	list := []string{}
	for _, k := range keys {
		list = append(list, args[k].(string))
	}
	slices.Sort(list)
	return list
}

// keyed reports whether c may have keys.
func (c *Command) keyed() bool { return c.key > 0 || c.find != nil || len(c.specs) > 0 }
