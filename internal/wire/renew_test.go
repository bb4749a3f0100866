package wire

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// A guard is a node that notes whom its connections authenticate as.
type guard struct {
	mu      sync.Mutex
	logins  []string
	refuses bool
	dials   int
}

func (g *guard) dial(context.Context) (net.Conn, error) {
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7000}
	client, server := transport.Pipe(addr, addr)
	g.mu.Lock()
	g.dials++
	g.mu.Unlock()
	go g.serve(&peer{server, resp.NewReader(server)})
	return client, nil
}

func (g *guard) serve(p *peer) {
	defer p.Close()
	for args := p.request(); args != nil; args = p.request() {
		p.reply(g.answer(args))
	}
}

func (g *guard) answer(args []string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if args[0] != "AUTH" {
		return "+OK\r\n"
	}
	g.logins = append(g.logins, args[len(args)-1])
	if g.refuses {
		return "-WRONGPASS no\r\n"
	}
	return "+OK\r\n"
}

func (g *guard) seen() (logins []string, dials int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.logins...), g.dials
}

func TestRenew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &guard{}
		var password atomic.Value
		password.Store("one")
		p := NewPeer(PeerOptions{Dial: g.dial, Handshake: Handshake{
			Credentials: func(context.Context) (string, string, error) {
				if password.Load() == "none" {
					return "", "", errors.New("no idea")
				}
				return "", password.Load().(string), nil
			},
		}})
		defer p.Close()
		use := func() *Conn {
			c, opening := p.Shared(false)
			if c == nil {
				var err error
				c, err = opening.Wait(t.Context())
				require.NoError(t, err)
			}
			require.NoError(t, do(t.Context(), c, exchange("x")))
			return c
		}
		renew := func(to string) {
			password.Store(to)
			p.Renew()
			time.Sleep(time.Second) // fake
		}
		first := use()
		renew("one")
		logins, dials := g.seen()
		require.Equal(t, []string{"one"}, logins, "nothing has changed")
		require.Equal(t, 1, dials)

		renew("two")
		logins, _ = g.seen()
		require.Equal(t, []string{"one", "two"}, logins)
		require.Same(t, first, use())
		renew("none")
		require.Same(t, first, use(), "nobody knows better")

		g.mu.Lock()
		g.refuses = true
		g.mu.Unlock()
		renew("three")
		g.mu.Lock()
		g.refuses = false
		g.mu.Unlock()
		require.Same(t, first, use(), "it is authenticated as before")
		renew("three")
		require.Same(t, first, use())
		logins, dials = g.seen()
		require.Equal(t, []string{"one", "two", "three", "three"}, logins, "asked again")
		require.Equal(t, 1, dials)
	})
}
