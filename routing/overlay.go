package routing

import (
	"strings"
	"time"
)

//go:generate go run ./internal/gentable

// What is decided by hand. Each list holds names of commands. It wins over what the
// server says, save that a command of a later server that is in the table is taken
// from there.

// shared commands may use a connection together with other callers. To be here, a
// command must be answered at once, in order, by exactly one reply, and leave the
// connection as it was. A command that is not here travels alone, so that a new one
// is slow before it can be wrong.
const shared = `
	append bitcount bitfield bitfield_ro bitop bitpos copy decr decrby del dump exists
	expire expireat expiretime geoadd geodist geohash geopos georadius georadius_ro
	georadiusbymember georadiusbymember_ro geosearch geosearchstore get getbit getdel
	getex getrange getset hdel hexists hget hgetall hincrby hincrbyfloat hkeys hlen
	hmget hmset hrandfield hscan hset hsetnx hstrlen hvals incr incrby incrbyfloat lcs
	lindex linsert llen lmove lmpop lpop lpos lpush lpushx lrange lrem lset ltrim
	memory|usage mget move mset msetnx object|encoding object|freq object|idletime
	object|refcount persist pexpire pexpireat pexpiretime pfadd pfcount pfmerge psetex
	pttl rename renamenx restore rpop rpoplpush rpush rpushx sadd scard sdiff sdiffstore
	set setbit setex setnx setrange sinter sintercard sinterstore sismember smembers
	smismember smove sort sort_ro spop spublish srandmember srem sscan strlen substr
	sunion sunionstore touch ttl type unlink xack xadd xautoclaim xclaim xdel
	xgroup|create xgroup|createconsumer xgroup|delconsumer xgroup|destroy xgroup|setid
	xinfo|consumers xinfo|groups xinfo|stream xlen xpending xrange xrevrange xsetid
	xtrim zadd zcard zcount zdiff zdiffstore zincrby zinter zintercard zinterstore
	zlexcount zmpop zmscore zpopmax zpopmin zrandmember zrange zrangebylex zrangebyscore
	zrangestore zrank zrem zremrangebylex zremrangebyrank zremrangebyscore zrevrange
	zrevrangebylex zrevrangebyscore zrevrank zscan zscore zunion zunionstore

	arcount ardel ardelrange arget argetrange argrep arinfo arinsert arlastitems arlen
	armget armset arnext arop arring arscan arseek arset clusterscan delex delifeq
	digest hexpire hexpireat hexpiretime hgetdel hgetex hpersist hpexpire hpexpireat
	hpexpiretime hpttl hsetex httl increx lmovem msetex sdiffcard sunioncard xackdel
	xcfgset xdelex xnack

	cluster|countkeysinslot cluster|getkeysinslot cluster|info cluster|keyslot
	cluster|myid cluster|myshardid cluster|nodes cluster|shards cluster|slots dbsize
	echo ping publish randomkey scan script|exists script|load time

	eval eval_ro evalsha evalsha_ro fcall fcall_ro
`

// exclusive commands have keys and would pass for shared ones, but are not.
const exclusive = `
	debug migrate pfdebug restore-asking
`

// reads lists what changes nothing although the server does not call it a read,
// since it does not look at the keys.
const reads = `
	acl|cat acl|dryrun acl|genpass acl|getuser acl|help acl|list acl|users acl|whoami
	client|getname client|getredir client|help client|id client|info client|list
	client|trackinginfo cluster|count-failure-reports cluster|countkeysinslot
	cluster|getkeysinslot cluster|getslotmigrations cluster|help cluster|info
	cluster|keyslot cluster|links cluster|myid cluster|myshardid cluster|nodes
	cluster|replicas cluster|shards cluster|slaves cluster|slot-stats cluster|slots
	command command|count command|docs command|getkeys command|getkeysandflags
	command|help command|info command|list commandlog|get commandlog|help commandlog|len
	config|get config|help echo ft.config|get ft.config|help function|dump function|help
	function|list function|stats hotkeys|get hotkeys|help info lastsave latency|doctor
	latency|graph latency|help latency|histogram latency|history latency|latest
	memory|doctor memory|help memory|malloc-stats memory|stats module|help module|list
	object|help ping pubsub|channels pubsub|help pubsub|numpat pubsub|numsub
	pubsub|shardchannels pubsub|shardnumsub role script|exists script|help script|show
	slowlog|get slowlog|help slowlog|len time xgroup|help xinfo|help
`

// anyNode lists what is done when any one node has done it: what depends on the
// arguments only (ECHO, COMMAND, CLUSTER KEYSLOT, HELP); what the nodes tell each other
// (the state of the cluster, PUBLISH, which the bus carries everywhere); what they hold
// alike because changes go to all of them (ACL users); what a module gathers from the
// other nodes itself (FT.*, and the label queries of TS.*); and PING and TIME.
const anyNode = `
	acl|cat acl|dryrun acl|genpass acl|getuser acl|help acl|list acl|users acl|whoami
	client|getname client|help
	cluster|help cluster|info cluster|keyslot cluster|nodes
	cluster|replicas cluster|shards cluster|slaves cluster|slots command command|count
	command|docs command|getkeys command|getkeysandflags command|help command|info
	command|list commandlog|help config|help echo ft.config|get ft.config|help
	function|help hotkeys|help json.debug|help latency|help
	lolwut memory|help module|help object|help ping publish pubsub|help script|help
	slowlog|help time ts.mget ts.mrange ts.mrevrange ts.queryindex ts.querylabels
	xgroup|help xinfo|help
` + searchReads + searchWrites

// scripts lists what runs code of the user's.
const scripts = `eval eval_ro evalsha evalsha_ro fcall fcall_ro`

// policies corrects and completes the server's tips.
var policies = []struct {
	names    string
	request  RequestPolicy
	response ResponsePolicy
}{
	// Their point is that all keys are set or none, so they cannot be cut.
	{"msetnx msetex", RequestNone, ResponseNone},
	// A node that answers PING says nothing about the others; see anyNode.
	{"ping", RequestNone, ResponseNone},
	// What is set on one node only makes the nodes differ. Later servers agree.
	{"acl|deluser acl|load acl|save acl|setuser config|resetstat config|rewrite", AllNodes, AllSucceeded},
	// One key of one shard, whose turn it is.
	{"randomkey", AllShards, ResponseSpecial},
	{"scan", RequestSpecial, ResponseSpecial},
	// Each node knows its own subscribers: the union of names, the sum of numbers. A
	// pattern that has subscribers on two nodes counts twice in NUMPAT.
	{"pubsub|channels pubsub|numsub pubsub|shardchannels pubsub|shardnumsub", AllNodes, ResponseSpecial},
	{"pubsub|numpat", AllNodes, AggSum},
	// What SCRIPT LOAD did not bring may be on one shard only.
	{"script|show", AllShards, OneSucceeded},
	{"ft.config|set", AllNodes, AllSucceeded},
	// A cursor lives on the node that made it.
	{"ft.cursor|del ft.cursor|profile ft.cursor|read", RequestSpecial, ResponseNone},
}

// blocking says how long commands may block. Servers before 7.2 do not flag WAIT;
// MIGRATE holds up the whole node, and takes 0 for a second.
var blocking = []struct {
	names string
	rule  blockRule
}{
	{"blpop brpop blmove brpoplpush bzpopmin bzpopmax", blockRule{unit: time.Second, arg: -1}},
	{"blmovem", blockRule{unit: time.Second, arg: 5}},
	{"blmpop bzmpop", blockRule{unit: time.Second, arg: 1}},
	{"xread xreadgroup", blockRule{unit: time.Millisecond, find: streamBlock}},
	{"ts.read", blockRule{unit: time.Millisecond, find: tsReadBlock}},
	{"wait", blockRule{unit: time.Millisecond, arg: 2}},
	{"waitaof", blockRule{unit: time.Millisecond, arg: 3}},
	{"migrate", blockRule{unit: time.Millisecond, arg: 5, unset: time.Second}},
}

// refusals says why commands that change a connection are not sent, and names what
// does the same for all connections, or on one of the caller's own.
var refusals = []struct{ names, text string }{
	{"asking", "ASKING is sent by the client itself when it follows an ASK redirection"},
	{"auth", "AUTH concerns one connection: use Options.Username and Options.Password, or Options.CredentialsProvider"},
	{"client|caching client|tracking", "tracking of keys concerns one connection: use a redis.Client of its own for the node"},
	{"client|capa client|import-source client|maint_notifications", "what a connection can do is agreed by the client itself when it connects"},
	{"client|no-evict client|no-touch", "CLIENT NO-EVICT and NO-TOUCH concern one connection: use a redis.Client of its own for the node"},
	{"client|reply", "CLIENT REPLY would leave other callers without replies: use a pipeline to save round trips"},
	{"client|setinfo client|setname", "a name concerns one connection: use Options.ClientName"},
	{"discard exec multi", "MULTI, EXEC and DISCARD belong together on one connection: use TxPipeline or TxPipelined"},
	{"hello", "HELLO concerns one connection: use Options.Protocol, Options.Username and Options.Password"},
	{"himport|discard himport|discardall himport|prepare himport|set", "a set of fields lives in the connection that prepared it: use HSet in a pipeline"},
	{"monitor", "MONITOR turns the connection into a stream: use Monitor of a redis.Client of its own for the node"},
	{"psubscribe", "PSUBSCRIBE turns the connection into a stream: use Client.PSubscribe"},
	{"punsubscribe", "use PubSub.PUnsubscribe of what Client.PSubscribe returned"},
	{"psync replconf sync", "replication turns the connection into a stream: connect to the node without this client"},
	{"quit", "QUIT would close a connection that others use: use Client.Close"},
	{"readonly readwrite", "READONLY and READWRITE concern one connection: the client sends commands to masters only, for now"},
	{"reset", "RESET would undo what the client agreed when it connected: connections need no reset between uses"},
	{"script|debug", "SCRIPT DEBUG takes over the connection: use redis-cli --ldb"},
	{"select", "a cluster has one database only, number 0: use key prefixes"},
	{"ssubscribe", "SSUBSCRIBE turns the connection into a stream: use Client.SSubscribe"},
	{"subscribe", "SUBSCRIBE turns the connection into a stream: use Client.Subscribe"},
	{"sunsubscribe", "use PubSub.SUnsubscribe of what Client.SSubscribe returned"},
	{"unsubscribe", "use PubSub.Unsubscribe of what Client.Subscribe returned"},
	{"unwatch watch", "WATCH needs the same connection up to EXEC: use Client.Watch"},
}

// newer lists commands of the core that came after the table's server, of Redis and
// of Valkey. The arity is the fewest arguments that the command may have.
var newer = []Command{
	{Name: "arcount", Arity: -2, Flags: ReadOnly, key: 1},
	{Name: "ardel", Arity: -3, Flags: Write, key: 1},
	{Name: "ardelrange", Arity: -4, Flags: Write, key: 1},
	{Name: "arget", Arity: -3, Flags: ReadOnly, key: 1},
	{Name: "argetrange", Arity: -4, Flags: ReadOnly, key: 1},
	{Name: "argrep", Arity: -4, Flags: ReadOnly, key: 1},
	{Name: "arinfo", Arity: -2, Flags: ReadOnly, key: 1},
	{Name: "arinsert", Arity: -3, Flags: Write, key: 1},
	{Name: "arlastitems", Arity: -3, Flags: ReadOnly, key: 1},
	{Name: "arlen", Arity: -2, Flags: ReadOnly, key: 1},
	{Name: "armget", Arity: -3, Flags: ReadOnly, key: 1},
	{Name: "armset", Arity: -4, Flags: Write, key: 1},
	{Name: "arnext", Arity: -2, Flags: ReadOnly, key: 1},
	{Name: "arop", Arity: -5, Flags: ReadOnly, key: 1},
	{Name: "arring", Arity: -4, Flags: Write, key: 1},
	{Name: "arscan", Arity: -4, Flags: ReadOnly, key: 1},
	{Name: "arseek", Arity: -3, Flags: Write, key: 1},
	{Name: "arset", Arity: -4, Flags: Write, key: 1},
	{Name: "blmovem", Arity: -6, Flags: Write, specs: []keySpec{{from: 1, last: 1, step: 1}}},
	{Name: "client|capa", Arity: -3, Flags: Keyless},
	{Name: "client|import-source", Arity: -3, Flags: Keyless},
	{Name: "client|maint_notifications", Arity: -3, Flags: Keyless},
	{Name: "client|no-touch", Arity: -3, Flags: Keyless},
	{Name: "client|setinfo", Arity: -4, Flags: Keyless},
	{Name: "clusterscan", Arity: -2, Flags: ReadOnly, key: 1}, // the cursor, which has a hash tag
	{Name: "cluster|cancelslotmigrations", Arity: -2, Flags: Keyless},
	{Name: "cluster|flushslot", Arity: -3, Flags: Write | Keyless},
	{Name: "cluster|getslotmigrations", Arity: -2, Flags: Keyless},
	{Name: "cluster|migrateslots", Arity: -3, Flags: Keyless},
	{Name: "cluster|migration", Arity: -3, Flags: Keyless},
	{Name: "cluster|myshardid", Arity: -2, Flags: Keyless},
	{Name: "cluster|slot-stats", Arity: -3, Flags: Keyless, Request: AllShards, Response: ResponseSpecial},
	{Name: "commandlog", Arity: -2, Flags: Keyless | Container},
	{Name: "commandlog|get", Arity: -4, Flags: Keyless, Request: AllNodes},
	{Name: "commandlog|help", Arity: -2, Flags: Keyless},
	{Name: "commandlog|len", Arity: -3, Flags: Keyless, Request: AllNodes, Response: AggSum},
	{Name: "commandlog|reset", Arity: -3, Flags: Keyless, Request: AllNodes, Response: AllSucceeded},
	{Name: "delex", Arity: -2, Flags: Write, key: 1},
	{Name: "delifeq", Arity: -3, Flags: Write, key: 1},
	{Name: "digest", Arity: -2, Flags: ReadOnly, key: 1},
	{Name: "hexpire", Arity: -6, Flags: Write, key: 1},
	{Name: "hexpireat", Arity: -6, Flags: Write, key: 1},
	{Name: "hexpiretime", Arity: -5, Flags: ReadOnly, key: 1},
	{Name: "hgetdel", Arity: -5, Flags: Write, key: 1},
	{Name: "hgetex", Arity: -5, Flags: Write, key: 1},
	{Name: "himport", Arity: -2, Flags: Container},
	{Name: "himport|discard", Arity: -3, Flags: Write | Keyless},
	{Name: "himport|discardall", Arity: -2, Flags: Write | Keyless},
	{Name: "himport|prepare", Arity: -4, Flags: Write | Keyless},
	{Name: "himport|set", Arity: -5, Flags: Write, key: 2},
	{Name: "hotkeys", Arity: -2, Flags: Keyless | Container},
	{Name: "hotkeys|get", Arity: -2, Flags: Keyless},
	{Name: "hotkeys|help", Arity: -2, Flags: Keyless},
	{Name: "hotkeys|reset", Arity: -2, Flags: Keyless},
	{Name: "hotkeys|start", Arity: -2, Flags: Keyless},
	{Name: "hotkeys|stop", Arity: -2, Flags: Keyless},
	{Name: "hpersist", Arity: -5, Flags: Write, key: 1},
	{Name: "hpexpire", Arity: -6, Flags: Write, key: 1},
	{Name: "hpexpireat", Arity: -6, Flags: Write, key: 1},
	{Name: "hpexpiretime", Arity: -5, Flags: ReadOnly, key: 1},
	{Name: "hpttl", Arity: -5, Flags: ReadOnly, key: 1},
	{Name: "hsetex", Arity: -6, Flags: Write, key: 1},
	{Name: "httl", Arity: -5, Flags: ReadOnly, key: 1},
	{Name: "increx", Arity: -2, Flags: Write, key: 1},
	{Name: "lmovem", Arity: -5, Flags: Write, specs: []keySpec{{from: 1, last: 1, step: 1}}},
	{Name: "msetex", Arity: -4, Flags: Write, specs: []keySpec{{from: 1, counted: true, first: 1, step: 2}}},
	{Name: "script|show", Arity: -3, Flags: Keyless},
	{Name: "sdiffcard", Arity: -3, Flags: ReadOnly, specs: []keySpec{{from: 1, counted: true, first: 1, step: 1}}},
	{Name: "sunioncard", Arity: -3, Flags: ReadOnly, specs: []keySpec{{from: 1, counted: true, first: 1, step: 1}}},
	{Name: "waitaof", Arity: -4, Flags: Keyless, Request: AllShards, Response: AggMin},
	{Name: "xackdel", Arity: -6, Flags: Write, key: 1},
	{Name: "xcfgset", Arity: -2, Flags: Write, key: 1},
	{Name: "xdelex", Arity: -5, Flags: Write, key: 1},
	{Name: "xnack", Arity: -7, Flags: Write, key: 1},
}

// moduleReads are reads of modules whose only key is the first argument.
const moduleReads = `
	bf.card bf.exists bf.info bf.mexists bf.scandump
	cf.compact cf.count cf.exists cf.info cf.mexists cf.scandump
	cms.info cms.query
	ft.sugget ft.suglen
	json.arrindex json.arrlen json.get json.objkeys json.objlen json.resp json.strlen json.type
	tdigest.byrank tdigest.byrevrank tdigest.cdf tdigest.info tdigest.max tdigest.min
	tdigest.quantile tdigest.rank tdigest.revrank tdigest.trimmed_mean
	topk.count topk.info topk.list topk.query
	ts.get ts.info ts.range ts.read ts.revrange
	vcard vdim vemb vgetattr vinfo vismember vlinks vrandmember vrange vsim
`

// moduleWrites are the like that change the key.
const moduleWrites = `
	bf.add bf.insert bf.loadchunk bf.madd bf.reserve
	cf.add cf.addnx cf.del cf.insert cf.insertnx cf.loadchunk cf.reserve
	cms.incrby cms.initbydim cms.initbyprob
	ft.sugadd ft.sugdel
	json.arrappend json.arrinsert json.arrpop json.arrtrim json.clear json.del json.forget
	json.merge json.numincrby json.nummultby json.numpowby json.set json.strappend json.toggle
	tdigest.add tdigest.create tdigest.reset
	topk.add topk.incrby topk.reserve
	ts.add ts.alter ts.create ts.decrby ts.del ts.incrby
	vadd vrem vsetattr
`

// searchReads and searchWrites concern an index, which is no key: it spans the
// cluster, and whichever node is asked brings in the others.
const (
	searchReads = `
	ft._list ft.aggregate ft.aliaslist ft.dictdump ft.explain ft.explaincli ft.hybrid
	ft.info ft.profile ft.search ft.spellcheck ft.syndump ft.tagvals
`
	searchWrites = `
	ft.aliasadd ft.aliasdel ft.aliasupdate ft.alter ft.create ft.dictadd ft.dictdel ft.drop
	ft.dropindex ft.synupdate
`
)

// modules lists the other commands of modules.
var modules = []Command{
	{Name: "cms.merge", Arity: -4, Flags: Write, specs: destinationAndCounted},
	{Name: "ft.config", Arity: -2, Flags: Keyless | Container},
	{Name: "ft.config|get", Arity: -3, Flags: Keyless},
	{Name: "ft.config|help", Arity: -2, Flags: Keyless},
	{Name: "ft.config|set", Arity: -4, Flags: Keyless},
	{Name: "ft.cursor", Arity: -2, Flags: Keyless | Container},
	{Name: "ft.cursor|del", Arity: -4, Flags: Keyless},
	{Name: "ft.cursor|profile", Arity: -4, Flags: Keyless},
	{Name: "ft.cursor|read", Arity: -4, Flags: Keyless}, // moves the cursor
	{Name: "json.debug", Arity: -2, Flags: Container},
	{Name: "json.debug|help", Arity: -2, Flags: ReadOnly | Keyless},
	{Name: "json.debug|memory", Arity: -3, Flags: ReadOnly, key: 2},
	{Name: "json.mget", Arity: -3, Flags: ReadOnly, Request: MultiShard, specs: []keySpec{{from: 1, last: -2, step: 1}}},
	{Name: "json.mset", Arity: -4, Flags: Write, specs: []keySpec{{from: 1, last: -1, step: 3}}},
	{Name: "tdigest.merge", Arity: -4, Flags: Write, specs: destinationAndCounted},
	{Name: "ts.createrule", Arity: -3, Flags: Write, specs: []keySpec{{from: 1, last: 1, step: 1}}},
	{Name: "ts.deleterule", Arity: -3, Flags: Write, specs: []keySpec{{from: 1, last: 1, step: 1}}},
	{Name: "ts.madd", Arity: -4, Flags: Write, Request: MultiShard, specs: []keySpec{{from: 1, last: -1, step: 3}}},
	{Name: "ts.mget", Arity: -3, Flags: ReadOnly | Keyless},
	{Name: "ts.mrange", Arity: -4, Flags: ReadOnly | Keyless},
	{Name: "ts.mrevrange", Arity: -4, Flags: ReadOnly | Keyless},
	{Name: "ts.nrange", Arity: -5, Flags: ReadOnly, specs: []keySpec{{from: 1, counted: true, first: 1, step: 1}}},
	{Name: "ts.nrevrange", Arity: -5, Flags: ReadOnly, specs: []keySpec{{from: 1, counted: true, first: 1, step: 1}}},
	{Name: "ts.queryindex", Arity: -2, Flags: ReadOnly | Keyless},
	{Name: "ts.querylabels", Arity: -2, Flags: ReadOnly | Keyless},
}

var destinationAndCounted = []keySpec{{from: 1, step: 1}, {from: 2, counted: true, first: 1, step: 1}}

// newIndex completes the server's table by the above, and hashes all of it by name.
// It runs once; after that, no Command changes. A name above that no command has is a
// panic.
func newIndex() *commandIndex {
	x := new(commandIndex)
	x.add(table)
	x.add(newer)

	for i := range modules {
		modules[i].Flags |= Module | Opaque
	}
	x.add(modules)
	x.addNamed(moduleReads, Command{Arity: -2, Flags: Module | Opaque | ReadOnly, key: 1})
	x.addNamed(moduleWrites, Command{Arity: -2, Flags: Module | Opaque | Write, key: 1})
	x.addNamed(searchReads, Command{Arity: -1, Flags: Module | Opaque | ReadOnly | Keyless})
	x.addNamed(searchWrites, Command{Arity: -1, Flags: Module | Opaque | Write | Keyless})

	x.set(shared, Shared)
	x.set(reads, ReadOnly)
	x.set(anyNode, AnyNode)
	x.set(scripts, Opaque)
	for i := range policies {
		for c := range x.each(policies[i].names) {
			c.Request, c.Response = policies[i].request, policies[i].response
		}
	}
	for i := range blocking {
		for c := range x.each(blocking[i].names) {
			c.Flags |= Blocking
			c.block = &blocking[i].rule
		}
	}
	for i := range refusals {
		for c := range x.each(refusals[i].names) {
			c.Flags |= Connection
			c.refusal = refusals[i].text
		}
	}
	x.completeKeys()
	x.markNodeLocal()
	return x
}

// completeKeys says where the keys are that no key specification describes.
func (x *commandIndex) completeKeys() {
	x.must("sort").find = sortKeys
	x.must("sort_ro").key = 1 // the rest are patterns
	x.must("georadius").find = geoKeys
	x.must("georadiusbymember").find = geoKeys
	x.must("migrate").find = migrateKeys
	x.must("xread").find = streamKeys
	x.must("xreadgroup").find = streamKeys
	debug := x.must("debug")
	debug.find = debugKeys
	debug.Flags &^= Keyless
	for c := range x.each("cluster|countkeysinslot cluster|flushslot cluster|getkeysinslot") {
		c.SlotArg = 2
	}
}

// markNodeLocal sets NodeLocal on what no other rule covers.
func (x *commandIndex) markNodeLocal() {
	for _, c := range x {
		if c != nil && c.Flags&(Keyless|AnyNode|Connection) == Keyless && c.Request == RequestNone && c.SlotArg == 0 {
			c.Flags |= NodeLocal
		}
	}
}

// add indexes cmds, except those whose names are there.
func (x *commandIndex) add(cmds []Command) {
	for i := range cmds {
		if slot := x.slot("", cmds[i].Name); *slot == nil {
			*slot = &cmds[i]
		}
	}
}

// addNamed indexes a copy of like for each of names.
func (x *commandIndex) addNamed(names string, like Command) {
	cmds := make([]Command, 0, strings.Count(names, " ")+strings.Count(names, "\n"))
	for name := range strings.FieldsSeq(names) {
		like.Name = name
		cmds = append(cmds, like)
	}
	x.add(cmds)
}

// set sets flags on the commands of names.
func (x *commandIndex) set(names string, flags Flags) {
	for c := range x.each(names) {
		c.Flags |= flags
	}
}

// each yields the commands of names.
func (x *commandIndex) each(names string) func(yield func(*Command) bool) {
	return func(yield func(*Command) bool) {
		for name := range strings.FieldsSeq(names) {
			if !yield(x.must(name)) {
				return
			}
		}
	}
}

func (x *commandIndex) must(name string) *Command {
	c := *x.slot("", name)
	if c == nil {
		panic("routing: no command is named " + name)
	}
	return c
}
