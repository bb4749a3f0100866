package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// A node is the other side of a Peer: what it does with each connection is told by the test.
type node struct {
	t     *testing.T
	dials atomic.Int32

	mu    sync.Mutex
	dial  func(ctx context.Context) (net.Conn, error) // in place of a connection to serve
	serve func(*peer)                                 // each connection; echoes by default
	conns []*peer
}

// newNode returns a node and a Peer of it, which is closed at the end.
func newNode(t *testing.T, opts PeerOptions) (*node, *Peer) {
	t.Helper()
	n := &node{t: t, serve: (*peer).echo}
	opts.Dial = n.connect
	p := NewPeer(opts)
	t.Cleanup(func() {
		p.Close()
		n.mu.Lock()
		defer n.mu.Unlock()
		for _, c := range n.conns {
			_ = c.Close()
		}
	})
	return n, p
}

// connect is the dialer.
func (n *node) connect(ctx context.Context) (net.Conn, error) {
	n.dials.Add(1)
	n.mu.Lock()
	dial := n.dial
	n.mu.Unlock()
	if dial != nil {
		return dial(ctx)
	}
	return n.open(), nil
}

// open returns a connection that is served.
func (n *node) open() net.Conn {
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7000}
	client, server := transport.Pipe(addr, addr)
	c := &peer{server, resp.NewReader(server)}
	n.mu.Lock()
	n.conns = append(n.conns, c)
	serve := n.serve
	n.mu.Unlock()
	go func() {
		serve(c)
		_ = c.Close()
	}()
	return client
}

// does makes the node serve the connections to come so.
func (n *node) does(serve func(*peer)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.serve = serve
}

// dialsLike makes dials to come do this.
func (n *node) dialsLike(dial func(ctx context.Context) (net.Conn, error)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dial = dial
}

func refused(context.Context) (net.Conn, error) { return nil, syscall.ECONNREFUSED }

// shared returns a connection of a peer to be shared.
func shared(ctx context.Context, p *Peer, movable bool) (*Conn, error) {
	c, opening := p.Shared(movable)
	if opening != nil {
		return opening.Wait(ctx)
	}
	return c, nil
}

// borrowed returns a connection of a peer that was borrowed.
func borrowed(ctx context.Context, p *Peer) (*Conn, error) {
	c, opening := p.Borrow()
	if opening != nil {
		return opening.Wait(ctx)
	}
	return c, nil
}

func mustShare(t *testing.T, p *Peer, movable bool) *Conn {
	t.Helper()
	c, err := shared(t.Context(), p, movable)
	require.NoError(t, err)
	return c
}

func mustBorrow(t *testing.T, p *Peer) *Conn {
	t.Helper()
	c, err := borrowed(t.Context(), p)
	require.NoError(t, err)
	return c
}

func TestManyCallersShareOneDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, p := newNode(t, PeerOptions{})
		slow := make(chan struct{})
		n.dialsLike(func(context.Context) (net.Conn, error) { <-slow; return n.open(), nil })
		conns := make(chan *Conn, 100)
		for range cap(conns) {
			go func() {
				c, err := shared(t.Context(), p, true)
				if err != nil {
					t.Error(err)
				}
				conns <- c
			}()
		}
		synctest.Wait()
		close(slow)
		first := <-conns
		for range cap(conns) - 1 {
			require.Same(t, first, <-conns)
		}
		require.EqualValues(t, 1, n.dials.Load())
		require.Equal(t, Counts{Open: 1, Dials: 1}, p.Counts())
		require.Same(t, first, mustShare(t, p, false))
		require.NoError(t, do(t.Context(), first, exchange("a")))
	})
}

func TestAConnectionThatEndedIsOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, p := newNode(t, PeerOptions{})
		first := mustShare(t, p, true)
		require.NoError(t, n.conns[0].Close())
		<-first.ended
		require.Equal(t, Counts{Dials: 1}, p.Counts())
		second := mustShare(t, p, true)
		require.NotSame(t, first, second)
		require.Equal(t, Counts{Open: 1, Dials: 2}, p.Counts())
	})
}

// One that is retired is replaced, and ends with the last reply.
func TestAConnectionThatWasRetiredIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, p := newNode(t, PeerOptions{})
		n.does(func(c *peer) { c.request(); time.Sleep(lateAfter / 2); c.reply(bulk("a")); c.echo() })
		first := mustShare(t, p, true)
		x := send(t, first, exchange("a"))
		first.Retire()
		n.does((*peer).echo)
		second := mustShare(t, p, true)
		require.NotSame(t, first, second)
		require.NoError(t, first.Err())
		require.Equal(t, 2, p.Counts().Open)
		require.NoError(t, <-x.err)
		require.ErrorIs(t, first.Err(), ErrClosed)
		require.Equal(t, 1, p.Counts().Open)
	})
}

func TestADialThatFails(t *testing.T) {
	for name, get := range map[string]func(context.Context, *Peer) (*Conn, error){
		"shared":   func(ctx context.Context, p *Peer) (*Conn, error) { return shared(ctx, p, true) },
		"borrowed": borrowed,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, p := newNode(t, PeerOptions{MaxBorrowed: 1})
				n.dialsLike(refused)
				for i := range 5 {
					_, err := get(t.Context(), p)
					var failed *ConnectError
					require.ErrorAs(t, err, &failed)
					require.False(t, failed.Dialed)
					require.ErrorIs(t, err, syscall.ECONNREFUSED)
					require.Equal(t, Counts{Dials: uint64(i + 1), Failures: uint64(i + 1)}, p.Counts())
				}
				n.dialsLike(nil)
				c, err := get(t.Context(), p)
				require.NoError(t, err, "it may come back at any time")
				require.NoError(t, do(t.Context(), c, exchange("a")))
			})
		})
	}
}

// No secret is in an error, whatever the node says.
func TestAHandshakeThatFails(t *testing.T) {
	secret := Handshake{Protocol: resp.RESP3, Credentials: credentials("me", "secret"), ClientName: "name"}
	vault := errors.New("the vault is shut")
	for name, tc := range map[string]struct {
		h     Handshake
		serve func(*peer)
		is    error
		as    any
	}{
		"refused": {secret, func(c *peer) { c.request(); c.reply("-WRONGPASS invalid username-password pair\r\n") }, nil, new(*HandshakeError)},
		"quoted": {secret, func(c *peer) {
			c.request()
			c.reply("-ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'me' 'secret'\r\n")
			c.request()
			c.reply("-ERR wrong, with args beginning with: 'secret'\r\n")
		}, nil, new(*HandshakeError)},
		"hung up":        {secret, func(c *peer) { c.request() }, io.EOF, nil},
		"garbage":        {secret, func(c *peer) { c.request(); c.reply("HTTP/1.1 400 Bad Request\r\n") }, ErrGarbage, nil},
		"silent":         {secret, func(c *peer) { _, _ = io.Copy(io.Discard, c) }, ErrSilent, nil},
		"no credentials": {Handshake{Credentials: func(context.Context) (string, string, error) { return "me", "secret", vault }}, func(c *peer) { c.request() }, vault, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				node, p := newNode(t, PeerOptions{Handshake: tc.h, ReadTimeout: 3 * time.Second})
				node.does(tc.serve)
				for _, get := range []func() (*Conn, error){
					func() (*Conn, error) { return shared(t.Context(), p, true) },
					func() (*Conn, error) { return borrowed(t.Context(), p) },
				} {
					c, err := get()
					require.Nil(t, c)
					var failed *ConnectError
					require.ErrorAs(t, err, &failed)
					require.True(t, failed.Dialed)
					require.NotContains(t, err.Error(), "secret")
					require.True(t, strings.HasPrefix(err.Error(), "connecting: "), "%v", err)
					if tc.is != nil {
						require.ErrorIs(t, err, tc.is)
					}
					if tc.as != nil {
						require.ErrorAs(t, err, tc.as)
					}
				}
				n := p.Counts()
				require.Zero(t, n.Open)
				require.GreaterOrEqual(t, n.Failures, uint64(2))
			})
		})
	}
}

// A dialer that ignores its context holds up neither callers nor Close, and what it brings
// in the end is closed.
func TestADialerThatIgnoresItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, p := newNode(t, PeerOptions{})
		var closed atomic.Int32
		n.does(func(c *peer) {
			_, _ = io.Copy(io.Discard, c)
			closed.Add(1)
		})
		n.dialsLike(func(context.Context) (net.Conn, error) {
			time.Sleep(time.Hour)
			return n.open(), nil
		})
		start := time.Now()
		for i, get := range []func(context.Context) (*Conn, error){
			func(ctx context.Context) (*Conn, error) { return shared(ctx, p, true) },
			func(ctx context.Context) (*Conn, error) { return borrowed(ctx, p) },
		} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := get(ctx)
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, time.Duration(i+1)*time.Second, time.Since(start))
		}
		waits := make(chan error, 2)
		go func() { _, err := shared(t.Context(), p, true); waits <- err }()
		go func() { _, err := borrowed(t.Context(), p); waits <- err }()
		synctest.Wait()
		start = time.Now()
		p.Close()
		require.ErrorIs(t, <-waits, ErrClosed)
		require.ErrorIs(t, <-waits, ErrClosed)
		require.Zero(t, time.Since(start))

		time.Sleep(2 * time.Hour)
		synctest.Wait()
		require.EqualValues(t, n.dials.Load(), closed.Load())
	})
}

// Close ends everything, and whoever waits for anything.
func TestPeerClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, p := newNode(t, PeerOptions{MaxBorrowed: 2})
		n.does(func(c *peer) { _, _ = io.Copy(io.Discard, c) })
		onShared := send(t, mustShare(t, p, true), exchange("a"))
		mustBorrow(t, p)
		onBorrowed := send(t, mustBorrow(t, p), exchange("b"))
		crowded := make(chan error, 1)
		go func() { _, err := borrowed(t.Context(), p); crowded <- err }()
		time.Sleep(lateAfter / 2)

		start := time.Now()
		p.Close()
		require.ErrorIs(t, <-onShared.err, ErrClosed)
		require.ErrorIs(t, <-onBorrowed.err, ErrClosed)
		require.ErrorIs(t, <-crowded, ErrClosed)
		_, err := shared(t.Context(), p, true)
		require.ErrorIs(t, err, ErrClosed)
		_, err = borrowed(t.Context(), p)
		require.ErrorIs(t, err, ErrClosed)
		require.Zero(t, time.Since(start))
		require.Zero(t, p.Counts().Open)
		require.Zero(t, p.Counts().Idle)
		p.Close()
		require.EqualValues(t, 3, n.dials.Load(), "nothing was dialled any more")
	})
}

// What a peer that is retired has begun comes to its end, and nothing else begins.
func TestPeerRetire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, p := newNode(t, PeerOptions{})
		idle := mustBorrow(t, p)
		n.does(func(c *peer) { c.request(); time.Sleep(lateAfter / 2); c.reply(bulk("a")); c.echo() })
		c, lent := mustShare(t, p, true), mustBorrow(t, p)
		p.GiveBack(idle)
		onShared, onBorrowed := send(t, c, exchange("a")), send(t, lent, exchange("a"))
		p.Retire()
		require.ErrorIs(t, idle.Err(), ErrClosed)
		for _, get := range []func() (*Conn, error){
			func() (*Conn, error) { return shared(t.Context(), p, true) },
			func() (*Conn, error) { return borrowed(t.Context(), p) },
		} {
			_, err := get()
			require.ErrorIs(t, err, ErrClosed)
		}
		require.NoError(t, <-onShared.err)
		require.NoError(t, <-onBorrowed.err)
		require.ErrorIs(t, c.Err(), ErrClosed)
		require.NoError(t, do(t.Context(), lent, exchange("a")), "it is the borrower's still")
		p.GiveBack(lent)
		require.ErrorIs(t, lent.Err(), ErrClosed)
		require.Zero(t, p.Counts().Open)
	})
}

// Whatever goes on meanwhile.
func TestPeerCloseWhileAllIsBusy(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			_, p := newNode(t, PeerOptions{MaxBorrowed: 3, BorrowTimeout: time.Second})
			var callers sync.WaitGroup
			for i := range 16 {
				callers.Go(func() {
					for {
						c, err := shared(t.Context(), p, true)
						if i%2 == 0 {
							c, err = borrowed(t.Context(), p)
						}
						if err == nil {
							err = do(t.Context(), c, exchange(fmt.Sprint(i)))
							time.Sleep(time.Duration(i) * time.Millisecond)
						}
						if i%2 == 0 && c != nil {
							p.GiveBack(c)
						}
						if errors.Is(err, ErrClosed) {
							return
						}
						if err != nil {
							t.Error(err)
						}
					}
				})
			}
			time.Sleep(5 * time.Millisecond)
			p.Close()
			callers.Wait()
			require.Zero(t, p.Counts().Open)
		})
	}
}
