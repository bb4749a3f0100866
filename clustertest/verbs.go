package clustertest

import (
	"context"
	"fmt"
	"time"
)

// Kill ends the node at addr as a crash would: its connections break, new ones are
// refused, its data is gone. Killing a node that is down does nothing.
//
// Nobody takes over by itself: see Promote.
func (c *Cluster) Kill(addr string) error {
	m, err := c.member(addr)
	if err != nil {
		return err
	}
	wasUp, err := m.stop()
	if wasUp {
		c.log.add("%s was killed", addr)
	}
	return err
}

// Restart starts the node at addr again, at the same address and as the same member of
// the cluster, but without data; a replica gets them again from its master. A node that
// is up is killed first.
//
// A master that was replaced while it was down comes back as a replica of the node that
// has its slots now.
func (c *Cluster) Restart(ctx context.Context, addr string) error {
	m, done, err := c.enter(ctx, addr)
	if err != nil {
		return err
	}
	defer done()
	if c.isClosed() {
		return fmt.Errorf("clustertest: restart %s: the cluster is closed", addr)
	}
	if _, err := m.stop(); err != nil {
		return err
	}
	c.brief(m)
	if err := m.start(ctx); err != nil {
		return err
	}
	c.spread()
	c.log.add("%s was started again", addr)
	return nil
}

// Pause stops the node at addr, as SIGSTOP would: connections stay, new ones are
// accepted, nothing is answered until Resume. Pausing it again does nothing.
func (c *Cluster) Pause(addr string) error {
	m, err := c.member(addr)
	if err != nil {
		return err
	}
	paused, err := m.pause()
	if paused {
		c.log.add("%s was paused", addr)
	}
	return err
}

// Resume lets a paused node go on. It does nothing to a node that is not paused.
func (c *Cluster) Resume(addr string) error {
	m, err := c.member(addr)
	if err != nil {
		return err
	}
	m.mu.Lock()
	resume := m.resume
	m.resume = nil
	m.mu.Unlock()
	if resume == nil {
		return nil
	}
	resume()
	c.spread()
	c.log.add("%s goes on", addr)
	return nil
}

// Latency makes the replies of the node at addr take d longer to reach clients, for
// requests that come from now on; 0 ends it. It is the way there and back: requests that
// follow each other closely do not add up.
func (c *Cluster) Latency(addr string, d time.Duration) error {
	_, node, err := c.up(addr)
	if err != nil {
		return err
	}
	node.SetLatency(d)
	c.log.add("%s has a latency of %v", addr, d)
	return nil
}

// Lag keeps the node at addr from hearing what the other nodes say about themselves, and
// them from hearing it, until CatchUp: it goes on with the map that it has. Its data and
// clients are not concerned.
func (c *Cluster) Lag(addr string) error { return c.setLag(addr, true) }

// CatchUp ends Lag.
func (c *Cluster) CatchUp(addr string) error { return c.setLag(addr, false) }

func (c *Cluster) setLag(addr string, lags bool) error {
	m, err := c.member(addr)
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.lags = lags
	m.mu.Unlock()
	c.log.add("%s %s", addr, map[bool]string{true: "lags", false: "catches up"}[lags])
	c.spread()
	return nil
}
