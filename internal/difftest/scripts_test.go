package difftest

import (
	"crypto/sha1"
	"encoding/hex"
)

// scripts are the texts that %name in a shape stands for; #name is their SHA1.
var scripts = map[string]string{
	"get":        `return redis.call('GET',KEYS[1])`,
	"set":        `return redis.call('SET',KEYS[1],ARGV[1])`,
	"incr":       `redis.call('INCR',KEYS[1]) return redis.call('INCRBY',KEYS[1],2)`,
	"two":        `return {redis.call('EXISTS',KEYS[1]),redis.call('TYPE',KEYS[2])}`,
	"pcall":      `return redis.pcall('RPUSH',KEYS[1],ARGV[1])`,
	"undeclared": `return redis.call('EXISTS',ARGV[1])`,
	"shebang":    "#!lua\nreturn {redis.call('EXISTS',ARGV[1]),redis.call('EXISTS',ARGV[2])}",
	// By order of letters is defined only among equal scores.
	"lex": `redis.call('DEL',KEYS[1]) redis.call('ZADD',KEYS[1],0,'m1',0,'m3',0,'m5') ` +
		`return redis.call(ARGV[1],KEYS[1],ARGV[2],ARGV[3])`,
	"nocluster": "#!lua flags=no-cluster\nreturn 1",
	"values":    `return {1,2.9,'text',{true,false,{}},nil,'unseen'}`,
	"values3":   `redis.setresp(3) return {{double=2.5},{map={a=1}},true,false}`,
	"status":    `return redis.status_reply('FINE')`,
	"error":     `return redis.error_reply('MINE it is')`,
	"raise":     `error('raised')`,
	"syntax":    `return (`,
}

func sha(script string) string {
	sum := sha1.Sum([]byte(script))
	return hex.EncodeToString(sum[:])
}

// payloads are what redis-server 7.0.15 answered to DUMP for keys of each encoding,
// and two that are broken.
var payloads = []string{
	"\x00\x05hello\n\x00cr\xdfve4 \n",
	"\x00\xc190\n\x00\x9d\x94\xea'\x93\xfc\b\xb9",                                                                 // an integer
	"\x00\xc3\t@d\x01aa\xe0W\x00\x01aa\n\x00\xe8\xa3\xb5\a\xb0m\xf2q",                                             // compressed
	"\x12\x01\x02\x0f\x0f\x00\x00\x00\x03\x00\x81a\x02\x81b\x02\x03\x01\xff\n\x00\xdc\xa1\xe6}P\x05PH",            // quicklist
	"\x10\x15\x15\x00\x00\x00\x04\x00\x82f1\x03\x82v1\x03\x82f2\x03\x02\x01\xff\n\x00\\^\xa8\x13\xfe\xec\x1f\xf5", // hash as listpack
	"\x04\x01\x01f\xc3\t@F\x01bb\xe09\x00\x01bb\n\x00\x90\xd1\xa2\x81\xeb+\x1a\x9c",                               // hash
	"\x0b\x14\x04\x00\x00\x00\x03\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\xe0\x93\x04\x00\n\x00t/3HHlj9",      // intset
	"\x02\x03\x01c\x01b\x01a\n\x00^\xa6~V#u\x0b\xab",                                                              // set
	"\x11\x14\x14\x00\x00\x00\x04\x00\x81a\x02\x01\x01\x81b\x02\x832.5\x04\xff\n\x00\xd4Ln\xa4\xf6D\xd9\xd7",      // sorted set as listpack
	"\x05\x01\xc3\t@F\x01bb\xe09\x00\x01bb\x00\x00\x00\x00\x00\x00\xf0?\n\x00\xf0\xa2\xf7s\xcdMH\xca",             // sorted set
	"\x13\x01\x10\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x0133\x00\x00\x00\x13\x00\x02\x01\x00\x01\x01\x01\x81f" + // stream
		"\x02\x00\x01\x02\x01\x00\x01\x00\x01\x81v\x02\x04\x01\x00\x01\x01\x01\x00\x01\x02\x01\x81f\x02\x81v\x02\x81g\x02\x81w\x02\b\x01" +
		"\xff\x02\x02\x01\x01\x01\x00\x00\x02\x01\x03grp\x00\x00\x81\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\n\x00,\xce\xc5\xd6S\xae/\xfb",
	"\x00\x05hellO\n\x00cr\xdfve4 \n", // wrong checksum
	"\x00",
}

// values are what keys, fields and elements hold.
var values = []string{
	"", "1", "2", "42", "-7", "3.5", "abc", "x y", "\x00\xff\r\n",
	"9223372036854775807", "a value of more than twenty bytes",
	"a value of more than sixty-four bytes, which is too long for an element of a listpack",
}

// wrong are arguments that hardly any command has use for, and none as a small
// number: that could be a time to wait, or a slot.
var wrong = []string{"", "-1", "x", "1.5", "9223372036854775807", "-9223372036854775808", "nan", "\x00\xff"}

// garbage is what ends a connection.
var garbages = []string{
	"*1\r\n$x\r\n",
	"*1\r\n+PING\r\n",
	"*x\r\n",
	"*2147483648\r\n",
	"*1\r\n$-1\r\n",
	"*2\r\n$4\r\nPING\r\n$536870913\r\n",
	"GET \"unbalanced\r\n",
	"PING\r\nGET 'a'b\r\n",
	"*1\r\n$4\r\nQUIT\r\n",
	"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nquit\r\n*1\r\n$4\r\nPING\r\n",
}
