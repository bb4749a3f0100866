// Package wire is connections to nodes. One connection carries the requests of all callers,
// who drive it themselves: whoever submits writes, for others too, and whoever waits reads,
// for others too. No goroutine stands between a caller and its reply.
//
//	Submit   append the requests and a place for the replies; be the writer, if there is none
//	Wait     be the reader, if there is none, until the own replies are there; or be woken
//	watch    reads while nobody waits, so that a connection that ends is noticed
//
// The reader only finds where replies end, and hands their bytes to who asked; those decode
// them on their own. So a caller that gives up loses nobody a reply, and nobody pays for
// another's.
package wire
