package wire

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Nor is one written to that was closed behind a last word.
func TestAConnectionClosedBehindAPushIsNotWrittenTo(t *testing.T) {
	for range 20 {
		onSockets(t, func(t *testing.T, s *socketPair) {
			s.exchanged(t)
			s.p.reply(">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n")
			require.NoError(t, s.p.Close())
			s.hasEnd(t)
			s.rests(t)
			s.refuses(t)
		})
	}
}

// hasEnd waits until the end of what the peer sends has arrived, whatever is to be read
// before it.
func (s *socketPair) hasEnd(t *testing.T) {
	t.Helper()
	raw, err := s.sent.SyscallConn()
	require.NoError(t, err)
	const closeWait = 8
	require.Eventually(t, func() bool {
		state := 0
		err := raw.Control(func(fd uintptr) {
			info, _ := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_INFO)
			state = info & 0xff
		})
		return err != nil || state == closeWait
	}, 10*time.Second, 50*time.Microsecond)
}
