package wire

import "time"

// quiet is how long nobody reads before the watcher does.
const quiet = 50 * time.Millisecond

// watch reads while nobody waits for a reply, after a moment of quiet. So the end of the
// connection is noticed, what the node pushes is taken, and the replies that nobody wants
// any more are. While a caller reads for long the watcher is parked. In a crowd it only takes
// replies that nobody wants.
func (c *Conn) watch() {
	timer := time.NewTimer(quiet)
	defer timer.Stop()
	turns := int64(0)
	for {
		select {
		case <-timer.C:
		case <-c.unpark:
			timer.Reset(quiet)
			continue
		case <-c.ended:
			return
		}
		took, parked := c.takeOver(&turns)
		if took {
			c.readIdle()
		}
		if !parked {
			timer.Reset(quiet)
		}
	}
}

// takeOver takes the reader's role, if nobody has it, and no caller had it since the last
// time. If one has it the watcher is parked: it is told when the role is laid down.
func (c *Conn) takeOver(turns *int64) (took, parked bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	still := c.turns == *turns
	*turns = c.turns
	if c.reading {
		c.parked = true
		return false, true
	}
	if !still || c.cause != nil || c.queue.empty() && c.opts.Crowd.is(time.Now()) {
		return false, false // in a crowd, to be woken by the watcher would cost a caller a turn more
	}
	c.reading, c.watcher = true, true
	c.turns++
	*turns = c.turns
	return true, false
}

// readIdle reads until somebody waits, or there is no more to read of what was asked: the
// callers read on by themselves.
func (c *Conn) readIdle() {
	for {
		idle := c.prepareIdle()
		c.read()
		if c.stopIdle(idle) {
			return
		}
	}
}

// prepareIdle sets how long the watcher reads, and reports whether it expects nothing.
func (c *Conn) prepareIdle() (idle bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	idle = c.queue.empty()
	c.limited = !idle
	c.limitRead()
	return idle
}

// stopIdle lays the watcher's role down, if it is time to.
func (c *Conn) stopIdle(wasIdle bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	idle := c.queue.empty()
	if c.cause == nil && c.waiters == 0 && (wasIdle || !idle) {
		return false
	}
	c.watcher = false
	c.handOn()
	return true
}

// expect makes the watcher, if it reads, give the connection up when it is silent: it began
// to read when there was nothing to expect. Once is enough: what it expects changes only
// by what it reads, and who comes later must not defer it. c.mu is held.
func (c *Conn) expect() {
	if c.watcher && !c.limited {
		c.limited = true
		c.limitRead()
	}
}
