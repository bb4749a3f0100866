package wire

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// A hooked connection does something when bytes were read that are not handed out yet.
type hooked struct {
	net.Conn
	then atomic.Pointer[func()]
}

func (c *hooked) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if then := c.then.Load(); then != nil && n > 0 {
		(*then)()
	}
	return n, err
}

// What ends a connection may do so at any time, just when the rest of a reply was read too.
func TestBytesThatComeBehindTheEnd(t *testing.T) {
	for name, end := range map[string]func(*Conn){
		"closed":  func(c *Conn) { go c.Close(); <-c.ended },
		"broken":  func(c *Conn) { c.fail(fmt.Errorf("a write that failed")) },
		"retired": (*Conn).Retire,
	} {
		for _, waits := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, waits %t", name, waits), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { endWithinAReply(t, end, waits) })
			})
		}
	}
}

func endWithinAReply(t *testing.T, end func(*Conn), waits bool) {
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7000}
	client, server := transport.Pipe(addr, addr)
	nc := &hooked{Conn: client}
	c := NewConn(nc, Options{ReadTimeout: time.Minute})
	defer func() { _ = server.Close(); c.Close() }()
	p := &peer{server, resp.NewReader(server)}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	x := exchange("hello")
	over := waitFor(ctx, c, x)
	p.request()
	p.reply("$5\r\nhe")
	time.Sleep(time.Second)
	if !waits {
		cancel()
		require.ErrorIs(t, (<-over).err, context.Canceled)
		time.Sleep(time.Second) // the watcher reads
	}
	then := func() { end(c) }
	nc.then.Store(&then)
	p.reply("llo\r\n")
	if waits {
		if err := (<-over).err; err == nil {
			require.Equal(t, bulk("hello"), string(x.Reply(0)))
		} else {
			require.ErrorIs(t, err, c.Err())
		}
	}
	synctest.Wait()
	require.Error(t, c.Err())
}
