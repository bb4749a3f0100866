package routing

import (
	"cmp"
	"context"
	"errors"
	"net"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/slotmesh/slotmesh/internal/resp"
	"github.com/slotmesh/slotmesh/internal/wire"
)

// peerOptions are go-redis's options as the connections know them.
func peerOptions(o *redis.Options, crowd *wire.Crowd) wire.PeerOptions {
	read := timeout(o.ReadTimeout, 3*time.Second)
	return wire.PeerOptions{
		Dial:        dialer(o),
		DialTimeout: timeout(o.DialTimeout, defaultDialTimeout),
		Handshake: wire.Handshake{
			Protocol:    respVersion(o.Protocol),
			Credentials: credentials(o),
			ClientName:  o.ClientName,
		},
		ReadTimeout:   read,
		WriteTimeout:  timeout(o.WriteTimeout, read),
		MaxBorrowed:   maxBorrowed,
		BorrowTimeout: timeout(o.PoolTimeout, read+time.Second),
		Crowd:         crowd,
	}
}

// maxBorrowed is how many connections to one node commands may hold that block, or that
// are not known well enough to share one.
const maxBorrowed = 1000

// defaultDialTimeout is that of go-redis.
const defaultDialTimeout = 5 * time.Second

// timeout is one of go-redis's: 0 is the default, a negative one none.
func timeout(d, byDefault time.Duration) time.Duration { return max(0, cmp.Or(d, byDefault)) }

// respVersion is RESP3 unless RESP2 is asked for.
func respVersion(version int) resp.Protocol {
	if version == 2 {
		return resp.RESP2
	}
	return resp.RESP3
}

// dialer returns what opens connections to the node, as go-redis would.
func dialer(o *redis.Options) func(context.Context) (net.Conn, error) {
	network := cmp.Or(o.Network, "tcp")
	dial := o.Dialer
	if dial == nil {
		with := *o
		with.DialTimeout = timeout(o.DialTimeout, defaultDialTimeout)
		dial = redis.NewDialer(&with)
	}
	return func(ctx context.Context) (net.Conn, error) {
		nc, err := dial(ctx, network, o.Addr)
		if err == nil && nc == nil {
			err = errors.New("the dialer returned no connection")
		}
		return nc, err
	}
}

// credentials returns what tells a new connection whom to authenticate as, nil if nobody.
func credentials(o *redis.Options) func(context.Context) (user, password string, err error) {
	switch {
	case o.CredentialsProviderContext != nil:
		return o.CredentialsProviderContext
	case o.CredentialsProvider != nil:
		return func(context.Context) (string, string, error) {
			user, password := o.CredentialsProvider()
			return user, password, nil
		}
	case o.Password != "":
		return func(context.Context) (string, string, error) { return o.Username, o.Password, nil }
	default:
		return nil
	}
}
