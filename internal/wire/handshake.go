package wire

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// A Handshake is what is agreed on before a connection carries requests.
type Handshake struct {
	// Protocol is the version in which the node is to reply. RESP3 becomes RESP2 if the
	// node does not know it. Defaults to RESP2.
	Protocol resp.Protocol

	// Credentials returns what to authenticate with, for each connection anew. Without a
	// password there is no authentication, without a user name it is that of the default
	// user. Defaults to none.
	Credentials func(ctx context.Context) (user, password string, err error)

	// ClientName is the name that the connection has at the node. Defaults to none.
	ClientName string

	// ReadOnly is for connections to replicas: reads are served there.
	ReadOnly bool
}

// A HandshakeError says at which step a node has refused a connection, and its answer.
type HandshakeError struct {
	Step   string // HELLO, AUTH, CLIENT SETNAME or READONLY
	Answer string // of the node, such as "WRONGPASS invalid username-password pair"
}

func (e *HandshakeError) Error() string { return e.Step + ": " + e.Answer }

// Open makes a Conn of nc, past its handshake, and returns the version in which the node
// replies. If it fails it closes nc. What a node refuses is a *HandshakeError; no error
// holds the credentials.
func Open(ctx context.Context, nc net.Conn, h Handshake, opts Options) (*Conn, resp.Protocol, error) {
	late := opts.Late
	opts.Late = nil // nobody else waits for a handshake
	c := NewConn(nc, opts)
	protocol, err := h.perform(ctx, c)
	if err != nil {
		c.Close()
		return nil, 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opts.Late = late
	return c, protocol, nil
}

// perform does the steps that are needed.
func (h *Handshake) perform(ctx context.Context, c *Conn) (protocol resp.Protocol, err error) {
	var user, password string
	if h.Credentials != nil {
		if user, password, err = h.ask(ctx); err != nil {
			return 0, fmt.Errorf("credentials: %w", err)
		}
		c.as = login{user, password}
	}
	protocol = resp.RESP2
	if h.Protocol == resp.RESP3 {
		greeted, err := h.hello(ctx, c, user, password)
		if err != nil {
			return 0, err
		}
		if greeted {
			protocol, password = resp.RESP3, "" // it has it
		}
	}
	named := protocol == resp.RESP3
	for _, s := range []struct {
		needed bool
		name   string
		args   []any
	}{
		{password != "" && user == "", "AUTH", []any{"AUTH", password}},
		{password != "" && user != "", "AUTH", []any{"AUTH", user, password}},
		{h.ClientName != "" && !named, "CLIENT SETNAME", []any{"CLIENT", "SETNAME", h.ClientName}},
		{h.ReadOnly, "READONLY", []any{"READONLY"}},
	} {
		if !s.needed {
			continue
		}
		if err := c.step(ctx, s.name, s.args...); err != nil {
			return 0, err
		}
	}
	return protocol, nil
}

// ask asks for the credentials. It does not wait for who does not obey ctx.
func (h *Handshake) ask(ctx context.Context) (user, password string, err error) {
	type answer struct {
		login
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		user, password, err := h.Credentials(ctx)
		answers <- answer{login{user, password}, err}
	}()
	select {
	case a := <-answers:
		return a.user, a.password, a.err
	case <-ctx.Done():
		return "", "", ctx.Err()
	}
}

// hello asks for RESP3, authenticates and names the connection in one. It reports false if
// the node does not know how.
func (h *Handshake) hello(ctx context.Context, c *Conn, user, password string) (greeted bool, err error) {
	args := []any{"HELLO", 3}
	if password != "" {
		if user == "" {
			user = "default"
		}
		args = append(args, "AUTH", user, password)
	}
	if h.ClientName != "" {
		args = append(args, "SETNAME", h.ClientName)
	}
	err = c.step(ctx, "HELLO", args...)
	if refusal, ok := err.(*HandshakeError); ok && lacksHello(refusal.Answer) {
		return false, nil
	}
	return err == nil, err
}

// lacksHello reports whether a node says that it has no HELLO, or none with RESP3.
func lacksHello(answer string) bool {
	return strings.HasPrefix(answer, "ERR unknown command") || strings.HasPrefix(answer, "NOPROTO")
}

// step sends one command of a handshake and reads its reply.
func (c *Conn) step(ctx context.Context, name string, args ...any) error {
	request, err := resp.AppendRequest(nil, args)
	if err != nil {
		return err
	}
	x := &Exchange{Request: request}
	if err := c.Submit(x); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := c.Wait(ctx, x); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if reply := string(x.Reply(0)); resp.Kind(reply[0]) == resp.Error {
		answer, _, _ := strings.Cut(strings.TrimRight(reply[1:], "\r\n"), ", with args") // which quotes secrets
		return &HandshakeError{name, answer}
	}
	return nil
}
