package transport

import "net"

// A Link is what lies between a node and its peers: In is the gate for what it
// reads, Out the one for what it writes. Often they are the same; one of them alone
// is a network that loses one direction. A nil gate is always open. Links nest: what
// is wrapped twice passes when all gates are open.
//
// While a gate is shut a connection stays as TCP keeps it while packets are
// dropped, and sent again, and dropped:
//
//   - Reads return no data, and not that the peer has closed or reset the
//     connection. Both are there once the gate is open.
//   - Writes succeed until 256 KiB wait, and then block. All of that is sent, in
//     order, once the gate is open, and later Writes behind it.
//   - Deadlines pass as ever. Close returns at once and ends Reads and Writes here;
//     the peer learns of it, after what was written, once the gate is open.
//   - [Reset] is felt by the peer at once, shut or not. What a shut gate held back
//     is lost. So it leaves nothing behind.
//
// A dial to a node with a shut gate succeeds, since a listener has a backlog: what
// it gets is a connection where nothing comes back.
type Link struct {
	In, Out *Gate
}

// Wrap returns conn, as it is to be used behind the gates of l. With them open it
// costs a few atomic operations for each Read or Write.
//
// The gates keep it until it is closed. It runs no goroutine, but for the time
// after Open that it takes to send what was held back.
func (l Link) Wrap(conn net.Conn) net.Conn {
	if l.In == nil && l.Out == nil {
		return conn
	}
	c := &gated{Conn: conn, link: l}
	c.init()
	l.In.add(c)
	l.Out.add(c)
	return c
}
