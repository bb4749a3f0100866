package slotmesh_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
)

// tlsProxies speak TLS in front of nodes that do not.
type tlsProxies struct {
	t     *testing.T
	front map[string]string // address of a node -> that of its proxy
	certs *x509.CertPool

	mu   sync.Mutex
	open map[net.Conn]bool // connections of clients
	work sync.WaitGroup
}

func startTLSProxies(t *testing.T, nodes []string) *tlsProxies {
	t.Helper()
	p := &tlsProxies{t: t, front: make(map[string]string), open: make(map[net.Conn]bool)}
	cfg := p.selfSigned()
	t.Cleanup(p.work.Wait)
	t.Cleanup(p.closeAll)
	for _, node := range nodes {
		l, err := tls.Listen("tcp", "127.0.0.1:0", cfg)
		require.NoError(t, err)
		p.front[node] = l.Addr().String()
		p.work.Go(func() { p.serve(l, node) })
		t.Cleanup(func() { _ = l.Close() })
	}
	return p
}

// selfSigned makes a certificate for 127.0.0.1.
func (p *tlsProxies) selfSigned() *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(p.t, err)
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	require.NoError(p.t, err)
	cert, err = x509.ParseCertificate(der)
	require.NoError(p.t, err)
	p.certs = x509.NewCertPool()
	p.certs.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// use makes a client go through the proxies.
func (p *tlsProxies) use(o *slotmesh.Options) {
	o.TLSConfig = &tls.Config{RootCAs: p.certs}
	o.Translate = func(addr string) string { return p.front[addr] }
	for i, addr := range o.Addrs {
		o.Addrs[i] = p.front[addr]
	}
}

// serve passes on what comes until the listener is closed.
func (p *tlsProxies) serve(l net.Listener, node string) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.open[client] = true
		p.mu.Unlock()
		p.work.Go(func() { p.pass(client, node) })
	}
}

// pass passes on what client and node send until either ends.
func (p *tlsProxies) pass(client net.Conn, node string) {
	defer p.close(client)
	server, err := net.Dial("tcp", node)
	if err != nil {
		return
	}
	p.work.Go(func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	})
	_, _ = io.Copy(client, server)
}

func (p *tlsProxies) close(client net.Conn) {
	_ = client.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, client)
}

// closeAll ends all connections, with the goodbye of TLS.
func (p *tlsProxies) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for client := range p.open {
		_ = client.Close()
	}
}

// none reports whether no connection is left.
func (p *tlsProxies) none() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open) == 0
}
