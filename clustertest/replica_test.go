package clustertest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/clustertest"
)

// A shard is a master and its replica, each with one connection.
type shard struct {
	c               *clustertest.Cluster
	master, replica *wire
}

// newShard returns the first shard of a cluster. All connections are in memory.
func newShard(t *testing.T) shard {
	t.Helper()
	c := clustertest.Start(t, clustertest.Config{InMemory: true, Replicas: 1})
	s := shard{c, dial(t, c, c.Masters()[0]), dial(t, c, c.Addrs()[3])}
	s.replica.ok("READONLY")
	return s
}

// same checks that both nodes have the same keys with the same values and deadlines.
func (s shard) same() {
	t := s.master.t
	t.Helper()
	keys := strings.Fields(s.master.do("CLUSTER GETKEYSINSLOT 0 1000"))
	require.ElementsMatch(t, keys, strings.Fields(s.replica.do("CLUSTER GETKEYSINSLOT 0 1000")))
	for _, key := range keys {
		if !strings.HasPrefix(key, "{") {
			continue
		}
		for _, command := range []string{"DUMP ", "PEXPIRETIME "} {
			require.Equal(t, s.master.do(command+key), s.replica.do(command+key), command+key)
		}
	}
}

// writes are writes of every kind, what the replica is then asked, and its answer. {} stands
// for the tag of the slot.
var writes = map[string]struct {
	writes     []string
	read, want string
}{
	"SET":          {[]string{"SET {}k v"}, "GET {}k", "$1 v"},
	"MSET":         {[]string{"MSET {}a 1 {}b 2"}, "MGET {}a {}b", "*2 $1 1 $1 2"},
	"MSETNX":       {[]string{"MSETNX {}a 1 {}b 2"}, "MGET {}a {}b", "*2 $1 1 $1 2"},
	"INCR":         {[]string{"INCR {}n", "INCR {}n"}, "GET {}n", "$1 2"},
	"INCRBYFLOAT":  {[]string{"INCRBYFLOAT {}n 0.5", "INCRBYFLOAT {}n 0.25"}, "GET {}n", "$4 0.75"},
	"APPEND":       {[]string{"APPEND {}k ab", "APPEND {}k cd"}, "GET {}k", "$4 abcd"},
	"SETEX":        {[]string{"SETEX {}k 100 v"}, "PTTL {}k", ":100000"},
	"SET PX":       {[]string{"SET {}k v PX 1500"}, "PTTL {}k", ":1500"},
	"SET KEEPTTL":  {[]string{"SET {}k v EX 5", "SET {}k w KEEPTTL"}, "TTL {}k", ":5"},
	"EXPIRE":       {[]string{"SET {}k v", "EXPIRE {}k 5"}, "TTL {}k", ":5"},
	"PERSIST":      {[]string{"SET {}k v EX 5", "PERSIST {}k"}, "TTL {}k", ":-1"},
	"GETDEL":       {[]string{"SET {}k v", "GETDEL {}k"}, "EXISTS {}k", ":0"},
	"GETEX":        {[]string{"SET {}k v", "GETEX {}k EX 7"}, "TTL {}k", ":7"},
	"DEL":          {[]string{"SET {}k v", "DEL {}k"}, "EXISTS {}k", ":0"},
	"UNLINK":       {[]string{"MSET {}a 1 {}b 2 {}c 3", "UNLINK {}a {}b"}, "EXISTS {}a {}b {}c", ":1"},
	"RENAME":       {[]string{"SET {}a v EX 9", "SET {}b w", "RENAME {}a {}b"}, "TTL {}b", ":9"},
	"RENAMENX":     {[]string{"SET {}a v", "RENAMENX {}a {}b"}, "MGET {}a {}b", "*2 $-1 $1 v"},
	"COPY":         {[]string{"SET {}a v EX 9", "COPY {}a {}b"}, "TTL {}b", ":9"},
	"RPUSH":        {[]string{"RPUSH {}l a b c"}, "LRANGE {}l 0 -1", "*3 $1 a $1 b $1 c"},
	"LPOP":         {[]string{"RPUSH {}l a b c", "LPOP {}l 2"}, "LRANGE {}l 0 -1", "*1 $1 c"},
	"BLPOP":        {[]string{"RPUSH {}l a b", "BLPOP {}none {}l 0"}, "LRANGE {}l 0 -1", "*1 $1 b"},
	"BRPOP of all": {[]string{"RPUSH {}l a", "BRPOP {}l 0"}, "EXISTS {}l", ":0"},
	"LMPOP":        {[]string{"RPUSH {}l a b", "LMPOP 2 {}none {}l LEFT"}, "LRANGE {}l 0 -1", "*1 $1 b"},
	"BLMOVE":       {[]string{"RPUSH {}l a b", "BLMOVE {}l {}m LEFT RIGHT 0"}, "LRANGE {}m 0 -1", "*1 $1 a"},
	"BZPOPMIN":     {[]string{"ZADD {}z 1 a 2 b", "BZPOPMIN {}z 0"}, "ZRANGE {}z 0 -1", "*1 $1 b"},
	"HSET":         {[]string{"HSET {}h f v g w", "HDEL {}h f"}, "HGETALL {}h", "*2 $1 g $1 w"},
	"HINCRBY":      {[]string{"HINCRBY {}h n 5"}, "HGET {}h n", "$1 5"},
	"SADD":         {[]string{"SADD {}s a b", "SREM {}s a"}, "SMEMBERS {}s", "*1 $1 b"},
	"SPOP":         {[]string{"SADD {}s a b c d e f g h", "SPOP {}s"}, "SCARD {}s", ":7"},
	"SPOP many":    {[]string{"SADD {}s a b c d e f g h", "SPOP {}s 5"}, "SCARD {}s", ":3"},
	"SPOP of all":  {[]string{"SADD {}s a b", "SPOP {}s 5"}, "EXISTS {}s", ":0"},
	"SMOVE":        {[]string{"SADD {}s a b", "SMOVE {}s {}t a"}, "SMEMBERS {}t", "*1 $1 a"},
	"SINTERSTORE":  {[]string{"SADD {}s a b", "SADD {}t b c", "SINTERSTORE {}u {}s {}t"}, "SMEMBERS {}u", "*1 $1 b"},
	"ZADD":         {[]string{"ZADD {}z 1.5 a"}, "ZSCORE {}z a", "$3 1.5"},
	"ZPOPMAX":      {[]string{"ZADD {}z 1 a 2 b", "ZPOPMAX {}z"}, "ZRANGE {}z 0 -1", "*1 $1 a"},
	"PFADD":        {[]string{"PFADD {}p a b c"}, "EXISTS {}p", ":1"},
	"SETBIT":       {[]string{"SETBIT {}k 7 1"}, "GETBIT {}k 7", ":1"},
	"GEOADD":       {[]string{"GEOADD {}g 13 38 a"}, "ZCARD {}g", ":1"},
	"XADD": {[]string{"XADD {}x * f v", "XADD {}x * f w", "XTRIM {}x MAXLEN 1"}, "XRANGE {}x - +",
		"*1 *2 $14 946684800000-1 *2 $1 f $1 w"},
	"FLUSHALL":        {[]string{"SET {}k v EX 9", "FLUSHALL"}, "DBSIZE", ":0"},
	"FLUSHDB":         {[]string{"SET {}k v", "FLUSHDB ASYNC"}, "DBSIZE", ":0"},
	"EVAL":            {[]string{"EVAL redis.call('set',KEYS[1],'v')return(redis.call('incr',KEYS[2])) 2 {}k {}n"}, "MGET {}k {}n", "*2 $1 v $1 1"},
	"EVAL that fails": {[]string{"EVAL redis.call('incr',KEYS[1])redis.call('lpush',KEYS[1],'x') 1 {}n"}, "GET {}n", "$1 1"},
	"EVAL SPOP":       {[]string{"SADD {}s a b c d", "EVAL return(redis.call('spop',KEYS[1])) 1 {}s"}, "SCARD {}s", ":3"},
	"EVAL SPOP, RENAME": {[]string{"SADD {}s a b c d", "EVAL redis.call('spop',KEYS[1])redis.call('rename',KEYS[1],KEYS[2]) 2 {}s {}t"},
		"SCARD {}t", ":3"},
	"EVAL SPOP, SUNIONSTORE, DEL": {[]string{"SADD {}s a b c d",
		"EVAL redis.call('spop',KEYS[1])redis.call('sunionstore',KEYS[2],KEYS[1])redis.call('del',KEYS[1]) 2 {}s {}t"}, "SCARD {}t", ":3"},
	"EVALSHA":    {[]string{"SCRIPT LOAD return(redis.call('incr',KEYS[1]))", "EVALSHA a79a73d4efb6d4d8861290b54f6770d6422c2144 1 {}n"}, "GET {}n", "$1 1"},
	"EXEC":       {[]string{"MULTI", "SET {}a 1", "INCR {}a", "RPUSH {}l x", "EXEC"}, "GET {}a", "$1 2"},
	"EXEC SPOP":  {[]string{"SADD {}s a b c d", "MULTI", "SPOP {}s", "SPOP {}s 2", "EXEC"}, "SCARD {}s", ":1"},
	"EXEC BLPOP": {[]string{"RPUSH {}l a b", "MULTI", "BLPOP {}l 0", "EXEC"}, "LRANGE {}l 0 -1", "*1 $1 b"},
}

// Every write is on the replica before the client has its reply.
func TestReplicaHasWrite(t *testing.T) {
	for name, test := range writes {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShard(t)
				tagged := strings.NewReplacer("{}", keyOf(0, ""))
				for _, write := range test.writes {
					s.master.do(tagged.Replace(write))
				}
				s.replica.is(test.want, tagged.Replace(test.read))
				s.same()
			})
		})
	}
}

// Who waits for a key has it when the replica has it no more.
func TestReplicaOfBlockedClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShard(t)
		waiting := dial(t, s.c, s.c.Masters()[0])
		waiting.send("BLPOP", keyOf(0, "l"), "0")
		synctest.Wait()
		s.master.is(":2", "RPUSH "+keyOf(0, "l")+" a b")
		s.replica.is("*1 $1 b", "LRANGE "+keyOf(0, "l")+" 0 -1")
		require.Equal(t, "*2 $7 "+keyOf(0, "l")+" $1 a", strings.ReplaceAll(waiting.receive(), "$6", "$7"))
		s.same()
	})
}

// A key expires on both nodes at the same moment.
func TestReplicaExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShard(t)
		s.master.ok("SET " + keyOf(0, "k") + " v PX 1000")
		time.Sleep(999 * time.Millisecond) // fake
		s.replica.is(":1", "PTTL "+keyOf(0, "k"))
		s.replica.is("$1 v", "GET "+keyOf(0, "k"))
		time.Sleep(time.Millisecond) // fake
		s.replica.is("$-1", "GET "+keyOf(0, "k"))
		s.master.is("$-1", "GET "+keyOf(0, "k"))
		s.replica.is(":0", "DBSIZE")
		s.same()
	})
}

// A MIGRATE is on the replicas of both masters before its reply.
func TestReplicaOfMigration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShard(t)
		s.master.ok("SET " + keyOf(0, "k") + " v EX 100")
		require.NoError(t, s.c.BeginMigration(t.Context(), slotOf(0), s.c.Masters()[1]))
		target := dial(t, s.c, s.c.Addrs()[4])
		target.ok("READONLY")
		n, err := s.c.MoveKeys(t.Context(), slotOf(0), 1)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		s.replica.is(":0", "CLUSTER COUNTKEYSINSLOT 0")
		target.is(":1", "CLUSTER COUNTKEYSINSLOT 0")
		require.NoError(t, s.c.FinishMigration(t.Context(), slotOf(0)))
		target.is(":100", "TTL "+keyOf(0, "k"))
	})
}

// A replica that was away has all it missed when it is back.
func TestReplicaCatchesUp(t *testing.T) {
	for name, away := range map[string]struct{ leave, back func(s shard) error }{
		"paused": {
			func(s shard) error { return s.c.Pause(s.c.Addrs()[3]) },
			func(s shard) error { return s.c.Resume(s.c.Addrs()[3]) },
		},
		"cut off": {
			func(s shard) error { return s.c.Cut(s.c.Masters()[0], s.c.Addrs()[3]) },
			func(s shard) error { return s.c.Heal(s.c.Masters()[0], s.c.Addrs()[3]) },
		},
		"killed": {
			func(s shard) error { return s.c.Kill(s.c.Addrs()[3]) },
			func(s shard) error { return s.c.Restart(s.replica.t.Context(), s.c.Addrs()[3]) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShard(t)
				s.master.is(":3", "SADD "+keyOf(0, "s")+" a b c")
				s.master.ok("SET " + keyOf(0, "short") + " v EX 10")
				require.NoError(t, away.leave(s))
				s.master.ok("SET "+keyOf(0, "long")+" v EX 100", "FLUSHALL", "SET "+keyOf(0, "long")+" w EX 200")
				s.master.is(":3", "SADD "+keyOf(0, "s")+" x y z")
				s.master.do("SPOP " + keyOf(0, "s"))
				s.master.ok("SET " + keyOf(0, "gone") + " v EX 5")
				s.master.is(":0", "WAIT 1 10")
				waits := dial(t, s.c, s.c.Masters()[0])
				waits.send("WAIT", "1", "0")
				time.Sleep(time.Minute) // fake
				require.NoError(t, away.back(s))
				require.Equal(t, ":1", waits.receive())
				s.replica = dial(t, s.c, s.c.Addrs()[3])
				s.replica.ok("READONLY")
				s.replica.is(":2", "DBSIZE")
				s.replica.is(":140", "TTL "+keyOf(0, "long"))
				s.same()
			})
		})
	}
}

// Both commands of a transaction, or of a script, are on the replica at once: nobody
// sees one without the other.
func TestReplicaSeesWhole(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{Replicas: 1})
	w, r := dial(t, c, c.Masters()[0]), dial(t, c, c.Addrs()[3])
	r.ok("READONLY")
	a, b := keyOf(0, "a"), keyOf(0, "b")
	w.ok("MSET " + a + " 0 " + b + " 0")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 200 {
			w.ok("MULTI")
			w.is("+QUEUED", "INCR "+a)
			w.is("+QUEUED", "INCR "+b)
			w.do("EXEC")
		}
	}()
	for {
		got := strings.Fields(r.do("MGET " + a + " " + b))
		require.Equal(t, got[2], got[4])
		select {
		case <-done:
			return
		default:
		}
	}
}
