package slotmesh

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A URL says what its parts say, and leaves the rest to the defaults.
func TestParseURL(t *testing.T) {
	for text, want := range map[string]Options{
		"redis://h":                           {Addrs: []string{"h:6379"}},
		"redis://h/":                          {Addrs: []string{"h:6379"}},
		"redis://h:7000/0":                    {Addrs: []string{"h:7000"}},
		"REDIS://h:7000":                      {Addrs: []string{"h:7000"}},
		"redis://10.0.0.1:7000":               {Addrs: []string{"10.0.0.1:7000"}},
		"redis://[::1]:7000":                  {Addrs: []string{"[::1]:7000"}},
		"redis://[::1]":                       {Addrs: []string{"[::1]:6379"}},
		"redis://ada@h":                       {Addrs: []string{"h:6379"}, Username: "ada"},
		"redis://:pw@h":                       {Addrs: []string{"h:6379"}, Password: "pw"},
		"redis://ada:pw@h":                    {Addrs: []string{"h:6379"}, Username: "ada", Password: "pw"},
		"redis://a%40b:p%3Aw%2F%23@h":         {Addrs: []string{"h:6379"}, Username: "a@b", Password: "p:w/#"},
		"redis://h:1?addr=i:2&addr=j:3":       {Addrs: []string{"h:1", "i:2", "j:3"}},
		"redis://h?addr=[::1]:7000":           {Addrs: []string{"h:6379", "[::1]:7000"}},
		"redis://h?protocol=2&client_name=me": {Addrs: []string{"h:6379"}, Protocol: 2, ClientName: "me"},
		"redis://h?dial_timeout=1s&read_timeout=-1&write_timeout=250ms": {
			Addrs: []string{"h:6379"}, DialTimeout: time.Second, ReadTimeout: -1, WriteTimeout: 250 * time.Millisecond,
		},
		"redis://h?max_redirects=-1&max_retries=3&min_retry_backoff=1ms&max_retry_backoff=1m": {
			Addrs: []string{"h:6379"},
			Retry: Retry{MaxRedirects: -1, MaxRetries: 3, MinBackoff: time.Millisecond, MaxBackoff: time.Minute},
		},
		"redis://h?read_timeout=1s&read_timeout=2s": {Addrs: []string{"h:6379"}, ReadTimeout: 2 * time.Second},
		"redis://h?read_timeout=":                   {Addrs: []string{"h:6379"}},
	} {
		t.Run(text, func(t *testing.T) {
			got, err := ParseURL(text)
			require.NoError(t, err)
			require.Equal(t, want, got)
			_, err = got.withDefaults()
			require.NoError(t, err, "what is accepted can be used")
		})
	}
}

// rediss is TLS, of version 1.2 at least, where each node is verified by its own name.
func TestParseURLWithTLS(t *testing.T) {
	o, err := ParseURL("rediss://h:7000")
	require.NoError(t, err)
	require.NotNil(t, o.TLSConfig)
	require.EqualValues(t, 0x0303, o.TLSConfig.MinVersion)
	require.Empty(t, o.TLSConfig.ServerName)
	require.False(t, o.TLSConfig.InsecureSkipVerify)
}

// A bad URL is an error that says what is wrong with it.
func TestParseBadURL(t *testing.T) {
	for text, parts := range map[string][]string{
		"":                                {"scheme"},
		"h:6379":                          {"scheme"},
		"//h:6379":                        {"scheme"},
		"http://h":                        {"scheme", `"http"`, "redis or rediss"},
		"unix:///run/redis.sock":          {"scheme", `"unix"`},
		"redis:":                          {"no host"},
		"redis://":                        {"no host"},
		"redis://:6379":                   {"no host"},
		"redis://h:x":                     {"port"},
		"redis://h:0":                     {"port", `"0"`},
		"redis://h:70000":                 {"port", "70000"},
		"redis://[::1":                    {"]"},
		"redis://h\x00":                   {"control character"},
		"redis://h/1":                     {"database", `"1"`},
		"redis://h/x/y":                   {"database", `"x/y"`},
		"redis://h?db=1":                  {"unknown parameter", `"db"`},
		"redis://h?a=1&b=2":               {`"a"`, `"b"`},
		"redis://h?addr=":                 {"seed address", `""`},
		"redis://h?addr=i":                {"seed address", `"i"`, "missing port"},
		"redis://h?protocol=x":            {"protocol", `"x"`},
		"redis://h?protocol=4":            {"Protocol", "4"},
		"redis://h?read_timeout=5":        {"read_timeout", `"5"`},
		"redis://h?dial_timeout=-5s":      {"DialTimeout", "-5s"},
		"redis://h?max_retries=many":      {"max_retries", `"many"`},
		"redis://h?max_redirects=-2":      {"Retry", "-2"},
		"redis://h?dial_timeout=x&nope=1": {"dial_timeout", `"x"`, `"nope"`},
	} {
		t.Run(text, func(t *testing.T) {
			_, err := ParseURL(text)
			require.ErrorContains(t, err, "slotmesh: URL: ")
			for _, part := range parts {
				require.ErrorContains(t, err, part)
			}
		})
	}
}

// A part of a URL that cannot be read is an error, not left out: a timeout that is
// misspelt would not be there, a seed would be missing.
func TestParseURLLeavesNothingOut(t *testing.T) {
	for _, text := range []string{
		"redis://h?read_timeout=%zz",
		"redis://h?read_timeout=2s;write_timeout=3s",
		"redis://h?%zz=1",
		"redis://h#read_timeout=2s",
		"redis://ada:12#34@h:6379", // the password holds a #: the rest, host included, is a fragment
	} {
		t.Run(text, func(t *testing.T) {
			_, err := ParseURL(text)
			require.Error(t, err)
		})
	}
}

// passwordIn checks that no error for a URL around a password shows it, as written or
// as decoded.
func passwordIn(t *testing.T, before, after string) {
	const written, decoded = "hunter%402-s3cr3t", "hunter@2-s3cr3t"
	_, err := ParseURL(before + ":" + written + "@" + after)
	if err == nil {
		return
	}
	require.NotContains(t, err.Error(), written)
	require.NotContains(t, err.Error(), decoded)
	require.NotContains(t, err.Error(), "s3cr3t")
}

// URLs with a password in them, and something wrong with them.
var aroundPassword = [][2]string{
	{"redis://ada", "h:6379"},
	{"redis://ada", "h:x"},
	{"redis://ada", "h:6379/3"},
	{"redis://ada", "h:6379?nope=1"},
	{"redis://ada", ""},
	{"redis://ada", "[::1"},
	{"redis://ada", "h\x7f"},
	{"redis://ada", "h%zz"},
	{"redis://ada", "h:6379?protocol=x"},
	{"redis://", "h:0"},
	{"http://ada", "h"},
	{"ada", "h:6379"},
	{"", "h:6379"},
	{"redis:ada", "h:6379"},
	{"redis://ada:%zz", "h"},
	{"redis://ada: ", "h"},
	{"redis://ada:x/", "h:6379"}, // not escaped: what follows is no port
	{"redis://ada:1/", "h:6379"}, // this is one
	{"redis://ada:1?", "h:6379"},
	{"redis://ada:1#", "h:6379"},
	{"redis://a/da", "h:6379"},
	{"redis://a?da", "h:6379"},
	{"redis://h:1?addr=ada", "i:2"},
	{"redis://h:1?client_name=x&addr=redis://ada", "i:2"},
	{"redis://h:1?nope", "i:2"},
	{"redis://h:1?protocol=ada", "i:2"},
	{"redis://h:1?read_timeout=ada", "i:2"},
	{"redis://h/ada", "i:2"},
}

// A password is never in the error, wherever in the URL it stands.
func FuzzParseURL(f *testing.F) {
	for _, around := range aroundPassword {
		f.Add(around[0], around[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		if strings.Contains(before+after, "s3cr3t") {
			return
		}
		passwordIn(t, before, after)
	})
}
