package slotmesh

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/slotmesh/slotmesh/routing"
)

// Options make a Client. Fields that go-redis's ClusterOptions has too mean the same;
// their defaults, and what -1 does, are as told here. Printing Options shows no secret.
type Options struct {
	// Addrs are the seeds, host:port: nodes that the slot map is first asked of. One is
	// enough; more help when one is down.
	Addrs []string

	// Username and Password authenticate each connection. Default: none.
	Username string
	Password string
	// CredentialsProvider, if set, is asked at each new connection, in place of Username
	// and Password, and with each refresh of the slot map: if it says otherwise than before,
	// open connections authenticate again. It must be safe for concurrent use.
	CredentialsProvider func() (username, password string)
	// ClientName names each connection on the server. Default: none.
	ClientName string
	// Protocol is the version of RESP: 3, the default, or 2. A server that lacks HELLO
	// gets RESP2.
	Protocol int

	// TLSConfig turns TLS on. With an empty ServerName each node is verified by the host
	// of its own address.
	TLSConfig *tls.Config
	// Dialer opens connections in place of the default one, which obeys TLSConfig and
	// DialTimeout.
	Dialer func(ctx context.Context, network, addr string) (net.Conn, error)
	// Translate maps the address that the cluster gives for a node to the one that
	// reaches it, as NAT and forwarded ports need it. The seeds are dialled as they are. It
	// must be safe for concurrent use. Default: the address as it is.
	Translate func(addr string) string

	// DialTimeout bounds the opening of a connection. Defaults to 2 s. -1 disables.
	DialTimeout time.Duration
	// ReadTimeout is how long a connection on which replies are due may be silent before it
	// is given up, also under a context without a deadline. Blocking commands have the time
	// they ask for on top. Defaults to 5 s. -1 disables.
	ReadTimeout time.Duration
	// WriteTimeout bounds each write, which may take up to half as long again. Defaults to
	// ReadTimeout. -1 disables.
	WriteTimeout time.Duration

	// Retry says how often and how fast commands are sent again.
	Retry Retry
	// RefreshInterval is how often the slot map is loaded anew when nothing calls for it.
	// Defaults to 60 s. -1 disables.
	RefreshInterval time.Duration
	// Trace hooks are called on redirections, retries and changes of the slot map.
	// Default: none.
	Trace *routing.Trace
}

// Retry says how often and how fast one command is sent again. Redirections and
// retries are counted apart, and the context's deadline bounds both.
type Retry struct {
	// MaxRedirects is how many MOVED and ASK are followed. Defaults to 5. -1 disables.
	MaxRedirects int
	// MaxRetries is how many times a command is sent again after a pause, if it is
	// proven that it did not run, or if it may run twice. Defaults to 16, which with the
	// default pauses is about 4 s: less than a failover takes with Redis's default
	// cluster-node-timeout of 15 s. After a timeout it is sent again once only. -1
	// disables.
	MaxRetries int
	// MinBackoff is the longest first pause; it doubles each time. Defaults to 8 ms. -1
	// disables pauses.
	MinBackoff time.Duration
	// MaxBackoff is the longest pause. Defaults to 512 ms. -1 disables pauses.
	MaxBackoff time.Duration
	// Budget is how many retries per second all commands of the client together may make for
	// one node, those of one call being one: a node in trouble is not to be kept there by
	// retries. A retry that is over waits for its turn if that comes within 2 s, else it is not
	// made. Defaults to 2,000. -1 disables.
	Budget int
}

// withDefaults checks o and fills what is not set.
func (o Options) withDefaults() (Options, error) {
	if len(o.Addrs) == 0 {
		return o, errors.New("no seed addresses: Options.Addrs is empty")
	}
	for i, addr := range o.Addrs {
		if err := checkAddr(addr); err != nil {
			return o, fmt.Errorf("seed address %d, %s: %w", i+1, shownAddr(addr), err)
		}
	}
	if o.Protocol == 0 {
		o.Protocol = 3
	}
	if o.Protocol != 2 && o.Protocol != 3 {
		return o, fmt.Errorf("bad Options.Protocol %d: want 2 or 3", o.Protocol)
	}
	for _, timeout := range []struct {
		name string
		d    time.Duration
	}{
		{"DialTimeout", o.DialTimeout},
		{"ReadTimeout", o.ReadTimeout},
		{"WriteTimeout", o.WriteTimeout},
		{"RefreshInterval", o.RefreshInterval},
	} {
		if timeout.d < -1 {
			return o, fmt.Errorf("bad Options.%s %v: want a positive duration, 0 for the default or -1 for none", timeout.name, timeout.d)
		}
	}
	if o.DialTimeout == 0 {
		o.DialTimeout = 2 * time.Second
	}
	if o.ReadTimeout == 0 {
		o.ReadTimeout = 5 * time.Second
	}
	if o.WriteTimeout == 0 {
		o.WriteTimeout = o.ReadTimeout
	}
	var err error
	o.Retry, err = o.Retry.withDefaults()
	return o, err
}

func (r Retry) withDefaults() (Retry, error) {
	switch {
	case r.MaxRedirects < -1:
		return r, fmt.Errorf("bad Options.Retry.MaxRedirects %d: want a count, 0 for the default or -1 for none", r.MaxRedirects)
	case r.MaxRetries < -1:
		return r, fmt.Errorf("bad Options.Retry.MaxRetries %d: want a count, 0 for the default or -1 for none", r.MaxRetries)
	case r.Budget < -1:
		return r, fmt.Errorf("bad Options.Retry.Budget %d: want retries per second, 0 for the default or -1 for no bound", r.Budget)
	case r.MinBackoff < -1:
		return r, fmt.Errorf("bad Options.Retry.MinBackoff %v: want a positive duration, 0 for the default or -1 for no pause", r.MinBackoff)
	case r.MaxBackoff < -1:
		return r, fmt.Errorf("bad Options.Retry.MaxBackoff %v: want a positive duration, 0 for the default or -1 for no pause", r.MaxBackoff)
	case r.MaxBackoff > 0 && r.MaxBackoff < r.MinBackoff:
		return r, fmt.Errorf("bad Options.Retry.MaxBackoff %v: want no less than MinBackoff, %v", r.MaxBackoff, r.MinBackoff)
	}
	if r.MaxRedirects == 0 {
		r.MaxRedirects = routing.DefaultMaxRedirects
	}
	if r.MaxRetries == 0 {
		r.MaxRetries = 16
	}
	if r.Budget == 0 {
		r.Budget = 2000
	}
	if r.MaxBackoff == 0 {
		r.MaxBackoff = max(512*time.Millisecond, r.MinBackoff)
	}
	if r.MinBackoff == 0 {
		r.MinBackoff = min(8*time.Millisecond, r.MaxBackoff)
	}
	return r, nil
}

// policy is r as the router knows it: 0 means none.
func (r Retry) policy() routing.Policy {
	p := routing.Policy{
		MaxRedirects: max(0, r.MaxRedirects),
		MaxRetries:   max(0, r.MaxRetries),
	}
	if r.MinBackoff > 0 && r.MaxBackoff > 0 {
		p.MinBackoff, p.MaxBackoff = r.MinBackoff, r.MaxBackoff
	}
	return p
}

// checkAddr reports what keeps addr from being host:port. It quotes no part of what may
// hold credentials.
func checkAddr(addr string) error {
	if strings.ContainsAny(addr, "@/") {
		return errors.New("not host:port")
	}
	if strings.ContainsAny(addr, " \t\r\n,") {
		return errors.New("a blank or a comma in it")
	}
	host, port, err := net.SplitHostPort(addr)
	if e, ok := errors.AsType[*net.AddrError](err); ok {
		return errors.New(e.Err)
	}
	if host == "" {
		return errors.New("no host")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("port %q: want 1 to 65535", port)
	}
	return nil
}

// shownAddr quotes an address for humans, unless credentials may be in it.
func shownAddr(addr string) string {
	if strings.ContainsAny(addr, "@/") {
		return "hidden (for a URL, use ParseURL)"
	}
	return strconv.Quote(addr)
}

// connect returns go-redis's options for connections to the node at addr.
func (o *Options) connect(addr string, dial redis.DialHook) *redis.Options {
	if o.Translate != nil && !slices.Contains(o.Addrs, addr) {
		addr = o.Translate(addr)
	}
	return &redis.Options{
		Addr:                     addr,
		Protocol:                 o.Protocol,
		Username:                 o.Username,
		Password:                 o.Password,
		CredentialsProvider:      o.CredentialsProvider,
		ClientName:               o.ClientName,
		IdentitySuffix:           "slotmesh",
		DialTimeout:              o.DialTimeout,
		ReadTimeout:              o.ReadTimeout,
		WriteTimeout:             o.WriteTimeout,
		Dialer:                   dial,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// dialer returns what opens connections.
func (o *Options) dialer() redis.DialHook {
	if o.Dialer != nil {
		return o.Dialer
	}
	if o.TLSConfig == nil {
		return redis.NewDialer(&redis.Options{DialTimeout: max(0, o.DialTimeout)})
	}
	d := &tls.Dialer{NetDialer: &net.Dialer{Timeout: max(0, o.DialTimeout)}, Config: o.TLSConfig}
	return d.DialContext
}

// String tells the seeds and the user, and no secret.
func (o Options) String() string {
	addrs := make([]string, len(o.Addrs))
	for i, addr := range o.Addrs {
		addrs[i] = shownAddr(addr)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "slotmesh.Options{Addrs: [%s]", strings.Join(addrs, " "))
	if o.Username != "" {
		fmt.Fprintf(&b, ", Username: %q", o.Username)
	}
	if o.Password != "" {
		b.WriteString(", Password: (set)")
	}
	if o.TLSConfig != nil {
		b.WriteString(", TLS")
	}
	b.WriteByte('}')
	return b.String()
}

// Format writes String whatever the verb, so that none shows a secret.
func (o Options) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, o.String()) }
