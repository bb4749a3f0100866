package transport

import (
	"io"
	"net"
	"os"
	"syscall"
)

// A stream is one direction of a connection in memory. Its errors are bare: the
// connection wraps them.
type stream struct {
	monitor
	bytes ring

	// A Write that filled the ring goes on when half of it is free, not for every
	// byte that is read.
	stalled bool
	writing bool // a Write is under way: the next one waits, so that none is torn

	readBy, writeBy deadline

	readErr  error // what Reads get once the ring is empty
	writeErr error // what Writes get
}

// read waits for bytes, and moves to p what is there.
func (s *stream) read(p []byte) (int, error) {
	s.Lock()
	defer s.Unlock()
	for {
		switch {
		case s.readErr == net.ErrClosed:
			return 0, s.readErr
		case len(p) == 0:
			return 0, nil
		case s.readBy.passed():
			return 0, os.ErrDeadlineExceeded
		case s.bytes.n > 0:
			return s.take(p), nil
		case s.readErr != nil:
			return 0, s.readErr
		}
		s.sleep(&s.readBy)
	}
}

func (s *stream) take(p []byte) int {
	n := s.bytes.take(p)
	if s.stalled && s.bytes.n <= capacity/2 {
		s.stalled = false
		s.changed.Broadcast()
	}
	return n
}

// write returns when all of p is in the ring, or with an error and how much of it is.
func (s *stream) write(p []byte) (n int, err error) {
	s.Lock()
	defer s.Unlock()
	for s.writing {
		if err := s.writable(); err != nil {
			return 0, err
		}
		s.sleep(&s.writeBy)
	}
	s.writing = true
	defer s.written()
	for {
		if err := s.writable(); err != nil {
			return n, err
		}
		if !s.stalled {
			n += s.bytes.put(p[n:])
			s.stalled = s.bytes.n == capacity
		}
		if n == len(p) {
			return n, nil
		}
		s.changed.Broadcast() // the reader, for what is in so far
		s.sleep(&s.writeBy)
	}
}

// writable returns why a Write fails, nil if it does not.
func (s *stream) writable() error {
	if s.writeErr == nil && s.writeBy.passed() {
		return os.ErrDeadlineExceeded
	}
	return s.writeErr
}

// written ends a Write, for the reader and the next Write.
func (s *stream) written() {
	s.writing = false
	s.changed.Broadcast()
}

// closeReader closes the end that reads, and returns whether it leaves bytes
// unread. TCP answers those, and all that comes later, with a reset.
func (s *stream) closeReader(reset bool) (unread bool) {
	s.Lock()
	defer s.Unlock()
	unread = s.bytes.n > 0
	s.bytes = ring{}
	s.readErr = net.ErrClosed
	s.readBy.drop()
	if s.writeErr == nil {
		s.writeErr = syscall.EPIPE
		if reset || unread {
			s.writeErr = syscall.ECONNRESET
		}
	}
	s.changed.Broadcast()
	return unread
}

// closeWriter closes the end that writes: Writes fail with local. Reads drain the
// stream, and then end with io.EOF, or a reset.
func (s *stream) closeWriter(local error, reset bool) {
	s.Lock()
	defer s.Unlock()
	s.writeErr = local
	s.writeBy.drop()
	switch {
	case reset && (s.readErr == nil || s.readErr == io.EOF):
		s.readErr = syscall.ECONNRESET
	case s.readErr == nil:
		s.readErr = io.EOF
	}
	s.changed.Broadcast()
}
