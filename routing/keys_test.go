package routing

import (
	"bufio"
	"context"
	"encoding"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// fields returns the words of a line as arguments.
func fields(line string) []any {
	var args []any
	for word := range strings.FieldsSeq(line) {
		args = append(args, strings.Trim(word, "'"))
	}
	return args
}

func TestKeys(t *testing.T) {
	for line, want := range map[string][]int{
		"get k":                                          {1},
		"ZRANK k m WITHSCORE":                            {1}, // more than the server of the table takes
		"mget a b c":                                     {1, 2, 3},
		"mset a 1 b 2":                                   {1, 3},
		"msetex 2 a 1 b 2 NX EX 10":                      {2, 4},
		"ping":                                           nil,
		"scan 0 MATCH {a}*":                              nil,
		"bitop AND dest a b":                             {2, 3, 4},
		"pfmerge dest":                                   {1},
		"sunsubscribe":                                   nil,
		"spublish channel message":                       {1},
		"ssubscribe a b":                                 {1, 2},
		"publish channel message":                        nil,
		"blpop a b 0":                                    {1, 2},
		"blmpop 0 2 a b LEFT":                            {3, 4},
		"blmovem a b LEFT RIGHT 0":                       {1, 2},
		"lmovem a b LEFT RIGHT":                          {1, 2},
		"sdiffcard 2 a b LIMIT 3":                        {2, 3},
		"zunionstore dest 2 a b":                         {1, 3, 4},
		"eval script 0":                                  nil,
		"eval script 0 arg":                              nil,
		"EVALSHA sha 2 a b arg":                          {3, 4},
		"fcall_ro f 1 a":                                 {3},
		"sort k BY store_* GET STORE":                    {1},
		"sort k STORE dest":                              {1, 3},
		"sort k STORE store":                             {1, 3},
		"sort_ro k BY w_* STORE dest":                    {1},
		"georadius k 1 2 3 km STORE d":                   {1, 7},
		"georadius k 1 2 3 km":                           {1},
		"georadiusbymember k m 3 km STOREDIST d":         {1, 6},
		"migrate h 1 k 0 100":                            {3},
		"migrate h 1 '' 0 100":                           {3},
		"migrate h 1 '' 0 100 AUTH keys KEYS a b":        {9, 10},
		"xread STREAMS a 0":                              {2},
		"xread BLOCK 0 COUNT 2 STREAMS a b 0 0":          {6, 7},
		"xreadgroup GROUP streams block STREAMS a b > >": {5, 6},
		"xreadgroup COUNT 1 GROUP g streams NOACK STREAMS a >": {8},
		"xreadgroup GROUP g c CLAIM 100 STREAMS a >":           {7},
		"memory usage k":                      {2},
		"memory stats":                        nil,
		"object help":                         nil,
		"OBJECT ENCODING k":                   {2},
		"xinfo stream k FULL":                 {2},
		"xgroup create k g $":                 {2},
		"debug object k":                      {2},
		"debug SLEEP 1":                       nil,
		"debug object":                        nil,
		"debug digest-value a b":              {2, 3},
		"cluster keyslot k":                   nil,
		"cluster countkeysinslot 7":           nil,
		"command getkeys get k":               nil,
		"JSON.GET k $":                        {1},
		"JSON.MGET a b $":                     {1, 2},
		"JSON.MSET a $ 1 b $ 2":               {1, 4},
		"JSON.DEBUG MEMORY k":                 {2},
		"FT.SEARCH index *":                   nil,
		"FT.SUGADD k text 1":                  {1},
		"FT.CURSOR READ index 7":              nil,
		"TS.MADD a 1 2 b 1 2":                 {1, 4},
		"TS.MRANGE - + FILTER l=v":            nil,
		"TS.CREATERULE a b AGGREGATION avg 1": {1, 2},
		"TS.NRANGE 2 a b - +":                 {2, 3},
		"CMS.MERGE dest 2 a b":                {1, 3, 4},
		"TDIGEST.MERGE dest 1 a":              {1, 3},
		"BF.ADD k item":                       {1},
		"VSIM k ELE e":                        {1},
		"hexpire k 10 FIELDS 1 f":             {1},
		"arset k 0 v":                         {1},
		"clusterscan 0-{06S}-0 COUNT 10":      {1},
	} {
		got, err := Keys(fields(line))
		require.NoError(t, err, line)
		require.Equal(t, want, got, line)
	}
}

func ExampleKeys() {
	args := []any{"zunionstore", "destination", 2, "a", "b", "weights", 1, 2}
	keys, err := Keys(args)
	fmt.Println(keys, err)

	_, err = Keys([]any{"zunionstore", "destination", 3, "a", "b"})
	fmt.Println(err)
	// Output:
	// [1 3 4] <nil>
	// malformed arguments of zunionstore: argument 2: more keys than arguments
}

func TestKeysOfOtherTypes(t *testing.T) {
	text := func(s string) *string { return &s }
	for _, args := range [][]any{
		{"zunion", 2, "a", "b"},
		{"zunion", int64(2), "a", "b"},
		{"zunion", uint8(2), "a", "b"},
		{"zunion", "2", "a", "b"},
		{[]byte("ZUNION"), []byte("2"), "a", 7},
		{text("zunion"), text("2"), nil, text("b")},
	} {
		got, err := Keys(args)
		require.NoError(t, err, "%v", args)
		require.Equal(t, []int{2, 3}, got, "%v", args)
	}
	got, err := Keys([]any{"xread", text("BLOCK"), 0, []byte("streams"), 1, 0})
	require.NoError(t, err)
	require.Equal(t, []int{4}, got)
}

func TestKeysOfMalformedArguments(t *testing.T) {
	for line, want := range map[string]string{
		"get":                           "malformed arguments of get: 0 of them, want at least 1",
		"xinfo stream":                  "malformed arguments of xinfo|stream: 1 of them, want at least 2",
		"config":                        "malformed arguments of config: 0 of them, want at least 1",
		"zunion x a b":                  "malformed arguments of zunion: argument 1: not a number of keys",
		"zunion -1 a b":                 "malformed arguments of zunion: argument 1: not a number of keys",
		"zunion 3 a b":                  "malformed arguments of zunion: argument 1: more keys than arguments",
		"zunion 0 a b":                  "malformed arguments of zunion: argument 1: want at least one key",
		"zunion 99999999999999999999 a": "malformed arguments of zunion: argument 1: not a number of keys",
		"zunion 9223372036854775807 a":  "malformed arguments of zunion: argument 1: more keys than arguments",
		"eval script secret":            "malformed arguments of eval: argument 2: not a number of keys",
		"eval script 2 a":               "malformed arguments of eval: argument 2: more keys than arguments",
		"msetex 2 a 1 b":                "malformed arguments of msetex: argument 1: more keys than arguments",
		"mset a 1 b":                    "malformed arguments of mset: argument 3: want groups of 2 arguments, each with a key",
		"json.mset a $ 1 b":             "malformed arguments of json.mset: argument 4: want groups of 3 arguments, each with a key",
		"xread COUNT 1 BLOCK 0":         "malformed arguments of xread: argument 4: no STREAMS with keys after it",
		"xread COUNT 1 STREAMS":         "malformed arguments of xread: argument 3: no STREAMS with keys after it",
		"xread STREAMS a b 0":           "malformed arguments of xread: argument 4: want an ID for each key",
		"migrate h 1 k 0 1 KEYS a":      "malformed arguments of migrate: argument 3: key is not empty, but there are KEYS",
		"migrate h 1 '' 0 1 KEYS":       "malformed arguments of migrate: argument 6: KEYS without keys",
	} {
		got, err := Keys(fields(line))
		require.ErrorIs(t, err, ErrArguments, line)
		require.EqualError(t, err, want)
		require.Nil(t, got)
	}
}

// TestKeySpecOfEveryKind covers the kinds that no command of the table uses.
func TestKeySpecOfEveryKind(t *testing.T) {
	c := &Command{Name: "test"}
	for _, test := range []struct {
		spec keySpec
		line string
		want []int
	}{
		{keySpec{from: 1, keyword: "KEYS", last: -1, step: 1}, "test x keys a b", []int{3, 4}},
		{keySpec{from: 1, keyword: "KEYS", last: -1, step: 1}, "test x a b", nil},
		{keySpec{from: 1, keyword: "KEYS", last: -1, step: 1}, "test x keys", nil},
		{keySpec{from: -2, keyword: "KEYS", last: -1, step: 1}, "test keys a", []int{2}},
		{keySpec{from: -2, keyword: "KEYS", last: -1, step: 1}, "test keys keys a b", []int{3, 4}},
		{keySpec{from: -2, keyword: "KEYS", last: -1, step: 1}, "test keys", nil},
		{keySpec{from: -9, keyword: "KEYS", last: -1, step: 1}, "test keys a", nil},
		{keySpec{from: 1, last: -1, limit: 2, step: 1}, "test a b 0 0", []int{1, 2}},
		{keySpec{from: 2, last: 2, step: 2}, "test x a 1 b", []int{2, 4}},
		{keySpec{from: 1, counted: true, count: 1, first: 2, step: 2}, "test x 2 a 1 b 2", []int{3, 5}},
	} {
		got, err := test.spec.appendKeys(c, nil, fields(test.line))
		require.NoError(t, err, test.line)
		require.Equal(t, test.want, got, "%s with %+v", test.line, test.spec)
	}
}

func TestBlockTimeout(t *testing.T) {
	const forever = 0
	for _, test := range []struct {
		args   []any
		want   time.Duration
		blocks bool
	}{
		{fields("get k"), 0, false},
		{fields("blpop a b 0"), forever, true},
		{fields("BLPOP a 1.5"), 1500 * time.Millisecond, true},
		{[]any{"brpop", "a", 2}, 2 * time.Second, true},
		{[]any{"brpop", "a", 0.25}, 250 * time.Millisecond, true},
		{fields("blmove a b LEFT RIGHT 3"), 3 * time.Second, true},
		{fields("blmovem a b LEFT RIGHT 3 COUNT 2"), 3 * time.Second, true},
		{fields("brpoplpush a b 4"), 4 * time.Second, true},
		{fields("bzpopmin a 5"), 5 * time.Second, true},
		{fields("bzpopmax a 0.0000000001"), 1, true}, // a little is not for ever
		{fields("blmpop 6 1 a LEFT"), 6 * time.Second, true},
		{fields("bzmpop 7 1 a MIN"), 7 * time.Second, true},
		{fields("xread STREAMS a 0"), 0, false},
		{fields("xread BLOCK 0 STREAMS a $"), forever, true},
		{fields("xread COUNT 1 block 8 STREAMS block $"), 8 * time.Millisecond, true},
		{fields("xread STREAMS block 9"), 0, false},
		{fields("xreadgroup GROUP block 9 STREAMS a >"), 0, false},
		{fields("xreadgroup GROUP g c NOACK BLOCK 9 STREAMS a >"), 9 * time.Millisecond, true},
		{fields("ts.read block block"), 0, false},
		{fields("ts.read k - BLOCK 10 1"), 10 * time.Millisecond, true},
		{fields("wait 1 11"), 11 * time.Millisecond, true},
		{fields("waitaof 1 0 12"), 12 * time.Millisecond, true},
		{fields("migrate h 1 k 0 13"), 13 * time.Millisecond, true},
		{fields("migrate h 1 k 0 0"), time.Second, true},
		{fields("blpop a soon"), 0, false},
		{fields("blpop a -1"), 0, false},
		{fields("blpop a nan"), 0, false},
		{fields("blpop a 1e300"), forever, true},
		{fields("blpop a inf"), forever, true},
		{fields("blpop"), 0, false},
		{fields("wait 1"), 0, false},
	} {
		c, ok := lookupArgs(test.args)
		require.True(t, ok)
		d, blocks := blockTimeout(c, test.args)
		require.Equal(t, test.blocks, blocks, "%v", test.args)
		require.Equal(t, test.want, d, "%v", test.args)
	}
}

// marshaler is an argument that encodes itself.
type marshaler struct{ text string }

func (m marshaler) MarshalBinary() ([]byte, error) {
	if m.text == "" {
		return nil, errors.New("nothing to encode")
	}
	return []byte(m.text), nil
}

var _ encoding.BinaryMarshaler = marshaler{}

// TestArgumentsAreEncodedAsByGoRedis writes arguments of all types through go-redis.
func TestArgumentsAreEncodedAsByGoRedis(t *testing.T) {
	now := time.Date(2024, 2, 29, 12, 30, 15, 123456789, time.FixedZone("somewhere", 3600))
	client, sent := captured(t)
	for _, arg := range []any{
		nil, "text", "", "\x00\r\n", []byte("bytes"), []byte(nil),
		int(-1), int8(-8), int16(-16), int32(-32), int64(math.MinInt64),
		uint(1), uint8(8), uint16(16), uint32(32), uint64(math.MaxUint64), uintptr(7),
		float32(0.1), 0.1, 1e21, 1e-7, math.Inf(1), math.NaN(), math.Copysign(0, -1),
		true, false, now, time.Second, time.Duration(-1), marshaler{"marshaled"}, net.ParseIP("10.0.0.1"),
		new("text"), new(int(1)), new(int8(1)), new(int16(1)), new(int32(1)), new(int64(1)),
		new(uint(1)), new(uint8(1)), new(uint16(1)), new(uint32(1)), new(uint64(1)), new(uintptr(1)),
		new(float32(0.5)), new(0.5), new(true), new(false), new(now), new(time.Minute),
		(*string)(nil), (*int)(nil), (*int8)(nil), (*int16)(nil), (*int32)(nil), (*int64)(nil),
		(*uint)(nil), (*uint8)(nil), (*uint16)(nil), (*uint32)(nil), (*uint64)(nil), (*uintptr)(nil),
		(*float32)(nil), (*float64)(nil), (*bool)(nil), (*time.Time)(nil), (*time.Duration)(nil),
	} {
		require.NoError(t, client.Do(t.Context(), "set", arg).Err())
		got, err := resp.AppendText([]byte("before "), arg)
		require.NoError(t, err)
		require.Equal(t, "before "+<-sent, string(got), "%T %v", arg, arg)
		require.Equal(t, string(got[len("before "):]), argText(arg), "%T %v", arg, arg)
	}
	for _, arg := range []any{marshaler{}, struct{}{}, []string{"a"}, new(struct{}), Flags(1)} {
		require.Error(t, client.Do(t.Context(), "set", arg).Err(), "%T", arg)
		_, err := resp.AppendText(nil, arg)
		require.Error(t, err, "%T", arg)
	}
}

// captured returns a client of a server that agrees to everything, and tells the
// second argument of each SET.
func captured(t *testing.T) (*redis.Client, <-chan string) {
	sent := make(chan string, 1)
	client := redis.NewClient(&redis.Options{
		Protocol:        2,
		PoolSize:        1,
		MaxRetries:      -1,
		DisableIdentity: true,
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go serveCaptured(theirs, sent)
			return ours, nil
		},
	})
	t.Cleanup(func() { client.Close() })
	return client, sent
}

func serveCaptured(conn net.Conn, sent chan<- string) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for {
		var n int
		if _, err := fmt.Fscanf(r, "*%d\r\n", &n); err != nil {
			return
		}
		args := make([]string, n)
		for i := range args {
			var size int
			if _, err := fmt.Fscanf(r, "$%d\r\n", &size); err != nil {
				return
			}
			text := make([]byte, size+2)
			if _, err := io.ReadFull(r, text); err != nil {
				return
			}
			args[i] = string(text[:size])
		}
		reply := "+OK\r\n"
		switch {
		case args[0] == "set":
			sent <- args[1]
		case strings.EqualFold(args[0], "hello"):
			reply = "-ERR unknown command\r\n"
		}
		if _, err := io.WriteString(conn, reply); err != nil {
			return
		}
	}
}

// FuzzKeys wants positions inside the arguments, in ascending order, and no panic.
func FuzzKeys(f *testing.F) {
	for _, line := range invocations {
		f.Add(line)
	}
	for _, c := range allCommands() {
		f.Add(strings.ReplaceAll(c.Name, "|", " ") + " 1 2 STORE KEYS 3 STREAMS 1 1")
	}
	f.Fuzz(func(t *testing.T, line string) {
		args := fields(line)
		keys, err := Keys(args)
		last := 0
		for _, k := range keys {
			if k <= last || k >= len(args) {
				t.Fatalf("keys %v of %q", keys, args)
			}
			last = k
		}
		if err != nil && !errors.Is(err, ErrArguments) && !errors.Is(err, ErrUnknownCommand) {
			t.Fatal(err)
		}
		if c, ok := lookupArgs(args); ok {
			if d, blocks := blockTimeout(c, args); d < 0 || d > 0 && !blocks {
				t.Fatalf("%q blocks for %v", args, d)
			}
		}
	})
}
