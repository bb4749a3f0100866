package routing

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// replays lets go-redis decode replies that were captured from a connection. So every
// type of command decodes a reply just as go-redis does, those that go-redis adds
// later included.
type replays struct{ idle sync.Pool }

// replay is a go-redis client whose only connection reads from memory.
type replay struct {
	client *redis.Client
	conn   *memoryConn
}

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
		ConnMaxIdleTime:          -1,
		MaxRetries:               -1,
		DialerRetries:            1,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		Dialer:                   func(context.Context, string, string) (net.Conn, error) { return conn, nil },
	})
	conn.give([]byte("-ERR unknown command 'HELLO'\r\n+PONG\r\n"))
	_ = client.Ping(context.Background())
	return &replay{client: client, conn: conn}
}

// decodeAll fills cmds from raw, which holds one reply for each, and returns the first
// error. Each command has its own, also when its reply could not be decoded. If raw is
// not that many replies, all have the error that says so.
func (rs *replays) decodeAll(raw []byte, cmds []redis.Cmder) error {
	replies := make([][]byte, len(cmds))
	for i := range replies {
		size, err := replySize(raw)
		if err != nil {
			return setErrs(cmds, err)
		}
		replies[i], raw = raw[:size], raw[size:]
	}
	if len(raw) > 0 {
		return setErrs(cmds, errLongReply)
	}
	var first error
	for i, cmd := range cmds {
		err := asExecuted(rs.decode(cmd, replies[i], keeping{}))
		cmd.SetErr(err)
		if err != nil && first == nil {
			first = err
		}
	}
	return first
}

// decodeAny gives cmd its reply as go-redis decodes it, and returns the error that it then
// has.
func (rs *replays) decodeAny(raw []byte, cmd redis.Cmder) error {
	r, ok := rs.idle.Get().(*replay)
	if !ok {
		r = newReplay()
	}
	r.conn.give(raw)
	err := r.client.Process(context.Background(), cmd)
	if r.conn.in.Len() > 0 || r.conn.closed {
		// go-redis did not read the reply to its end, or not understand it.
		_ = r.client.Close()
		return err
	}
	r.conn.give(nil) // the reply is the caller's
	rs.idle.Put(r)
	return err
}

var (
	errCutReply  = errors.New("reply is cut short")
	errLongReply = errors.New("reply holds more than was asked for")
)

// replySize returns how many bytes of raw its first reply has.
func replySize(raw []byte) (int, error) {
	var s resp.Scanner
	size, complete, err := s.Scan(raw)
	if err == nil && !complete {
		err = errCutReply
	}
	return size, err
}

// noAddr is the address of a connection that has no network.
type noAddr struct{}

func (noAddr) Network() string { return "none" }
func (noAddr) String() string  { return "none" }

// memoryConn is a net.Conn that reads what it was given and writes nowhere.
type memoryConn struct {
	in     bytes.Reader
	lines  bool // one Read brings no more than one line
	closed bool
}

// give makes raw what is read next. go-redis stops in the middle of a list at some errors
// in it, and would print that it has read more than it needed.
func (c *memoryConn) give(raw []byte) {
	c.in.Reset(raw)
	c.lines = bytes.Contains(raw, []byte("\r\n-"))
}

func (c *memoryConn) Read(p []byte) (int, error) {
	if c.lines {
		return c.readLine(p)
	}
	n, err := c.in.Read(p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (c *memoryConn) readLine(p []byte) (n int, err error) {
	for n < len(p) && (n == 0 || p[n-1] != '\n') {
		if p[n], err = c.in.ReadByte(); err != nil {
			break
		}
		n++
	}
	if n == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	return n, nil
}

func (c *memoryConn) Close() error {
	c.closed = true
	return nil
}

func (*memoryConn) Write(p []byte) (int, error)      { return len(p), nil }
func (*memoryConn) LocalAddr() net.Addr              { return noAddr{} }
func (*memoryConn) RemoteAddr() net.Addr             { return noAddr{} }
func (*memoryConn) SetDeadline(time.Time) error      { return nil }
func (*memoryConn) SetReadDeadline(time.Time) error  { return nil }
func (*memoryConn) SetWriteDeadline(time.Time) error { return nil }
