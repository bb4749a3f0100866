package routing

import (
	"context"
	"fmt"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/stretchr/testify/require"
)

// replies are what nodes send, in RESP2 and RESP3, with the type of command that reads it.
var replies = []struct {
	raw string
	cmd func(context.Context, ...any) redis.Cmder
}{
	{"+OK\r\n", cmdOf(redis.NewStatusCmd)},
	{"$5\r\nhello\r\n", cmdOf(redis.NewStringCmd)},
	{"$0\r\n\r\n", cmdOf(redis.NewStringCmd)},
	{"$4\r\na\r\nb\r\n", cmdOf(redis.NewStringCmd)},
	{"$-1\r\n", cmdOf(redis.NewStringCmd)},
	{"_\r\n", cmdOf(redis.NewStringCmd)},
	{"=8\r\ntxt:text\r\n", cmdOf(redis.NewStringCmd)},
	{":42\r\n", cmdOf(redis.NewIntCmd)},
	{":-9223372036854775808\r\n", cmdOf(redis.NewIntCmd)},
	{"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n", cmdOf(redis.NewIntCmd)},
	{"-MOVED 1 10.0.0.1:7000\r\n", cmdOf(redis.NewIntCmd)},
	{"!9\r\nERR a\r\nbc\r\n", cmdOf(redis.NewIntCmd)},
	{":1\r\n", cmdOf(redis.NewBoolCmd)},
	{"#t\r\n", cmdOf(redis.NewBoolCmd)},
	{"#f\r\n", cmdOf(redis.NewBoolCmd)},
	{"+OK\r\n", cmdOf(redis.NewBoolCmd)},
	{"$3\r\n1.5\r\n", cmdOf(redis.NewFloatCmd)},
	{",1.5\r\n", cmdOf(redis.NewFloatCmd)},
	{",inf\r\n", cmdOf(redis.NewFloatCmd)},
	{",-inf\r\n", cmdOf(redis.NewFloatCmd)},
	{"*3\r\n$1\r\na\r\n$-1\r\n:3\r\n", cmdOf(redis.NewSliceCmd)},
	{"*0\r\n", cmdOf(redis.NewSliceCmd)},
	{"*-1\r\n", cmdOf(redis.NewSliceCmd)},
	{"*2\r\n*2\r\n:1\r\n$1\r\nx\r\n*1\r\n*0\r\n", cmdOf(redis.NewSliceCmd)},
	{"*2\r\n$1\r\na\r\n-ERR inside\r\n", cmdOf(redis.NewSliceCmd)},
	{"*2\r\n$1\r\na\r\n$1\r\nb\r\n", cmdOf(redis.NewStringSliceCmd)},
	{"~2\r\n$1\r\na\r\n$1\r\nb\r\n", cmdOf(redis.NewStringSliceCmd)},
	{"~2\r\n$1\r\na\r\n$1\r\nb\r\n", cmdOf(redis.NewStringStructMapCmd)},
	{"*3\r\n:1\r\n:0\r\n:1\r\n", cmdOf(redis.NewBoolSliceCmd)},
	{"*2\r\n:1\r\n:2\r\n", cmdOf(redis.NewIntSliceCmd)},
	{"*2\r\n,1.5\r\n,2\r\n", cmdOf(redis.NewFloatSliceCmd)},
	{"*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n", cmdOf(redis.NewMapStringStringCmd)},
	{"%2\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n", cmdOf(redis.NewMapStringStringCmd)},
	{"%1\r\n$1\r\na\r\n:1\r\n", cmdOf(redis.NewMapStringIntCmd)},
	{"*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$3\r\n2.5\r\n", cmdOf(redis.NewZSliceCmd)},
	{"*2\r\n*2\r\n$1\r\na\r\n,1\r\n*2\r\n$1\r\nb\r\n,2.5\r\n", cmdOf(redis.NewZSliceCmd)},
	{"*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n", func(ctx context.Context, args ...any) redis.Cmder {
		return redis.NewScanCmd(ctx, nil, args...)
	}},
	{"*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n", cmdOf(redis.NewXMessageSliceCmd)},
	{"*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n", cmdOf(redis.NewXStreamSliceCmd)},
	{"%1\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n", cmdOf(redis.NewXStreamSliceCmd)},
	{"*-1\r\n", cmdOf(redis.NewXStreamSliceCmd)},
	{"*2\r\n*2\r\n$1\r\n1\r\n$1\r\n2\r\n*-1\r\n", cmdOf(redis.NewGeoPosCmd)},
	{"*2\r\n:1234567890\r\n:5\r\n", cmdOf(redis.NewTimeCmd)},
	{":10\r\n", func(ctx context.Context, args ...any) redis.Cmder {
		return redis.NewDurationCmd(ctx, time.Second, args...)
	}},
	{"%2\r\n$1\r\na\r\n~1\r\n#t\r\n:3\r\n,2.5\r\n", cmdOf(redis.NewCmd)},
	{"*3\r\n_\r\n#f\r\n(123456789012345678901234567890\r\n", cmdOf(redis.NewCmd)},
	{"*2\r\n$1\r\nx\r\n%1\r\n+k\r\n*1\r\n:1\r\n", cmdOf(redis.NewCmd)},
	{"_\r\n", cmdOf(redis.NewCmd)},
	{"-ERR no\r\n", cmdOf(redis.NewCmd)},
	{"$5\r\nhello\r\n", cmdOf(redis.NewRawCmd)},
}

func cmdOf[C redis.Cmder](make func(context.Context, ...any) C) func(context.Context, ...any) redis.Cmder {
	return func(ctx context.Context, args ...any) redis.Cmder { return make(ctx, args...) }
}

var decoder replays

// A reply inside EXEC is decoded to what go-redis makes of the same bytes on a
// connection, whichever the protocol and the type.
func TestDecodeRepliesIsGoRedis(t *testing.T) {
	for _, protocol := range []int{2, 3} {
		for _, test := range replies {
			ours, theirs := test.cmd(t.Context(), "x"), test.cmd(t.Context(), "x")
			name := fmt.Sprintf("RESP%d %T %q", protocol, ours, test.raw)
			wire := fromWire(t, protocol, test.raw, theirs)
			decoder.decodeAll([]byte(test.raw), []redis.Cmder{ours})
			require.NoError(t, wire, name)
			require.Equal(t, fmt.Sprint(theirs.Err()), fmt.Sprint(ours.Err()), name)
			if marked, ok := ours.Err().(executedError); ok {
				require.IsType(t, theirs.Err(), marked.reply, name)
			} else {
				require.IsType(t, theirs.Err(), ours.Err(), name)
			}
			require.Equal(t, value(theirs), value(ours), name)
		}
	}
}

// All of them at once, each finds its own.
func TestDecodeRepliesInOrder(t *testing.T) {
	var raw strings.Builder
	var ours []redis.Cmder
	for _, test := range replies {
		raw.WriteString(test.raw)
		ours = append(ours, test.cmd(t.Context(), "x"))
	}
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			var own []redis.Cmder
			for _, test := range replies {
				own = append(own, test.cmd(context.Background(), "x"))
			}
			decoder.decodeAll([]byte(raw.String()), own)
		})
	}
	decoder.decodeAll([]byte(raw.String()), ours)
	callers.Wait()
	for i, test := range replies {
		alone := test.cmd(t.Context(), "x")
		decoder.decodeAll([]byte(test.raw), []redis.Cmder{alone})
		require.Equal(t, value(alone), value(ours[i]), "%q", test.raw)
		require.Equal(t, fmt.Sprint(alone.Err()), fmt.Sprint(ours[i].Err()))
	}
}

// Bytes that cannot be read are an error, and leave nothing behind for the next caller.
func TestDecodeRepliesRecovers(t *testing.T) {
	for _, raw := range []string{"", "+OK", "$5\r\nhel", "garbage\r\n", "*2\r\n:1\r\n"} {
		a := redis.NewIntCmd(t.Context(), "x")
		decoder.decodeAll([]byte(raw), []redis.Cmder{a})
		require.Error(t, a.Err(), "%q", raw)
		requireCleanReplay(t, raw)
	}
}

// Nor does a reply of which go-redis reads only a part: a script's list with an error in
// it, for a type that takes none.
func TestDecodeRepliesHalfRead(t *testing.T) {
	const raw = "*2\r\n-ERR inside\r\n$1\r\nb\r\n"
	for range 4 {
		a := redis.NewStringSliceCmd(t.Context(), "x")
		decoder.decodeAll([]byte(raw), []redis.Cmder{a})
		require.Error(t, a.Err())
		requireCleanReplay(t, raw)
	}
}

// requireCleanReplay asserts that replies after raw are decoded to what they are.
func requireCleanReplay(t *testing.T, raw string) {
	t.Helper()
	for range 3 {
		failed, b := redis.NewIntCmd(t.Context(), "x"), redis.NewIntCmd(t.Context(), "x")
		decoder.decodeAll([]byte("-ERR no\r\n:7\r\n"), []redis.Cmder{failed, b})
		require.EqualError(t, failed.Err(), "ERR no", "after %q", raw)
		require.EqualValues(t, 7, b.Val(), "after %q", raw)
	}
}

// The memory of one reply is not that of the next.
func TestDecodeRepliesKeepsNothing(t *testing.T) {
	raw := []byte("$5\r\nhello\r\n")
	a := redis.NewStringCmd(t.Context(), "x")
	decoder.decodeAll(raw, []redis.Cmder{a})
	for i := range raw {
		raw[i] = '!'
	}
	require.Equal(t, "hello", a.Val())
}

// A reader that lay idle longer than go-redis keeps a connection reads the reply that
// it is given, not its own handshake.
func TestDecodeRepliesAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReplay()
		defer func() { _ = r.client.Close() }()
		for range 2 {
			r.conn.give([]byte(":7\r\n"))
			n := redis.NewIntCmd(t.Context(), "x")
			_, err := r.client.Pipelined(t.Context(), func(pipe redis.Pipeliner) error {
				return pipe.BatchProcess(t.Context(), n)
			})
			require.NoError(t, err)
			require.EqualValues(t, 7, n.Val())
			time.Sleep(2 * time.Hour) // fake
		}
	})
}

// value is what the command's Result returns, besides the error.
func value(cmd redis.Cmder) any {
	if m := reflect.ValueOf(cmd).MethodByName("Result"); m.IsValid() {
		var all []any
		for _, v := range m.Call(nil)[:m.Type().NumOut()-1] {
			all = append(all, v.Interface())
		}
		return all
	}
	return cmd.String()
}

// fromWire reads raw into cmd over a connection, as any user of go-redis would. Its
// error is one of the connection.
func fromWire(t *testing.T, protocol int, raw string, cmd redis.Cmder) error {
	client, server := net.Pipe()
	served := make(chan struct{})
	go func() {
		defer close(served)
		defer server.Close()
		buf := make([]byte, 1<<12)
		for {
			n, err := server.Read(buf)
			if err != nil {
				return
			}
			out := raw
			if args, _ := cutRequest(buf[:n]); len(args) > 0 && args[0] == "hello" {
				out = "%1\r\n+proto\r\n:" + fmt.Sprint(protocol) + "\r\n"
			}
			if _, err := server.Write([]byte(out)); err != nil {
				return
			}
		}
	}()
	c := redis.NewClient(&redis.Options{
		Protocol: protocol, MaxRetries: -1, DisableIdentity: true, PipelinePoolSize: -1,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		Dialer:                   func(context.Context, string, string) (net.Conn, error) { return client, nil },
	})
	err := c.Process(t.Context(), cmd)
	require.NoError(t, c.Close())
	<-served
	if isReply(err) {
		return nil
	}
	return err
}
