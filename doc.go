// Package slotmesh is a client for Redis Cluster and Valkey that stands in for
// go-redis's ClusterClient: a *Client is a redis.UniversalClient.
//
//	client, err := slotmesh.New(ctx, slotmesh.Options{Addrs: []string{"10.0.0.1:7000", "10.0.0.2:7000"}})
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//
//	client.Set(ctx, "user:1", "Ada", time.Hour)
//	names, err := client.MGet(ctx, "user:1", "user:2", "user:3").Result()
//
// Every command of go-redis is routed by the slot of its keys. MGET, MSET and DEL may
// name keys of any slots, alone, in a pipeline and through Do; package batch does the
// same with a result per key and a choice of strategy.
//
// # Redirections and retries
//
// A node that no longer serves a slot answers MOVED: the client corrects its slot map
// at once, follows, and loads the map anew in the background. ASK, while a slot
// migrates, is followed for that command only, with ASKING in the same write. More than five
// redirections of one command are ErrTooManyRedirects. TRYAGAIN, CLUSTERDOWN, LOADING
// and a node that cannot be reached are waited out, within Options.Retry and the
// context's deadline.
//
// A command is sent again only when it is proven that it did not run, or when it may
// run twice: reads, and commands whose context is marked with Idempotent. All else
// ends with an *Error whose Outcome tells what is known. An INCR whose connection broke
// after it was written is routing.Unknown: it may have run, and may still.
//
// The commands of a pipeline for one slot run in the order given. When a node redirects or
// refuses some of them only those are sent again, in their order: a later command of the slot
// that was not refused has then run before them. A transaction (TxPipeline) moves as a whole.
//
// # Errors
//
// What a node answers reaches the caller as go-redis has it: err == redis.Nil, and
// error replies that satisfy redis.Error. What no node answered is an *Error; a batch
// of which some keys failed is a *batch.PartialError. SafeToRetry tells whether an
// error proves that nothing ran.
package slotmesh
