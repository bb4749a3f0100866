//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package wire

import "syscall"

// peek looks at a socket, and takes nothing from it.
func peek(raw syscall.RawConn) sight {
	seen := quietSocket
	var one [1]byte
	err := raw.Control(func(fd uintptr) {
		// The socket does not block: Go has made it so.
		n, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK)
		switch {
		case n > 0:
			seen = pendingBytes
		case err == nil:
			seen = endOfStream
		case err != syscall.EAGAIN && err != syscall.EINTR:
			seen = endOfStream
		}
	})
	if err != nil {
		return endOfStream
	}
	return seen
}
