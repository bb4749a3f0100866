package realcluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Do sends one command to one node and returns the reply as go-redis decodes it
// from RESP2. Each call has a connection of its own, so a command that changes
// its connection (ASKING, MULTI, READONLY) does nothing for the next.
//
// An error reply, nil included, is returned as it is, a redis.Error. Any other
// error means that there was no reply; it wraps that of ctx if ctx has ended.
func (c *Cluster) Do(ctx context.Context, addr string, args ...any) (any, error) {
	n, err := c.lookup(addr)
	var reply any
	if err == nil {
		reply, err = c.roundTrip(ctx, n, args)
	}
	if err != nil && !isReply(err) {
		err = fmt.Errorf("realcluster: %s to %s: %w", commandName(args), addr, err)
	}
	return reply, err
}

// call is Do for the package's own commands: every error names command and node.
func (c *Cluster) call(ctx context.Context, n *node, args ...any) (any, error) {
	reply, err := c.roundTrip(ctx, n, args)
	if err != nil {
		return nil, fmt.Errorf("%s to %s: %w", commandName(args), n.addr, err)
	}
	return reply, nil
}

// roundTrip dials for each command: then there is no connection that a Kill or a
// Restart could leave stale, and closing it ends the wait when ctx does, which
// go-redis alone would not notice while it reads.
func (c *Cluster) roundTrip(ctx context.Context, n *node, args []any) (any, error) {
	if len(args) == 0 {
		return nil, errors.New("nothing to send") // a server would wait for more
	}
	conn, err := dial(ctx, n.addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()

	client := redis.NewClient(c.clientOptions(conn))
	defer client.Close()
	reply, err := client.Do(ctx, args...).Result()
	if ctx.Err() != nil && err != nil && !isReply(err) {
		err = ctx.Err()
	}
	return reply, err
}

// dial connects without lingering: polling would otherwise leave thousands of
// ports in TIME_WAIT.
func dial(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	_ = conn.(*net.TCPConn).SetLinger(0) // fails only if the connection is broken, as its use will
	return conn, nil
}

func (c *Cluster) clientOptions(conn net.Conn) *redis.Options {
	return &redis.Options{
		Addr:                     conn.RemoteAddr().String(),
		Dialer:                   func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		Password:                 c.cfg.Password,
		Protocol:                 2,
		DisableIdentity:          true,
		MaxRetries:               -1,
		DialerRetries:            1,
		PoolSize:                 1,
		ReadTimeout:              -1, // ctx bounds the call
		WriteTimeout:             -1,
		ReadBufferSize:           4096,
		WriteBufferSize:          4096,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// isReply reports whether err is what the server answered.
func isReply(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply)
}

// commandName names a command for an error: CLUSTER commands with their first
// arguments, others without any, since those may hold a password.
func commandName(args []any) string {
	if len(args) == 0 {
		return "an empty command"
	}
	if args[0] != "CLUSTER" {
		return fmt.Sprint(args[0])
	}
	words := args[:min(len(args), 4)]
	return strings.TrimSuffix(fmt.Sprintln(words...), "\n")
}

// info returns the fields of one section of INFO.
func (c *Cluster) info(ctx context.Context, n *node, section string) (map[string]string, error) {
	reply, err := c.call(ctx, n, "INFO", section)
	if err != nil {
		return nil, err
	}
	return fields(reply)
}

// fields parses the "name:value" lines of INFO and CLUSTER INFO.
func fields(reply any) (map[string]string, error) {
	text, ok := reply.(string)
	if !ok {
		return nil, fmt.Errorf("unexpected reply %T", reply)
	}
	m := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			m[name] = value
		}
	}
	return m, nil
}

const pollInterval = 20 * time.Millisecond

// poll calls try until it is done, and returns what try then returns. If ctx ends
// before, the error wraps that of ctx and the last reason why try was not done.
func poll(ctx context.Context, try func(context.Context) (done bool, why error)) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	var last error
	for {
		done, why := try(ctx)
		if done {
			return why
		}
		// At the end of ctx an attempt fails for that reason alone; a dial may
		// notice the deadline a little before ctx does.
		cut := ctx.Err() != nil || errors.Is(why, context.DeadlineExceeded)
		if !cut || last == nil {
			last = why
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; last: %w", ctx.Err(), last)
		case <-tick.C:
		}
	}
}
