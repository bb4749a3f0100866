//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package wire

// peek sees nothing on this system: that a connection has ended while nobody read is noticed
// by the watcher, a moment later.
func (p *peeker) peek(uintptr) { p.seen = quietSocket }
