//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package wire

import "syscall"

// peek looks at the socket, and takes nothing from it. It does not block: Go has made it so.
func (p *peeker) peek(fd uintptr) {
	n, _, err := syscall.Recvfrom(int(fd), p.one[:], syscall.MSG_PEEK)
	switch {
	case n > 0:
		p.seen = pendingBytes
	case err == syscall.EAGAIN, err == syscall.EINTR:
		p.seen = quietSocket
	default:
		p.seen = endOfStream
	}
}
