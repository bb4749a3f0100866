package slotmesh

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/redis/go-redis/v9"
)

// converted are the fields of redis.ClusterOptions that FromClusterOptions honours, or
// that change nothing here.
var converted = map[string]bool{
	"Addrs": true, "ClientName": true, "MaxRedirects": true, "Dialer": true, "Protocol": true,
	"Username": true, "Password": true, "CredentialsProvider": true,
	"MinRetryBackoff": true, "MaxRetryBackoff": true,
	"DialTimeout": true, "ReadTimeout": true, "WriteTimeout": true, "TLSConfig": true,
	"ClusterStateReloadInterval": true,

	"ContextTimeoutEnabled":  true, // contexts are always obeyed
	"DisableRoutingPolicies": true, // go-redis's own routing is not used
	"UnstableResp3":          true, // means nothing to go-redis either
}

// FromClusterOptions converts the options of go-redis's ClusterClient. The error names
// every field that is set and cannot be honoured; the Options are then what they would
// be without those, for a caller who can do without.
func FromClusterOptions(from *redis.ClusterOptions) (Options, error) {
	if from == nil {
		return Options{}, errors.New("slotmesh: nil redis.ClusterOptions")
	}
	o := Options{
		Addrs:               from.Addrs,
		Username:            from.Username,
		Password:            from.Password,
		CredentialsProvider: from.CredentialsProvider,
		ClientName:          from.ClientName,
		Protocol:            from.Protocol,
		TLSConfig:           from.TLSConfig,
		Dialer:              from.Dialer,
		DialTimeout:         from.DialTimeout,
		ReadTimeout:         from.ReadTimeout,
		WriteTimeout:        from.WriteTimeout,
		RefreshInterval:     from.ClusterStateReloadInterval,
		Retry: Retry{
			MaxRedirects: from.MaxRedirects,
			MinBackoff:   from.MinRetryBackoff,
			MaxBackoff:   from.MaxRetryBackoff,
		},
	}
	if from.ReadTimeout < 0 {
		o.ReadTimeout = -1 // -2 is go-redis's way to spare a system call
	}
	if from.WriteTimeout < 0 {
		o.WriteTimeout = -1
	}
	var lost []string
	v := reflect.ValueOf(from).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if name == "MaxRetries" && from.MaxRetries < 0 {
			continue // go-redis's default: the nodes' clients do not retry
		}
		if !converted[name] && !v.Field(i).IsZero() {
			lost = append(lost, name)
		}
	}
	if len(lost) > 0 {
		return o, fmt.Errorf("slotmesh: cannot honour redis.ClusterOptions fields: %s", strings.Join(lost, ", "))
	}
	return o, nil
}
