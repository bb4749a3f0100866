package slotmesh

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// secret is a password that no other text here contains.
const secret = "hunter2-s3cr3t"

// What is not set is filled as the fields' comments say; what is set stays.
func TestDefaults(t *testing.T) {
	o, err := Options{Addrs: []string{"h:1"}}.withDefaults()
	require.NoError(t, err)
	require.Equal(t, Options{
		Addrs:        []string{"h:1"},
		Protocol:     3,
		DialTimeout:  2 * time.Second,
		ReadTimeout:  5 * time.Second,
		WriteTimeout: 5 * time.Second,
		Retry:        Retry{MaxRedirects: 5, MaxRetries: 16, MinBackoff: 8 * time.Millisecond, MaxBackoff: 512 * time.Millisecond, Budget: 2000},
	}, o)

	set := Options{
		Addrs: []string{"h:1", "[::1]:65535"}, Protocol: 2, Username: "u", Password: secret, ClientName: "c",
		DialTimeout: -1, ReadTimeout: 7, WriteTimeout: -1, RefreshInterval: -1,
		Retry: Retry{MaxRedirects: -1, MaxRetries: -1, MinBackoff: 1, MaxBackoff: 1, Budget: -1},
	}
	o, err = set.withDefaults()
	require.NoError(t, err)
	require.Equal(t, set, o)
	require.Zero(t, o.Retry.policy().MaxRedirects, "-1 disables")
	require.Zero(t, o.Retry.policy().MaxRetries)

	o, err = Options{Addrs: []string{"h:1"}, ReadTimeout: -1}.withDefaults()
	require.NoError(t, err)
	require.EqualValues(t, -1, o.WriteTimeout, "as ReadTimeout")
	o, err = Options{Addrs: []string{"h:1"}, Retry: Retry{MinBackoff: time.Second}}.withDefaults()
	require.NoError(t, err)
	require.Equal(t, time.Second, o.Retry.MaxBackoff, "a default does not contradict what is set")
}

// badFields are options with one bad field each, and what the error must name.
var badFields = map[string]struct {
	change func(*Options)
	names  []string
}{
	"no seeds":           {func(o *Options) { o.Addrs = nil }, []string{"Addrs", "empty"}},
	"empty seeds":        {func(o *Options) { o.Addrs = []string{} }, []string{"Addrs", "empty"}},
	"an empty seed":      {func(o *Options) { o.Addrs = []string{"h:1", ""} }, []string{"seed address", `""`, "missing port"}},
	"no port":            {func(o *Options) { o.Addrs = []string{"h:1", "h"} }, []string{"seed address", `"h"`, "missing port"}},
	"an empty port":      {func(o *Options) { o.Addrs = []string{"h:"} }, []string{"seed address", `"h:"`, `port ""`}},
	"a port by name":     {func(o *Options) { o.Addrs = []string{"h:redis"} }, []string{"seed address", `"h:redis"`, `port "redis"`}},
	"port 0":             {func(o *Options) { o.Addrs = []string{"h:0"} }, []string{"seed address", `"h:0"`, `port "0"`}},
	"port 65536":         {func(o *Options) { o.Addrs = []string{"h:65536"} }, []string{"seed address", `"h:65536"`, "65535"}},
	"port -1":            {func(o *Options) { o.Addrs = []string{"h:-1"} }, []string{"seed address", `"h:-1"`, `port "-1"`}},
	"no host":            {func(o *Options) { o.Addrs = []string{":1"} }, []string{"seed address", `":1"`, "no host"}},
	"IPv6 without []":    {func(o *Options) { o.Addrs = []string{"::1:7000"} }, []string{"seed address", `"::1:7000"`, "too many colons"}},
	"a URL":              {func(o *Options) { o.Addrs = []string{"redis://h:1"} }, []string{"seed address 1", "ParseURL"}},
	"Protocol 1":         {func(o *Options) { o.Protocol = 1 }, []string{"Options.Protocol", "1"}},
	"Protocol 4":         {func(o *Options) { o.Protocol = 4 }, []string{"Options.Protocol", "4"}},
	"Protocol -1":        {func(o *Options) { o.Protocol = -1 }, []string{"Options.Protocol", "-1"}},
	"DialTimeout":        {func(o *Options) { o.DialTimeout = -2 }, []string{"Options.DialTimeout", "-2ns"}},
	"ReadTimeout":        {func(o *Options) { o.ReadTimeout = -time.Second; o.WriteTimeout = 1 }, []string{"Options.ReadTimeout", "-1s"}},
	"WriteTimeout":       {func(o *Options) { o.WriteTimeout = -2 }, []string{"Options.WriteTimeout", "-2ns"}},
	"RefreshInterval":    {func(o *Options) { o.RefreshInterval = -time.Hour }, []string{"Options.RefreshInterval", "-1h"}},
	"Retry.MaxRedirects": {func(o *Options) { o.Retry.MaxRedirects = -2 }, []string{"Options.Retry", "MaxRedirects", "-2"}},
	"Retry.Budget":       {func(o *Options) { o.Retry.Budget = -4 }, []string{"Options.Retry", "Budget", "-4"}},
	"Retry.MaxRetries":   {func(o *Options) { o.Retry.MaxRetries = -3 }, []string{"Options.Retry", "MaxRetries", "-3"}},
	"Retry.MinBackoff":   {func(o *Options) { o.Retry.MinBackoff = -time.Second }, []string{"Options.Retry", "MinBackoff", "-1s"}},
	"Retry.MaxBackoff":   {func(o *Options) { o.Retry.MaxBackoff = -time.Second }, []string{"Options.Retry", "MaxBackoff", "-1s"}},
	"Retry, crossed": {func(o *Options) { o.Retry.MinBackoff, o.Retry.MaxBackoff = time.Second, time.Millisecond },
		[]string{"Options.Retry", "MinBackoff", "MaxBackoff", "1s", "1ms"}},
}

// A bad field is an error of New that names the field and its value, and never the
// password. Nothing is dialed.
func TestBadFields(t *testing.T) {
	for name, tc := range badFields {
		t.Run(name, func(t *testing.T) {
			o := Options{Addrs: []string{"h:1"}, Username: "u", Password: secret, Dialer: noDial(t)}
			tc.change(&o)
			client, err := New(t.Context(), o)
			require.Nil(t, client)
			require.ErrorContains(t, err, "slotmesh: ")
			for _, part := range tc.names {
				require.ErrorContains(t, err, part)
			}
			require.NotContains(t, err.Error(), secret)
		})
	}
	t.Run("nil context", func(t *testing.T) {
		//lint:ignore SA1012 a nil context is what is tested
		client, err := New(nil, Options{Addrs: []string{"h:1"}, Dialer: noDial(t)})
		require.Nil(t, client)
		require.ErrorContains(t, err, "nil context")
	})
}

// The error names the field that was set, not one that took its default from it, and
// says the same each time.
func TestBadReadTimeoutIsNamed(t *testing.T) {
	for range 50 {
		_, err := Options{Addrs: []string{"h:1"}, ReadTimeout: -5 * time.Second}.withDefaults()
		require.ErrorContains(t, err, "Options.ReadTimeout -5s")
	}
}

// noDial fails the test when it is used.
func noDial(t *testing.T) func(context.Context, string, string) (net.Conn, error) {
	return func(_ context.Context, _, addr string) (net.Conn, error) {
		t.Errorf("dialed %s", addr)
		return nil, errors.New("not to be dialed")
	}
}

// A URL where an address belongs, the likeliest mistake of all, shows no password
// either.
func TestSeedWithPasswordShowsNone(t *testing.T) {
	for _, addr := range []string{
		"redis://user:" + secret + "@h:6379", "user:" + secret + "@h:6379", ":" + secret + "@h:6379", secret + "@h",
	} {
		t.Run(addr, func(t *testing.T) {
			o := Options{Addrs: []string{addr}, Dialer: noDial(t)}
			_, err := New(t.Context(), o)
			require.Error(t, err)
			require.NotContains(t, err.Error(), secret)
			require.NotContains(t, o.String(), secret)
		})
	}
}

// However Options are printed, no secret shows.
func TestPrintedOptionsShowNoSecret(t *testing.T) {
	o := Options{
		Addrs: []string{"h:1", "h:2"}, Username: "ada", Password: secret,
		TLSConfig:           &tls.Config{ServerName: "x"},
		CredentialsProvider: func() (string, string) { return "ada", secret },
	}
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("connecting", "options", o)
	texts := map[string]string{"String": o.String(), "Sprint": fmt.Sprint(o), "slog": logged.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		texts[verb] = fmt.Sprintf(verb, o)
		texts[verb+" of a pointer"] = fmt.Sprintf(verb, &o)
		texts[verb+" of a list"] = fmt.Sprintf(verb, []Options{o})
		texts[verb+" of a field"] = fmt.Sprintf(verb, struct{ Redis Options }{o})
		texts[verb+" of an embedded field"] = fmt.Sprintf(verb, struct{ Options }{o})
	}
	for how, text := range texts {
		require.NotContains(t, text, secret, how)
		require.Contains(t, text, "h:2", how)
		require.Contains(t, text, "ada", how)
	}
	require.Equal(t, `slotmesh.Options{Addrs: ["h:1" "h:2"], Username: "ada", Password: (set), TLS}`, o.String())
	require.Equal(t, `slotmesh.Options{Addrs: []}`, Options{}.String())
}
