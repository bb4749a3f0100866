package slotmesh

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ParseURL reads Options from a URL:
//
//	redis://user:password@host:port?addr=host2:port2&read_timeout=2s
//
// The scheme is redis, or rediss for TLS. The host is the first seed and each addr
// parameter another; the port defaults to 6379. The other parameters are protocol,
// client_name, dial_timeout, read_timeout, write_timeout, max_redirects, max_retries,
// min_retry_backoff and max_retry_backoff, durations as time.ParseDuration reads them,
// or -1, which means what it does in Options.
// An error names what was wrong, but never the password.
func ParseURL(text string) (Options, error) {
	var o Options
	u, err := url.Parse(text)
	if e, ok := errors.AsType[*url.Error](err); ok && !strings.Contains(text, "@") {
		return o, fmt.Errorf("slotmesh: URL: malformed: %w", e.Err)
	}
	if err != nil || u.Fragment != "" || strings.Contains(u.Host+u.Path+u.RawQuery+u.Opaque, "@") {
		// Where user and host cannot be told apart, any part may be of the password.
		return o, errors.New("slotmesh: URL: malformed: want redis://user:password@host:port?addr=host:port, special characters percent-encoded")
	}
	params, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return o, fmt.Errorf("slotmesh: URL: parameters: %w", err)
	}
	switch u.Scheme {
	case "redis":
	case "rediss":
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	default:
		return o, fmt.Errorf("slotmesh: URL: scheme %q: want redis or rediss", u.Scheme)
	}
	if db := strings.Trim(u.Path, "/"); db != "" && db != "0" {
		return o, fmt.Errorf("slotmesh: URL: database %q: a cluster has only 0", db)
	}
	if u.User != nil {
		o.Username = u.User.Username()
		o.Password, _ = u.User.Password()
	}
	port := u.Port()
	if port == "" {
		port = "6379"
	}
	q := query{left: params}
	o.Addrs = append([]string{net.JoinHostPort(u.Hostname(), port)}, q.left["addr"]...)
	delete(q.left, "addr")
	o.Protocol = q.int("protocol")
	o.ClientName = q.string("client_name")
	o.DialTimeout = q.duration("dial_timeout")
	o.ReadTimeout = q.duration("read_timeout")
	o.WriteTimeout = q.duration("write_timeout")
	o.Retry.MaxRedirects = q.int("max_redirects")
	o.Retry.MaxRetries = q.int("max_retries")
	o.Retry.MinBackoff = q.duration("min_retry_backoff")
	o.Retry.MaxBackoff = q.duration("max_retry_backoff")
	if err := q.done(); err != nil {
		return o, fmt.Errorf("slotmesh: URL: %w", err)
	}
	if _, err := o.withDefaults(); err != nil {
		return o, fmt.Errorf("slotmesh: URL: %w", err)
	}
	return o, nil
}

// query reads the parameters of a URL and remembers what it could not read.
type query struct {
	left url.Values
	errs []error
}

func (q *query) string(name string) string {
	values := q.left[name]
	delete(q.left, name)
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

func (q *query) int(name string) int {
	text := q.string(name)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		q.errs = append(q.errs, fmt.Errorf("parameter %s: %q is no number", name, text))
	}
	return n
}

func (q *query) duration(name string) time.Duration {
	text := q.string(name)
	switch text {
	case "":
		return 0
	case "-1":
		return -1
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		q.errs = append(q.errs, fmt.Errorf("parameter %s: %q is no duration, such as 500ms", name, text))
	}
	return d
}

// done returns what was wrong, parameters that nobody asked for included.
func (q *query) done() error {
	var unknown []string
	for name := range q.left {
		unknown = append(unknown, name)
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		q.errs = append(q.errs, fmt.Errorf("unknown parameter %q", name))
	}
	return errors.Join(q.errs...)
}
