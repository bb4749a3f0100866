package routing

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// replay lets go-redis decode replies that were captured from a connection: a
// client whose only connection reads from memory. So every type of command decodes
// a reply just as go-redis does, those that go-redis adds later included.
type replay struct {
	client *redis.Client
	conn   *memoryConn
}

var replays = sync.Pool{New: func() any { return newReplay() }}

// newReplay returns a replay whose connection is open. go-redis opens one with
// HELLO; a refusal means RESP2 and is followed by nothing more. The types of RESP3
// are decoded all the same.
func newReplay() *replay {
	conn := &memoryConn{}
	client := redis.NewClient(&redis.Options{
		Addr:                     "replay",
		Protocol:                 2,
		PoolSize:                 1,
		PipelinePoolSize:         -1,
		MaxRetries:               -1,
		DialerRetries:            1,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		Dialer:                   func(context.Context, string, string) (net.Conn, error) { return conn, nil },
	})
	conn.in.Reset([]byte("-ERR unknown command 'HELLO'\r\n+PONG\r\n"))
	_ = client.Ping(context.Background())
	return &replay{client: client, conn: conn}
}

// decodeReplies fills cmds from raw, which holds one reply for each. Afterwards
// each command has its own error; the error returned says that raw could not be
// read.
func decodeReplies(raw []byte, cmds []redis.Cmder) error {
	r := replays.Get().(*replay)
	r.conn.in.Reset(raw)
	_, err := r.client.Pipelined(context.Background(), func(pipe redis.Pipeliner) error {
		return pipe.BatchProcess(context.Background(), cmds...)
	})
	r.conn.in.Reset(nil)
	if err == nil || isReply(err) {
		replays.Put(r)
		return nil
	}
	_ = r.client.Close()
	return err
}

// memoryConn is a net.Conn that reads what it was given and writes nowhere.
type memoryConn struct {
	in bytes.Reader
}

func (c *memoryConn) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (*memoryConn) Write(p []byte) (int, error)      { return len(p), nil }
func (*memoryConn) Close() error                     { return nil }
func (*memoryConn) LocalAddr() net.Addr              { return noAddr{} }
func (*memoryConn) RemoteAddr() net.Addr             { return noAddr{} }
func (*memoryConn) SetDeadline(time.Time) error      { return nil }
func (*memoryConn) SetReadDeadline(time.Time) error  { return nil }
func (*memoryConn) SetWriteDeadline(time.Time) error { return nil }
