package slotmesh

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"reflect"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/auth"
	"github.com/redis/go-redis/v9/push"
	"github.com/stretchr/testify/require"
)

// setField gives the i-th field of o a value that is not zero.
func setField(t *testing.T, o *redis.ClusterOptions, i int) {
	f := reflect.ValueOf(o).Elem().Field(i)
	switch f.Kind() {
	case reflect.String:
		f.SetString("some text")
	case reflect.Bool:
		f.SetBool(true)
	case reflect.Int, reflect.Int64:
		f.SetInt(7)
	case reflect.Slice:
		f.Set(reflect.MakeSlice(f.Type(), 1, 1))
	case reflect.Pointer:
		f.Set(reflect.New(f.Type().Elem()))
	case reflect.Func:
		f.Set(reflect.MakeFunc(f.Type(), func([]reflect.Value) []reflect.Value { panic("not to be called") }))
	case reflect.Interface:
		for _, v := range []any{
			struct {
				auth.StreamingCredentialsProvider
			}{},
			struct{ push.NotificationProcessor }{},
			usedShardPicker(t),
		} {
			if reflect.TypeOf(v).Implements(f.Type()) {
				f.Set(reflect.ValueOf(v))
			}
		}
	}
	require.False(t, f.IsZero(), "the test must learn to set a %v", f.Type())
}

// usedShardPicker is a ShardPicker, an interface of an internal package.
func usedShardPicker(t *testing.T) any {
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:1"}, ClusterSlots: func(context.Context) ([]redis.ClusterSlot, error) {
		return nil, errors.New("no cluster")
	}})
	defer func() { require.NoError(t, c.Close()) }()
	return c.Options().ShardPicker
}

// meaningless are the fields that change nothing in a slotmesh client, and why.
var meaningless = map[string]string{
	"ContextTimeoutEnabled":  "contexts are always obeyed",
	"DisableRoutingPolicies": "go-redis's own routing is not used",
	"UnstableResp3":          "deprecated: does nothing in go-redis",
}

// Every field of redis.ClusterOptions, those of later versions too, is honoured in the
// Options, or named in the error, or has no meaning here.
func TestFromClusterOptionsLosesNoField(t *testing.T) {
	fields := reflect.TypeFor[redis.ClusterOptions]()
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		t.Run(name, func(t *testing.T) {
			var from redis.ClusterOptions
			setField(t, &from, i)
			o, err := FromClusterOptions(&from)
			if err != nil {
				require.EqualError(t, err, "slotmesh: cannot honour redis.ClusterOptions fields: "+name)
				require.True(t, reflect.ValueOf(o).IsZero(), "what cannot be honoured leaves no trace")
				return
			}
			if meaningless[name] == "" {
				require.False(t, reflect.ValueOf(o).IsZero(), "neither honoured nor named")
			}
		})
	}
}

// What is honoured means the same in the Options.
func TestFromClusterOptionsValues(t *testing.T) {
	dialed := errors.New("dialed")
	from := &redis.ClusterOptions{
		Addrs: []string{"h:1", "h:2"}, Username: "ada", Password: "pw", ClientName: "me", Protocol: 2,
		TLSConfig:   &tls.Config{ServerName: "x"},
		DialTimeout: time.Second, ReadTimeout: 2 * time.Second, WriteTimeout: 3 * time.Second,
		ClusterStateReloadInterval: 4 * time.Second,
		MaxRedirects:               5, MaxRetries: -1, MinRetryBackoff: 7, MaxRetryBackoff: 8,
		Dialer:              func(context.Context, string, string) (net.Conn, error) { return nil, dialed },
		CredentialsProvider: func() (string, string) { return "bob", "pw2" },
	}
	o, err := FromClusterOptions(from)
	require.NoError(t, err)
	_, err = o.Dialer(t.Context(), "tcp", "h:1")
	require.Equal(t, dialed, err)
	user, password := o.CredentialsProvider()
	require.Equal(t, "bob pw2", user+" "+password)
	o.Dialer, o.CredentialsProvider = nil, nil
	require.Equal(t, Options{
		Addrs: from.Addrs, Username: "ada", Password: "pw", ClientName: "me", Protocol: 2,
		TLSConfig:   from.TLSConfig,
		DialTimeout: time.Second, ReadTimeout: 2 * time.Second, WriteTimeout: 3 * time.Second,
		RefreshInterval: 4 * time.Second,
		Retry:           Retry{MaxRedirects: 5, MinBackoff: 7, MaxBackoff: 8},
	}, o)
	_, err = o.withDefaults()
	require.NoError(t, err)
}

// The error names all fields that are lost, in the order of redis.ClusterOptions, and
// no secret; the Options are there for who can do without.
func TestFromClusterOptionsNamesAll(t *testing.T) {
	o, err := FromClusterOptions(&redis.ClusterOptions{
		Addrs: []string{"h:1"}, Password: secret, PoolSize: 5, RouteByLatency: true, ReadOnly: true,
		CredentialsProviderContext: func(context.Context) (string, string, error) { return "", secret, nil },
	})
	require.EqualError(t, err, "slotmesh: cannot honour redis.ClusterOptions fields: "+
		"ReadOnly, RouteByLatency, CredentialsProviderContext, PoolSize")
	require.Equal(t, Options{Addrs: []string{"h:1"}, Password: secret}, o)
}

// A value that go-redis takes and this client cannot is named by FromClusterOptions,
// not refused later by New under another name: what converts without an error can be
// used.
func TestFromClusterOptionsValuesOfGoRedis(t *testing.T) {
	for name, from := range map[string]redis.ClusterOptions{
		"MinRetryBackoff -1: no pause":    {MinRetryBackoff: -1},
		"MaxRetryBackoff -1: no pause":    {MaxRetryBackoff: -1},
		"ReadTimeout -2: no SetDeadline":  {ReadTimeout: -2},
		"WriteTimeout -2: no SetDeadline": {WriteTimeout: -2},
		"MaxRedirects -1: none":           {MaxRedirects: -1},
		"MaxRetries -1: go-redis's own":   {MaxRetries: -1},
		"ReadTimeout -1: none":            {ReadTimeout: -1},
		"DialTimeout -1: none":            {DialTimeout: -1},
	} {
		t.Run(name, func(t *testing.T) {
			from.Addrs = []string{"h:1"}
			o, err := FromClusterOptions(&from)
			if err == nil {
				_, err = o.withDefaults()
				require.NoError(t, err)
			}
		})
	}
}
