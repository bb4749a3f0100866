package wire

import (
	"net"
	"slices"
	"time"
)

// inFlight is how many bytes of unanswered requests may be written by callers. It is below
// the buffers of a socket: such a Write does not block. What is beyond a goroutine of its
// own writes, since a peer may not read on before somebody reads its replies.
const inFlight = 64 << 10

// slice is how much that goroutine writes at once. It is more than Copied.
const slice = 256 << 10

// Copied is the size up to which requests are copied behind others, and of what they are
// copied to.
const Copied = 64 << 10

// A segment is bytes to be written: of many small exchanges, or of one large.
type segment struct {
	bytes []byte
	size  int    // of bytes, those included that were taken back
	own   bool   // more may be appended
	voids []span // what was taken back, but is still in bytes

	voidBytes int // how much was taken back
}

// A span is from one offset to another.
type span struct{ from, to int }

// withoutVoids returns what is to be written.
func (s *segment) withoutVoids() []byte {
	if len(s.voids) == 0 {
		return s.bytes
	}
	slices.SortFunc(s.voids, func(a, b span) int { return a.from - b.from })
	kept, at := s.bytes[:0], 0
	for _, v := range s.voids {
		kept = append(kept, s.bytes[at:v.from]...)
		at = v.to
	}
	return append(kept, s.bytes[at:]...)
}

// Submit sends the requests of x. It does not wait for the peer. An error means that
// nothing was sent: the connection has ended, or, ErrHeldUp, is held up just now and x is
// Movable. Afterwards the caller must call Wait.
func (c *Conn) Submit(x *Exchange) error {
	c.mu.Lock()
	x.submitted = time.Time{}
	if c.queue.empty() {
		x.submitted = time.Now()
		if c.rested(x.submitted) {
			c.look()
		}
	}
	if err := c.refusal(x); err != nil {
		c.mu.Unlock()
		return err
	}
	x.start = c.appended
	c.submits++
	c.appended += int64(len(x.Request))
	c.append(x.Request)
	c.queue.push(x)
	if x.Prompt && c.reading {
		c.expect()
		c.enqueue(x)
		x.enlisted = true
	}
	if c.writing {
		c.mu.Unlock()
		return nil
	}
	c.writing = true
	c.write(x)
	c.mu.Unlock()
	return nil
}

// end returns where the requests of x end.
func (c *Conn) end(x *Exchange) int64 { return x.start + int64(len(x.Request)) }

// append queues bytes to be written. c.mu is held.
func (c *Conn) append(request []byte) {
	n := len(request)
	if n > Copied {
		c.out = append(c.out, segment{bytes: request, size: n})
		return
	}
	if last := len(c.out) - 1; last >= 0 && c.out[last].own && c.out[last].size+n <= Copied {
		s := &c.out[last]
		s.bytes = append(s.bytes, request...)
		s.size += n
		return
	}
	c.out = append(c.out, segment{bytes: append(c.takeSpare(), request...), size: n, own: true})
}

// takeBack removes x, of which nothing was handed to the connection, from what is to be
// written and from those that wait for replies. c.mu is held.
func (c *Conn) takeBack(x *Exchange) {
	at, n := int(x.start-c.handed), len(x.Request)
	for i := range c.out {
		s := &c.out[i]
		if at >= s.size {
			at -= s.size
			continue
		}
		if s.voidBytes += n; s.voidBytes == s.size {
			s.bytes, s.voids, s.own = nil, nil, false // nobody needs it any more
		} else {
			s.voids = append(s.voids, span{at, at + n})
		}
		break
	}
	if c.queue.front() == x {
		c.progress = time.Now() // the next one was not the first so far
	}
	x.unsent = true
	c.queue.took()
}

// takeSpare returns a buffer that was written, to be filled again. c.mu is held.
func (c *Conn) takeSpare() []byte {
	spare := c.spare
	c.spare = nil
	return spare
}

// write writes, as holder of the writer's role, until nothing is left. When x is out, or if
// that may block, the rest is left to a goroutine; but one who would now wait for the reply
// to x goes on writing for others until that is there. c.mu is held, but while it writes.
func (c *Conn) write(x *Exchange) {
	for len(c.out) > 0 {
		if c.queue.front() != x {
			c.gather(&c.writeYield)
		}
		if len(c.out) == 0 {
			break // the connection has ended
		}
		done := c.handed >= c.end(x) && (!x.Prompt || x.complete() || x.reader)
		if done || c.opts.Unbuffered || c.wouldExceed() {
			c.work.Go(c.writeAll)
			return
		}
		batch := c.takeOut()
		c.mu.Unlock()
		err := c.send(batch)
		c.mu.Lock()
		c.sent(batch, err)
	}
	c.writing = false
}

// wouldExceed reports whether writing what is queued might block. c.mu is held.
func (c *Conn) wouldExceed() bool {
	answered := c.handed
	if front := c.queue.front(); front != nil {
		answered = min(front.start, c.handed)
	}
	size := c.handed - answered
	for _, s := range c.out {
		size += int64(s.size)
	}
	return size > inFlight
}

// takeOut takes all that is queued. c.mu is held.
func (c *Conn) takeOut() []segment {
	batch := c.out
	c.out, c.spareOut = c.spareOut, nil
	c.hand(batch)
	return batch
}

// takeSlice takes the first slice of what is queued. c.mu is held.
func (c *Conn) takeSlice() []segment {
	if large := &c.out[0]; len(large.bytes) > slice {
		batch := []segment{{bytes: large.bytes[:slice], size: slice}}
		large.bytes = large.bytes[slice:]
		large.size -= slice
		c.hand(batch)
		return batch
	}
	n := 0
	for size := 0; n < len(c.out); n++ {
		if size += len(c.out[n].bytes); size > slice {
			break
		}
	}
	batch := slices.Clone(c.out[:n])
	c.out = slices.Delete(c.out, 0, n)
	c.hand(batch)
	return batch
}

// hand counts a batch as handed to Write. c.mu is held.
func (c *Conn) hand(batch []segment) {
	for _, s := range batch {
		c.handed += int64(s.size)
	}
}

// writeAll is the goroutine that writes what may block. It has the writer's role until
// nothing is left.
func (c *Conn) writeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.out) > 0 {
		c.gather(&c.writeYield)
		if len(c.out) == 0 {
			break // the connection has ended
		}
		begin := c.handed
		batch := c.takeSlice()
		c.mu.Unlock()
		err := c.send(batch)
		c.mu.Lock()
		c.sent(batch, err)
		c.advance(begin)
	}
	c.writing = false
}

// advance notes that what begins at begin was written: a node that is still reading what it
// is to reply to first was not silent so far. c.mu is held.
func (c *Conn) advance(begin int64) {
	if front := c.queue.front(); front != nil && c.end(front) > begin {
		c.progress = time.Now()
	}
}

// send writes a batch.
func (c *Conn) send(batch []segment) error {
	c.limitWrite()
	if len(batch) == 1 {
		return c.writeBytes(batch[0].withoutVoids())
	}
	buffers := make(net.Buffers, 0, len(batch))
	for i := range batch {
		if bytes := batch[i].withoutVoids(); len(bytes) > 0 {
			buffers = append(buffers, bytes)
		}
	}
	_, err := buffers.WriteTo(c.nc)
	return err
}

func (c *Conn) writeBytes(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	_, err := c.nc.Write(p)
	return err
}

// limitWrite bounds the Write that follows: by the write timeout, or up to half as long
// again, since to set a deadline costs something.
func (c *Conn) limitWrite() {
	if c.opts.WriteTimeout <= 0 {
		return
	}
	if now := time.Now(); c.writeBy.Sub(now) < c.opts.WriteTimeout {
		c.writeBy = now.Add(c.opts.WriteTimeout + c.opts.WriteTimeout/2)
		_ = c.nc.SetWriteDeadline(c.writeBy)
	}
}

// sent follows a Write. An error ends the connection: how much of the batch arrived is
// unknown. Its first buffer is kept for the next batch. c.mu is held.
func (c *Conn) sent(batch []segment, err error) {
	if err != nil {
		c.failLocked(err)
		return
	}
	if s := batch[0]; s.own && cap(s.bytes) <= 2*Copied && c.spare == nil {
		c.spare = s.bytes[:0]
	}
	clear(batch)
	if cap(batch) <= 64 && c.spareOut == nil {
		c.spareOut = batch[:0]
	}
}
