// Package refnode is one node of a Redis Cluster, in this process: the reference that
// clients are tested against. It answers as redis-server 7.0.15 in cluster mode does, byte
// for byte as far as it goes, and says of every command that it does not have that it
// does not.
//
// # The life of a command
//
//	session     a goroutine per connection reads requests, runs them one after the
//	            other, and collects the replies; the outbox's goroutine writes them
//	Intercept   a test may hold a request, answer it, or break its connection
//	process     under the node's lock: the order of checks of a real server
//	  command.Find    is there such a command, with so many arguments
//	  view.Decide     is it served here, or where
//	  pause, MULTI    is it held back, or queued
//	  run             a handler of the node's own, or the engine
//	wrote       which keys have changed: for WATCH, for those who block on them, for
//	            the index of slots, for when they expire, and for the followers
//	serveReady  who was waiting for that
//	deliver     the followers run it too, before the client has its reply
//
// # What is where
//
//	view        what a node knows of its cluster, and every decision that follows
//	command     what there is to know about commands
//	engine      the data: commands on the values that miniredis keeps
//	rdb, hll    payloads of DUMP, and HyperLogLogs
//	transport   networks, in memory too, and clocks
//	glob        patterns
//	decimal     integers, as the server reads them
//
// And of this package:
//
//	node, owner               a Node, and what its owner may ask of it
//	session, sessions         a client; input, outbox, silence: what it sends and gets
//	dispatch, arguments       process, and how a handler reads and answers
//	engine_commands, execute  what the engine runs, and what follows from that
//	keyspace, deadline        which keys there are, and when they expire
//	waiter, wait              clients that wait; blocking has the commands that do
//	follower, role            replicas
//	connection, transaction, script, keys, object, hyperloglog, cluster, dump, migrate,
//	clients, client_kill, pause, config, parameters, info, server, command_replies, help
//	                          the commands of the node's own, by what they are about
//	intercept                 what a test does to a request
//
// One lock per node stands for the one thread of a real server. It is a channel, so that
// waiting for it ends when the node does, and so that time passes meanwhile in a bubble of
// testing/synctest. Locks are taken from master to replica, never the other way.
//
// There is no cluster bus and no replication over the wire yet. Says and Hear are what
// nodes know of each other, Attach and HandOver what replicas know of their master; who
// owns the nodes calls them.
package refnode
