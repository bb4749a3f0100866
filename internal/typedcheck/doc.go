// Package typedcheck is a test: it runs every typed command of go-redis through slotmesh
// and through go-redis's own ClusterClient, on the same data of a real cluster, and
// compares what the caller is given: the values of Result, and the error with its text and
// its type. Each command is run with the data that it is for, without any, and with data
// of another type; each of these alone, in a pipeline and in a transaction, in RESP2 and
// in RESP3.
//
//	go test ./internal/typedcheck
//	go test ./internal/typedcheck -run TestTyped/RESP3/commands/streams/XInfoStreamFull
//
// The tables have an example or more of each method of redis.Cmdable that the server
// knows. What it does not know is called with arguments made up for it, for its error
// (unknown_test.go). What is not compared, and why, is in without_test.go and
// differences_test.go. A method that is in none of these fails the test.
package typedcheck
