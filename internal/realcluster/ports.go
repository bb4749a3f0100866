package realcluster

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are drawn from below the ranges that Linux (32768) and macOS (49152)
// take the local ports of outgoing connections from. So nobody's connection can
// occupy the port of a node that is down, and a client that keeps dialing such a
// port never connects to itself.
const (
	minPort   = 10000
	maxPort   = 22000
	busOffset = 10000 // the bus listens on the client port + 10000
)

// freePort returns a port that can be bound now, and whose bus port can be too.
// Another process may take either before the server does; whoever starts a
// server must be ready to try again with another port.
func freePort() (int, error) {
	var err error
	for range 1000 {
		port := minPort + rand.IntN(maxPort-minPort)
		if err = errors.Join(bindable(port), bindable(port+busOffset)); err == nil {
			return port, nil
		}
	}
	return 0, err
}

func bindable(port int) error {
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		return err
	}
	return l.Close()
}

// loopback is the address of the node that listens on port.
func loopback(port int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}
