// Benchmarks compares clients for Redis Cluster, side by side, on a real cluster of
// three masters that it starts on free ports:
//
//	go run -C internal/benchmarks .                        the cells that have a goal
//	go run -C internal/benchmarks . -only '^get/64B/'      some of them
//	go run -C internal/benchmarks . -cells full -rounds 3  every cell: hours
//	go run -C internal/benchmarks . -spin on               beside a busy program
//	go run -C internal/benchmarks . -markdown              the table of the README
//	go run -C internal/benchmarks . -cancel                how soon a cancelled call returns
//
// A cell is one workload, and its name tells which: get/64B/256 is GET of values of 64
// bytes by 256 goroutines, mset100/1KB/32/spin/p8 is MSET of 100 random keys and values
// of 1 KB by 32 callers, beside 2 x GOMAXPROCS goroutines that spin, under GOMAXPROCS=8.
//
// # The clients
//
//	slotmesh        New as it comes; many keys with batch.MGet and batch.MSet
//	rueidis         as it comes, no client-side cache; many keys with its MGet and MSet
//	rueidis-multi   the same, many keys with DoMulti of GETs and SETs
//	rueidis-20us    MaxFlushDelay of 20 us; many keys with DoMulti
//	goredis         ClusterClient as it comes; many keys with a pipeline
//	goredis-half    its auto-pipeliner, half duplex: many keys with the asynchronous one
//	goredis-full    the same, full duplex
//	floor           requests encoded beforehand on one connection per node, replies
//	                counted and nothing decoded: what the servers and the network leave
//
// The floor is no peer: no ratio is taken of it. With one caller it waits for each reply;
// with more it keeps as many requests on their way as there are callers, and its callers
// of many keys do not wait for the slowest node. Its p50 and p99 are those of requests,
// taken at one reply of each read.
//
// # How it is measured
//
// Each client has a process of its own, which stays up with its connections and its
// caches warm. In each round each client runs the cell for a short slice while the
// others are idle, in an order that rotates. A slice begins with a ramp that does not
// count; then the process counts for one window what it completed, its processor time
// (getrusage), its allocations, and the latency of every eighth call, or of every call
// for many keys. What is printed are medians over the rounds; a ratio is that of two
// medians of throughput, to the peer whose median is best in that cell. The spread is half
// the distance between the quartiles: where it is not small, somebody else used the machine,
// and with one caller more depends on that than on the client, because a processor that
// sleeps wakes up late. With spinning goroutines there is no processor time to tell: theirs
// is part of it.
//
// Keys are random, uniform, out of 100,000 for each size of value, 2,000 for 64 KB. Their
// names are made beforehand, and so are the arguments of calls for many keys, in the form
// in which the client takes them; the slots are not. Of every value that comes back the
// length is checked, and when a process starts it writes values with its client that
// tell keys apart and reads them back. A caller has one context with a deadline and a
// cancel function, and uses it for all its calls.
//
// An error in a cell fails the cell, and the program in the end.
package main
