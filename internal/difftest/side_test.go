package difftest

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// A side is one of the two deployments, with names for what differs from the other
// for no reason that matters: node n is <id n>, and listens at <host n> <port n>.
type side struct {
	addrs []string
	ids   [nodes]string
	ports map[string]string // the name of each port

	requests, replies *strings.Replacer // from names to what they stand for, and back

	// epochs holds the epoch of each node at the start. A cluster that was used
	// before cannot go back to the first one.
	epochs [nodes]int64

	conns map[place]*conn
}

func newSide(d deployment) (*side, error) {
	s := &side{addrs: d.Addrs(), ports: map[string]string{}, conns: map[place]*conn{}}
	if len(s.addrs) != nodes {
		return nil, fmt.Errorf("%d addresses, not %d", len(s.addrs), nodes)
	}
	if err := s.learn(); err != nil {
		s.close()
		return nil, err
	}
	s.makeNames()
	return s, nil
}

// learn asks the nodes what they are called here.
func (s *side) learn() error {
	for i, addr := range s.addrs {
		raw, err := s.do(i, "CLUSTER", "MYID")
		if err != nil {
			return err
		}
		s.ids[i] = parse(raw).text
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return err
		}
	}
	return nil
}

// makeNames decides what to call them.
func (s *side) makeNames() {
	var requests, replies []string
	for i, addr := range s.addrs {
		host, port, _ := net.SplitHostPort(addr) // learn has checked it
		s.ports[port] = portName(i)
		requests = append(requests, idName(i), s.ids[i], hostName(i), host, portName(i), port)
		replies = append(replies, s.ids[i], idName(i), addr, "<addr"+strconv.Itoa(i+1)+">")
	}
	s.requests = strings.NewReplacer(requests...)
	s.replies = strings.NewReplacer(replies...)
}

func idName(node int) string   { return "<id" + strconv.Itoa(node+1) + ">" }
func hostName(node int) string { return "<host" + strconv.Itoa(node+1) + ">" }
func portName(node int) string { return "<port" + strconv.Itoa(node+1) + ">" }

// host returns the host of the nodes, which all have the same.
func (s *side) host() string {
	host, _, _ := net.SplitHostPort(s.addrs[0]) // learn has checked it
	return host
}

// do runs one command on a connection that no other command has changed.
func (s *side) do(node int, args ...string) ([]byte, error) {
	c, err := s.conn(place{node, clean})
	if err != nil {
		return nil, err
	}
	if err := c.send(appendCommand(nil, command{args: args})); err != nil {
		return nil, err
	}
	return c.receive()
}

// conn returns the connection at p, a new one if there is none.
func (s *side) conn(p place) (*conn, error) {
	if c := s.conns[p]; c != nil {
		return c, nil
	}
	c, err := dial(s.addrs[p.node])
	if err == nil {
		s.conns[p] = c
	}
	return c, err
}

// drop closes the connection at p, so that the next one is new.
func (s *side) drop(p place) {
	if c := s.conns[p]; c != nil {
		c.Close()
		delete(s.conns, p)
	}
}

func (s *side) close() {
	for p := range s.conns {
		s.drop(p)
	}
}
