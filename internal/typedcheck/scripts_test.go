package typedcheck

import (
	"crypto/sha1"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/realcluster"
)

const (
	echoScript = "return {KEYS[1] and 'key', ARGV[1], 7, false, {'nested', {}}}"
	readScript = "return redis.call('GET', KEYS[1])"
	getall     = "redis.setresp(3) return redis.call('HGETALL', KEYS[1])"
	library    = `#!lua name=typedcheck
redis.register_function{function_name='typed_echo', callback=function(keys, args) return {#keys, args[1], 1, false} end, flags={'no-writes'}}
redis.register_function{function_name='typed_map', callback=function(keys, args) redis.setresp(3) return {map={a=1}} end, flags={'no-writes'}}
redis.register_function{function_name='typed_get', callback=function(keys, args) return redis.call('GET', keys[1]) end, flags={'no-writes'}}
redis.register_function{function_name='typed_set', callback=function(keys, args) return redis.call('SET', keys[1], args[1]) end}`
)

// loadScripts makes all masters know the scripts and the functions.
func loadScripts(t *testing.T, cluster *realcluster.Cluster) {
	for _, addr := range cluster.Masters() {
		for _, script := range []string{echoScript, readScript} {
			_, err := cluster.Do(t.Context(), addr, "SCRIPT", "LOAD", script)
			require.NoError(t, err)
		}
		_, err := cluster.Do(t.Context(), addr, "FUNCTION", "LOAD", library)
		require.NoError(t, err)
	}
}

func sha(script string) string {
	sum := sha1.Sum([]byte(script))
	return hex.EncodeToString(sum[:])
}

var key = []string{a}

// script is an example of EVAL with the key a.
func script(body string) example { return example{method: "Eval", args: args(body, key, "arg", 5)} }

var ofScripts = family{name: "scripts", wrong: "RPUSH", examples: []example{
	script(echoScript),
	failing(script("return nil")),
	failing(script("return false")),
	script("return true"),
	script("return 3.99"),
	script("return -1"),
	script("return ''"),
	script("return 'text'"),
	script("return {}"),
	script("return {1, {2, {3, {'four'}}}, false, 'five'}"),
	script("return {{err='ERR inner'}, 'after', {ok='FINE'}}"),
	script("return {ok='FINE'}"),
	failing(script("return {err='ERR of mine'}")),
	failing(script("return redis.error_reply('MINE of mine')")),
	script("return redis.status_reply('FINE')"),
	failing(script("error('raised')")),
	failing(script("error({err='MINE raised'})")),
	failing(script("not lua")),
	failing(script("return redis.call('NONE')")),
	failing(script("return redis.pcall('NONE')")),
	failing(script("return redis.call('GET')")),
	script("return redis.call('INCR', KEYS[1])"),
	script("redis.call('RPUSH', KEYS[1], 'x', 'y') return redis.call('LRANGE', KEYS[1], 0, -1)"),
	script("return redis.call('SET', KEYS[1], ARGV[2])"),
	script("return string.rep('x', 300000)"),
	script("local t = {} for i = 1, 5000 do t[i] = i end return t"),
	script("return tostring(redis.call('GET', KEYS[1]))"),

	script("redis.setresp(3) return true"),
	script("redis.setresp(3) return {true, false, true}"),
	failing(script("redis.setresp(3) return nil")),
	script("redis.setresp(3) return {double=3.25}"),
	script("redis.setresp(3) return {double=1/0}"),
	script("redis.setresp(3) return {double=-1/0}"),
	script("redis.setresp(3) return {double=0/0}"),
	script("redis.setresp(3) return {{double=1e300}, {double=0}, {double=-0.1}}"),
	script("redis.setresp(3) return {map={}}"),
	script("redis.setresp(3) return {map={a=1}}"),
	script("redis.setresp(3) return {map={a={map={b={double=1.5}}}}}"),
	script("redis.setresp(3) return {map={[1]='int key'}}"),
	script("redis.setresp(3) return {map={a={err='ERR inner'}}}"),
	script("redis.setresp(3) return {set={}}"),
	script("redis.setresp(3) return {set={one=true}}"),
	script("redis.setresp(3) return {{set={one=true}}, {map={k='v'}}, {double=2}}"),
	script("redis.setresp(3) return {big_number='3492890328409238509324850943850943825024385'}"),
	script("redis.setresp(3) return {big_number='-12'}"),
	script("redis.setresp(3) return {verbatim_string={format='txt', string='some text'}}"),
	script("redis.setresp(3) return {verbatim_string={format='mkd', string=''}}"),
	{method: "Eval", args: args("redis.setresp(3) return redis.call('ZSCORE', KEYS[1], 'm')", key), data: "ZADD @a 2.5 m"},
	{method: "Eval", args: args("redis.setresp(3) return redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')", key), data: "ZADD @a 2.5 m +inf n"},
	{method: "Eval", args: args("redis.setresp(3) return redis.call('SMEMBERS', KEYS[1])", key), data: "SADD @a m"},
	{method: "Eval", args: args(getall, key), data: "HSET @a f v g 2"},
	{method: "Eval", args: args(getall, []string{a, b}, []byte("x"), 1.5, true, nil), data: "HSET @a f v g 2"},

	// Errors that read as if a node had refused the script.
	failing(script("return redis.error_reply('BUSY of mine')")),
	failing(script("return redis.error_reply('OOM of mine')")),
	failing(script("return redis.error_reply('NOPERM of mine')")),
	failing(script("return redis.error_reply('NOAUTH of mine')")),
	failing(script("return redis.error_reply('WRONGPASS of mine')")),
	failing(script("return redis.error_reply('CROSSSLOT of mine')")),
	failing(script("return redis.error_reply('EXECABORT of mine')")),
	failing(script("return redis.error_reply('MISCONF of mine')")),
	failing(script("return redis.error_reply('NOREPLICAS of mine')")),
	failing(script("return redis.error_reply('UNBLOCKED of mine')")),
	failing(script("return redis.error_reply('ERR max number of clients of mine')")),
	failing(script("return {redis.error_reply('OOM inside'), 1}")),

	{method: "EvalRO", args: args(readScript, key), data: "SET @a v"},
	{method: "EvalRO", args: args("return redis.call('SET', KEYS[1], 1)", key), fails: true},
	{method: "EvalSha", args: args(sha(echoScript), key, "arg")},
	{method: "EvalSha", args: args(sha(readScript), key), data: "SET @a v"},
	{method: "EvalSha", args: args(sha("nobody loaded this"), key), fails: true},
	{method: "EvalShaRO", args: args(sha(readScript), key), data: "SET @a v"},
	{method: "EvalShaRO", args: args(sha("nobody loaded this"), key), fails: true},
	{method: "FCall", args: args("typed_echo", []string{a, b}, "arg")},
	{method: "FCall", args: args("typed_map", key)},
	{method: "FCall", args: args("typed_set", key, "value")},
	{method: "FCall", args: args("typed_none", key), fails: true},
	{method: "FCallRO", args: args("typed_get", key), data: "SET @a v"},
	{method: "FCallRO", args: args("typed_set", key, "value"), fails: true},
	{method: "FCallRo", args: args("typed_get", key), data: "SET @a v"},
}}
