package wire

import (
	"context"
	"time"
)

// A login is what a connection is authenticated with.
type login struct{ user, password string }

// renewTimeout bounds asking for credentials, and authenticating with them.
const renewTimeout = 5 * time.Second

// Renew authenticates the connections again if the credentials have changed since they were
// opened. It does not wait for that. A connection of which the node does not take them stays
// what it is: it is asked again the next time.
func (p *Peer) Renew() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.opts.Handshake.Credentials == nil || p.closed || p.renewing || len(p.all()) == 0 {
		return
	}
	p.renewing = true
	p.work.Go(p.renew)
}

func (p *Peer) renew() {
	ctx, cancel := context.WithTimeout(p.ctx, renewTimeout)
	defer cancel()
	user, password, err := p.opts.Handshake.ask(ctx)
	as := login{user, password}
	if err == nil {
		for _, c := range p.outdated(as) {
			c.authenticate(ctx, as)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.renewing = false
}

// outdated returns the shared connections that are authenticated otherwise, and ends those
// that nobody uses.
func (p *Peer) outdated(as login) (shared []*Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.idle {
		if c.authenticated() != as {
			c.fail(ErrClosed)
		}
	}
	for i := range p.shared {
		if c := p.shared[i].conn.Load(); c != nil && !c.Gone() && c.authenticated() != as {
			shared = append(shared, c)
		}
	}
	return shared
}

func (c *Conn) authenticated() login {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.as
}

// authenticate tells the node who the connection is from now on, if the node agrees.
func (c *Conn) authenticate(ctx context.Context, as login) {
	args := []any{"AUTH", as.password}
	if as.user != "" {
		args = []any{"AUTH", as.user, as.password}
	}
	if c.step(ctx, "AUTH", args...) != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.as = as
}
