package wire

import (
	"context"
	"time"
)

// probePause is how long to wait before a node is asked again that did not answer.
const probePause = 100 * time.Millisecond

// notice is told that a reply of c is late. Whether the node answers elsewhere is found out
// on a connection of its own.
func (p *Peer) notice(c *Conn, turn int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.work.Go(func() { p.probe(c, turn) })
}

// probe asks the node, as long as c is late, until it answers: then c is held up. A node
// that answers nowhere is busy, or away, and nothing is gained by going elsewhere.
func (p *Peer) probe(c *Conn, turn int64) {
	for c.StillLate(turn) {
		if p.ping() == nil {
			c.HoldUp(turn)
			return
		}
		select {
		case <-time.After(probePause):
		case <-p.ctx.Done():
			return
		}
	}
}

// ping asks the node for a sign of life.
func (p *Peer) ping() error {
	c, err := p.takeProber()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(p.ctx, time.Second)
	defer cancel()
	err = c.step(ctx, "PING", "PING")
	if refusal, ok := err.(*HandshakeError); ok && refusal != nil {
		err = nil // a refusal is life too
	}
	p.returnProber(c, err == nil)
	return err
}

// takeProber returns the connection for probes, which is the caller's then.
func (p *Peer) takeProber() (*Conn, error) {
	p.mu.Lock()
	c := p.prober
	p.prober = nil
	p.mu.Unlock()
	if c != nil && !c.Gone() {
		return c, nil
	}
	return p.connect(p.ctx, borrowedBuffer, nil)
}

// returnProber keeps the connection for the next probe, if it is of use.
func (p *Peer) returnProber(c *Conn, usable bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !usable || p.prober != nil || p.closed {
		c.fail(ErrClosed)
		return
	}
	p.prober = c
}
