// Package clustertest is a Redis Cluster inside go test: real nodes as far as a client can
// tell, in this process, with faults on demand.
//
//	c := clustertest.Start(t, clustertest.Config{Replicas: 1})
//	client, err := slotmesh.New(ctx, slotmesh.Options{Addrs: c.Addrs()})
//	...
//	err = c.Migrate(ctx, 42, c.Masters()[1]) // a slot moves
//	err = c.Kill(c.Masters()[0])             // a node dies
//
// The nodes speak the protocol of redis-server 7.0: RESP2 and RESP3, the slots and their
// redirections, MIGRATE, transactions, scripts, blocking commands, replicas that serve
// READONLY clients. Any client can use them, redis-cli too. They listen on 127.0.0.1, or
// keep all connections in memory, which is what testing/synctest needs:
//
//	synctest.Test(t, func(t *testing.T) {
//		c := clustertest.Start(t, clustertest.Config{InMemory: true})
//		client, err := slotmesh.New(ctx, slotmesh.Options{Addrs: c.Addrs(), Dialer: c.Dialer})
//		...
//	})
//
// # What is disturbed, and how
//
//	nodes        Kill, Restart, Pause, Resume
//	network      Cut, Heal, Latency
//	slots        Migrate, or BeginMigration, MoveKeys and FinishMigration
//	roles        Promote
//	knowledge    Lag, CatchUp: a node that has an old map
//	requests     Fault, Hold
//
// Each returns when its effect can be seen. Commands tells what a node was sent, Events
// what happened to the cluster; a test that fails logs the events.
//
// # What is not there
//
// There is no cluster bus between the nodes yet: they do not find out that one of them is
// away, and elect nobody: CLUSTER MEET, FORGET, REPLICATE, FAILOVER and RESET are not
// supported. What they tell each other about slots is carried by the verbs and by a SETSLOT
// that takes a slot over. A replica has each write before the client has its reply.
//
// There is no pub/sub, sharded or not, there are no functions, ACLs or client-side caching.
// Of the commands on data SORT, BITFIELD, LCS, GEOHASH, GEOSEARCHSTORE and XSETID are
// missing, and in scripts also the HyperLogLogs. Streams cannot leave a node: DUMP and
// MIGRATE refuse them, and a replica that is attached later, or restarted, lacks them.
// Scripts run on another Lua than the server's, which has no RESP3.
//
// Whatever a node does not have it refuses with an error that says so.
package clustertest
