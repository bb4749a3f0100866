package wire

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/realcluster"
	"github.com/slotmesh/slotmesh/internal/refnode"
	"github.com/slotmesh/slotmesh/internal/refnode/transport"
	"github.com/slotmesh/slotmesh/internal/resp"
)

func credentials(user, password string) func(context.Context) (string, string, error) {
	return func(context.Context) (string, string, error) { return user, password, nil }
}

// open dials a node and performs a handshake.
func open(t *testing.T, addr string, h Handshake) (*Conn, resp.Protocol, error) {
	t.Helper()
	nc, err := transport.TCP().Dial(t.Context(), addr)
	require.NoError(t, err)
	c, protocol, err := Open(t.Context(), nc, h, Options{})
	if err == nil {
		t.Cleanup(c.Close)
	}
	return c, protocol, err
}

// ask sends a request and returns the reply.
func ask(t *testing.T, c *Conn, args ...any) string {
	t.Helper()
	request, err := resp.AppendRequest(nil, args)
	require.NoError(t, err)
	x := &Exchange{Request: request}
	require.NoError(t, do(t.Context(), c, x))
	return string(x.Reply(0))
}

func TestHandshake(t *testing.T) {
	const password = "a secret"
	n, err := refnode.Start(t.Context(), refnode.Config{Password: password})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.Close()) })
	test := func(t *testing.T, addr string) {
		for _, version := range []resp.Protocol{resp.RESP2, resp.RESP3} {
			for _, user := range []string{"", "default"} {
				c, protocol, err := open(t, addr, Handshake{
					Protocol: version, Credentials: credentials(user, password), ClientName: "me", ReadOnly: true,
				})
				require.NoError(t, err)
				require.Equal(t, version, protocol)
				require.Equal(t, bulk("me"), ask(t, c, "CLIENT", "GETNAME"))
				require.Equal(t, version == resp.RESP3, strings.HasPrefix(ask(t, c, "HELLO"), "%"))
				flags := ask(t, c, "CLIENT", "LIST")
				require.Contains(t, flags, "flags=r", "READONLY")
			}
			c, _, err := open(t, addr, Handshake{Protocol: version, Credentials: credentials("me", "wrong secret")})
			require.Nil(t, c)
			var refusal *HandshakeError
			require.ErrorAs(t, err, &refusal)
			require.Contains(t, refusal.Answer, "WRONGPASS")
			require.NotContains(t, err.Error(), "secret")
		}
		_, _, err = open(t, addr, Handshake{ClientName: "me"})
		require.EqualError(t, err, "CLIENT SETNAME: NOAUTH Authentication required.")
	}
	t.Run("node", func(t *testing.T) { test(t, n.Addr()) })
	t.Run("redis", func(t *testing.T) {
		test(t, realcluster.Start(t, realcluster.Config{Masters: 1, Password: password}).Addrs()[0])
	})
}

// A node from before RESP3 is spoken to in RESP2.
func TestHandshakeWithoutHello(t *testing.T) {
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7000}
	client, server := transport.Pipe(addr, addr)
	p := &peer{server, resp.NewReader(server)}
	asked := make(chan []string, 8)
	go func() {
		defer close(asked)
		for args := p.request(); args != nil; args = p.request() {
			asked <- args
			if args[0] == "HELLO" {
				p.reply("-ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'default' 'secret' \r\n")
			} else {
				p.reply("+OK\r\n")
			}
		}
	}()
	c, protocol, err := Open(t.Context(), client, Handshake{
		Protocol: resp.RESP3, Credentials: credentials("", "secret"), ClientName: "me", ReadOnly: true,
	}, Options{})
	require.NoError(t, err)
	require.Equal(t, resp.RESP2, protocol)
	c.Close()
	var all []string
	for args := range asked {
		all = append(all, strings.Join(args, " "))
	}
	require.Equal(t, []string{"HELLO 3 AUTH default secret SETNAME me", "AUTH secret", "CLIENT SETNAME me", "READONLY"}, all)
}

func TestHandshakeThatFails(t *testing.T) {
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7000}
	noCredentials := errors.New("the vault is shut")
	for _, tc := range []struct {
		name   string
		answer string // empty: the peer hangs up
		h      Handshake
		text   string
		is     error
	}{
		{"credentials", "+OK\r\n", Handshake{Credentials: func(context.Context) (string, string, error) { return "", "", noCredentials }}, "credentials: the vault is shut", noCredentials},
		{"the peer hangs up", "", Handshake{Protocol: resp.RESP3}, "HELLO: ", io.EOF},
		{"arguments are not quoted", "-ERR unknown command 'AUTH', with args beginning with: 'secret'\r\n", Handshake{Credentials: credentials("", "secret")}, "AUTH: ERR unknown command 'AUTH'", nil},
		{"no RESP at all", "HTTP/1.1 400 Bad Request\r\n", Handshake{Protocol: resp.RESP3}, "HELLO: ", resp.ErrMalformed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			client, server := transport.Pipe(addr, addr)
			p := &peer{server, resp.NewReader(server)}
			go func() {
				p.request()
				p.reply(tc.answer)
				_ = p.Close()
			}()
			_, _, err := Open(t.Context(), client, tc.h, Options{})
			require.ErrorContains(t, err, tc.text)
			require.NotContains(t, err.Error(), "secret")
			if tc.is != nil {
				require.ErrorIs(t, err, tc.is)
			}
			_ = p.Close()
		})
	}
}
