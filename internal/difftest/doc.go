// Package difftest is a test: it sends the same random commands to two clusters
// and compares what they answer, byte for byte. Run on two clusters of real
// redis-servers it finds nothing, which shows that it makes no noise of its own;
// so what it finds between a real cluster and the embedded one is a difference
// between the two.
//
//	go test ./internal/difftest                          some thousand steps
//	go test ./internal/difftest -steps 500000            as many as one likes
//	SLOTMESH_SEED=7 go test ./internal/difftest          the run that failed
//	go test ./internal/difftest -fuzz FuzzReplies        a fuzzer instead of a seed
//
// What is sent is data: shapes_test.go has one line for each shape of command.
package difftest
