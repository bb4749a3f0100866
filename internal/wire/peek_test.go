package wire

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// A socketPair is a Conn over loopback TCP and its peer. What the Conn writes is counted.
type socketPair struct {
	c    *Conn
	p    *peer
	raw  *net.TCPConn // of the peer
	sent *counted
}

// counted is the socket of a Conn, which it shows to those who ask for it.
type counted struct {
	*net.TCPConn
	mu    sync.Mutex
	wrote bytes.Buffer
}

func (c *counted) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.wrote.Write(p)
	c.mu.Unlock()
	return c.TCPConn.Write(p)
}

// written returns how many bytes were ever written.
func (c *counted) written() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wrote.Len()
}

// connectTCP returns a pair, through TLS or not.
func connectTCP(t *testing.T, over bool) *socketPair {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	nc, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	accepted, err := l.Accept()
	require.NoError(t, err)
	s := &socketPair{raw: accepted.(*net.TCPConn), sent: &counted{TCPConn: nc.(*net.TCPConn)}}
	client, server := net.Conn(s.sent), accepted
	if over {
		cert := certificate(t)
		server = tls.Server(accepted, &tls.Config{Certificates: []tls.Certificate{cert}})
		pool := x509.NewCertPool()
		pool.AddCert(cert.Leaf)
		secure := tls.Client(s.sent, &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"})
		shaken := make(chan error, 1)
		go func() { shaken <- server.(*tls.Conn).Handshake() }()
		require.NoError(t, secure.Handshake())
		require.NoError(t, <-shaken)
		client = secure
	}
	s.p = &peer{server, resp.NewReader(server)}
	s.c = NewConn(client, Options{ReadTimeout: time.Minute, WriteTimeout: time.Minute})
	t.Cleanup(func() {
		_ = accepted.Close()
		s.c.Close()
	})
	return s
}

// certificate returns one for 127.0.0.1, signed by itself.
func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// onSockets runs a test with plain sockets and through TLS.
func onSockets(t *testing.T, test func(t *testing.T, s *socketPair)) {
	for name, over := range map[string]bool{"tcp": false, "tls": true} {
		t.Run(name, func(t *testing.T) { test(t, connectTCP(t, over)) })
	}
}

// exchanged sends something and gets its reply.
func (s *socketPair) exchanged(t *testing.T) {
	t.Helper()
	go func() {
		s.p.request()
		s.p.reply(bulk("a"))
	}()
	x := exchange("a")
	require.NoError(t, do(t.Context(), s.c, x))
	require.Equal(t, bulk("a"), string(x.Reply(0)))
}

// refuses requires that what is submitted now is refused, and nothing of it written.
func (s *socketPair) refuses(t *testing.T) {
	t.Helper()
	before := s.sent.written()
	x := exchange("never written")
	require.Error(t, s.c.Submit(x))
	require.Equal(t, before, s.sent.written())
	require.Error(t, s.c.Err())
}

// arrives waits until the socket shows that something has happened, which takes a moment.
func (s *socketPair) arrives(t *testing.T, what sight) {
	t.Helper()
	look := newPeeker(s.sent.TCPConn)
	require.Eventually(t, func() bool { return s.c.Err() != nil || look.sight() >= what }, 10*time.Second, 50*time.Microsecond)
}

// rests waits until the connection counts as unused.
func (s *socketPair) rests(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		return s.c.cause != nil || s.c.rested(time.Now())
	}, 10*time.Second, 50*time.Microsecond)
}

func TestAConnectionClosedWhileIdleIsNotWrittenTo(t *testing.T) {
	for range 20 {
		onSockets(t, func(t *testing.T, s *socketPair) {
			s.exchanged(t)
			require.NoError(t, s.p.Close())
			s.arrives(t, pendingBytes)
			s.rests(t)
			s.refuses(t)
		})
	}
}

func TestAConnectionResetWhileIdleIsNotWrittenTo(t *testing.T) {
	for range 20 {
		onSockets(t, func(t *testing.T, s *socketPair) {
			s.exchanged(t)
			require.NoError(t, transport.Reset(s.raw))
			s.arrives(t, endOfStream)
			s.rests(t)
			s.refuses(t)
		})
	}
}

// One that was closed with a complaint, as a node that has too many clients does.
func TestAConnectionClosedBehindAnErrorIsNotWrittenTo(t *testing.T) {
	onSockets(t, func(t *testing.T, s *socketPair) {
		s.p.reply("-ERR max number of clients reached\r\n")
		require.NoError(t, s.p.Close())
		s.arrives(t, pendingBytes)
		s.rests(t)
		s.refuses(t)
	})
}

func TestPushesThatWereNotReadDoNotHinder(t *testing.T) {
	onSockets(t, func(t *testing.T, s *socketPair) {
		for range 20 {
			s.p.reply(">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n")
			s.arrives(t, quietSocket)
			s.rests(t)
			s.exchanged(t)
		}
		require.NoError(t, s.c.Err())
	})
}

func TestAQuietConnectionIsUsedAgain(t *testing.T) {
	onSockets(t, func(t *testing.T, s *socketPair) {
		for range 100 {
			s.exchanged(t)
			s.rests(t)
		}
	})
}

// Replies that are there are had by a caller whose context has ended while it was elsewhere.
func TestWaitingTooLateForWhatIsThere(t *testing.T) {
	onSockets(t, func(t *testing.T, s *socketPair) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 20 {
			s.exchanged(t)
			x := exchange("a", "b")
			require.NoError(t, s.c.Submit(x))
			s.p.request()
			s.p.request()
			s.p.reply(bulk("a") + bulk("b"))
			look := newPeeker(s.sent.TCPConn)
			require.Eventually(t, func() bool { return look.sight() == pendingBytes || s.c.Unanswered() == 0 }, 10*time.Second, 50*time.Microsecond)
			require.NoError(t, s.c.Wait(ctx, x))
			require.Equal(t, bulk("b"), string(x.Reply(1)))
		}
	})
}

// What a quiet socket shows, and one that was closed here.
func TestSights(t *testing.T) {
	s := connectTCP(t, false)
	look := newPeeker(s.sent)
	require.Equal(t, quietSocket, look.sight())
	require.Nil(t, newPeeker(struct{ net.Conn }{s.sent}), "no socket, nothing to see")
	s.c.Close()
	require.Equal(t, endOfStream, look.sight())
	require.ErrorIs(t, s.c.Submit(exchange("a")), ErrClosed)
}
