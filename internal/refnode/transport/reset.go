package transport

import "net"

// Reset closes conn so that its peer gets syscall.ECONNRESET, and what was not
// sent yet is lost. A gate does not hold it back. Of a connection that wraps
// another, such as *tls.Conn, it resets the innermost; one that it cannot reset it
// closes.
func Reset(conn net.Conn) error {
	for {
		switch inner := conn.(type) {
		case interface{ SetLinger(sec int) error }:
			if err := inner.SetLinger(0); err != nil {
				return err
			}
			return conn.Close()
		case interface{ NetConn() net.Conn }:
			conn = inner.NetConn()
		default:
			return conn.Close()
		}
	}
}
