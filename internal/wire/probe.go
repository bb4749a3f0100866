package wire

import (
	"context"
	"slices"
	"time"
)

// probePause is how long to wait before a node is asked again that did not answer.
const probePause = 100 * time.Millisecond

// probeTimeout is how long it has to answer.
const probeTimeout = time.Second

// An overdue is a reply that is late.
type overdue struct {
	conn *Conn
	turn int64
}

// notice is told that a reply of c is late. Whether the node answers elsewhere is found out
// on a connection of its own.
func (p *Peer) notice(c *Conn, turn int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.late = append(p.late, overdue{c, turn})
	if !p.probing {
		p.probing = true
		p.work.Go(p.probe)
	}
}

// probe asks the node, as long as replies are late, until it answers: then their connections
// are held up. A node that answers nowhere is busy, or away, and nothing is gained by going
// elsewhere.
func (p *Peer) probe() {
	for p.stillLate() {
		if p.ping() == nil {
			for _, l := range p.takeLate() {
				l.conn.HoldUp(l.turn)
			}
			continue
		}
		select {
		case <-time.After(probePause):
		case <-p.ctx.Done():
			return
		}
	}
}

// stillLate forgets the replies that have come, and reports whether any is late. If none is
// the probe is over.
func (p *Peer) stillLate() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.late = slices.DeleteFunc(p.late, func(l overdue) bool { return !l.conn.StillLate(l.turn) })
	p.probing = len(p.late) > 0
	return p.probing
}

func (p *Peer) takeLate() []overdue {
	p.mu.Lock()
	defer p.mu.Unlock()
	late := p.late
	p.late = nil
	return late
}

// ping asks the node for a sign of life.
func (p *Peer) ping() error {
	ctx, cancel := context.WithTimeout(p.ctx, probeTimeout)
	defer cancel()
	c, err := p.takeProber(ctx)
	if err != nil {
		return err
	}
	err = c.step(ctx, "PING", "PING")
	if refusal, ok := err.(*HandshakeError); ok && refusal != nil {
		err = nil // a refusal is life too
	}
	p.returnProber(c, err == nil)
	return err
}

// takeProber returns the connection for probes, which is the caller's then.
func (p *Peer) takeProber(ctx context.Context) (*Conn, error) {
	p.mu.Lock()
	c := p.prober
	p.prober = nil
	p.mu.Unlock()
	if c != nil && !c.Gone() {
		return c, nil
	}
	return p.connect(ctx, borrowedBuffer, nil)
}

// returnProber keeps the connection for the next probe, if it is of use.
func (p *Peer) returnProber(c *Conn, usable bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !usable || p.prober != nil || p.closed || c.born != p.generation {
		c.fail(ErrClosed)
		return
	}
	p.prober = c
}
