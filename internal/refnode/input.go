package refnode

import (
	"errors"
	"net"
	"os"
	"time"
)

// maxAhead is how much is read of a client that waits for a reply.
const maxAhead = 4 << 20

// An input reads from a connection. While its reader is busy elsewhere it can be watched:
// then it reads ahead, so that the end of the connection is noticed.
type input struct {
	conn  net.Conn
	lost  func() // called when the connection ends while it is watched
	ahead []byte
	err   error
}

// Read reads what was read ahead, then from the connection.
func (i *input) Read(p []byte) (int, error) {
	if len(i.ahead) > 0 {
		n := copy(p, i.ahead)
		i.ahead = i.ahead[n:]
		return n, nil
	}
	if i.err != nil {
		return 0, i.err
	}
	return i.conn.Read(p)
}

// watch reads ahead until stop is called, which must be before the next Read.
func (i *input) watch() (stop func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		i.readAhead()
	}()
	return func() {
		_ = i.conn.SetReadDeadline(time.Unix(1, 0))
		<-done
		_ = i.conn.SetReadDeadline(time.Time{})
	}
}

func (i *input) readAhead() {
	buf := make([]byte, 16<<10)
	for i.err == nil && len(i.ahead) < maxAhead {
		n, err := i.conn.Read(buf)
		i.ahead = append(i.ahead, buf[:n]...)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		if err != nil {
			i.err = err
			i.lost()
		}
	}
}
