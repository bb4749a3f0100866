package transport_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
)

// A client in a bubble waits its timeouts in the bubble's time, and goes on when
// the gate is open.
func TestGoRedisInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, gate := transport.NewMemory(), transport.NewGate()
		listener := listen(t, memory)
		go servePings(listener, transport.Link{In: gate, Out: gate})
		client := redis.NewClient(&redis.Options{
			Addr:        listener.Addr().String(),
			Dialer:      func(ctx context.Context, _, addr string) (net.Conn, error) { return memory.Dial(ctx, addr) },
			ReadTimeout: 3 * time.Second,
			MaxRetries:  -1,
		})
		defer client.Close()
		require.NoError(t, client.Ping(t.Context()).Err())

		gate.Shut()
		start := time.Now()
		requireTimeout(t, client.Ping(t.Context()).Err(), "read")
		require.Equal(t, 3*time.Second, time.Since(start))

		time.AfterFunc(time.Second, gate.Open)
		require.NoError(t, client.Ping(t.Context()).Err())
		require.Equal(t, 4*time.Second, time.Since(start))
	})
}

// servePings is a server that knows PING and no other command.
func servePings(listener net.Listener, link transport.Link) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go answerPings(link.Wrap(conn))
	}
}

func answerPings(conn net.Conn) {
	defer conn.Close()
	for in := bufio.NewReader(conn); ; {
		name, err := readRequest(in)
		if err != nil {
			return
		}
		reply := "-ERR unknown command\r\n"
		if strings.EqualFold(name, "ping") {
			reply = "+PONG\r\n"
		}
		if _, err := io.WriteString(conn, reply); err != nil {
			return
		}
	}
}

// readRequest returns the first argument of the request that comes next.
func readRequest(in *bufio.Reader) (name string, err error) {
	var args, size int
	if _, err := fmt.Fscanf(in, "*%d\r\n", &args); err != nil {
		return "", err
	}
	for i := range args {
		if _, err := fmt.Fscanf(in, "$%d\r\n", &size); err != nil {
			return "", err
		}
		arg := make([]byte, size+len("\r\n"))
		if _, err := io.ReadFull(in, arg); err != nil {
			return "", err
		}
		if i == 0 {
			name = string(arg[:size])
		}
	}
	return name, nil
}
