package wire

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// receive hands bytes to an exchange as a connection does that reads them in pieces of these
// lengths, the last of which may be longer.
func receive(t *testing.T, x *Exchange, stream string, cuts ...int) {
	t.Helper()
	var s resp.Scanner
	for len(stream) > 0 {
		size := len(stream)
		if len(cuts) > 0 {
			size, cuts = min(cuts[0], size), cuts[1:]
		}
		for piece := []byte(stream[:size]); len(piece) > 0; {
			n, complete, err := s.Scan(piece)
			require.NoError(t, err)
			x.keep(piece[:n], s.Missing())
			if piece = piece[n:]; complete {
				x.came++
			}
		}
		stream = stream[size:]
	}
}

// ofSize returns a reply of so many bytes, which are told in advance or not.
func ofSize(size int, told bool) string {
	if !told {
		return "+" + strings.Repeat("s", size-3) + "\r\n"
	}
	for n := max(0, size-16); ; n++ {
		if reply := bulk(strings.Repeat("b", n)); len(reply) >= size {
			return reply
		}
	}
}

// sizes are those around each limit.
func sizes() []int {
	all := []int{5, 6, 40}
	for _, limit := range []int{alone, 4 * alone, maxChunk} {
		all = append(all, limit-1, limit, limit+1)
	}
	return all
}

func TestRepliesAreWhatCameHoweverItWasCut(t *testing.T) {
	for _, size := range sizes() {
		for _, told := range []bool{true, false} {
			for _, n := range []int{1, 2, 3 + 10_000/size} {
				reply := ofSize(size, told)
				for _, cuts := range [][]int{nil, {1}, {3, 2}, {alone - 1, 1}, {alone, 1}, {size - 1, 1}, {size, 1}, {size + 1, size - 2, 1}} {
					name := fmt.Sprintf("%d of %d bytes, told %t, cut at %v", n, len(reply), told, cuts)
					x := requests(n)
					receive(t, x, strings.Repeat(reply, n), cuts...)
					require.True(t, x.complete(), name)
					require.Equal(t, n, x.Answered(), name)
					for i := range n {
						require.Equal(t, reply, string(x.Reply(i)), name)
					}
				}
			}
		}
	}
}

// requests returns an exchange of n requests, of which only the number matters.
func requests(n int) *Exchange {
	x := &Exchange{}
	for range n {
		x.Request = append(x.Request, "*1\r\n$4\r\nPING\r\n"...)
		x.Ends = append(x.Ends, len(x.Request))
	}
	return x
}

// What is said to have memory of its own has it: neither a chunk nor what is used again.
func TestRepliesThatAreAlone(t *testing.T) {
	for _, size := range []int{alone - 1, alone, alone + 1, 2 * alone, 8 * alone} {
		for _, told := range []bool{true, false} {
			for _, n := range []int{1, 2000} {
				for _, cuts := range [][]int{nil, {1}, {40}, {alone - 1}} {
					name := fmt.Sprintf("%d of %d bytes, told %t, cut at %v", n, size, told, cuts)
					x := requests(n)
					if n > 1 {
						receive(t, x, "+first\r\n")
					}
					chunk := x.replies.chunk
					receive(t, x, ofSize(size, told), cuts...)
					last := x.Answered() - 1
					require.Equal(t, len(x.Reply(last)) >= alone, x.Alone(last), name)
					if x.Alone(last) && (within(x.Reply(last), x.replies.scratch) || within(x.Reply(last), chunk)) {
						t.Errorf("%s: it lies where others will", name)
					}
				}
			}
		}
	}
}

// within reports whether a is a part of b.
func within(a, b []byte) bool {
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	at, from := uintptr(unsafe.Pointer(&a[0])), uintptr(unsafe.Pointer(&b[0]))
	return at >= from && at < from+uintptr(len(b))
}

// adjoins reports whether b follows a in memory.
func adjoins(a, b []byte) bool {
	return len(a) > 0 && len(b) > 0 && uintptr(unsafe.Pointer(&a[len(a)-1]))+1 == uintptr(unsafe.Pointer(&b[0]))
}

// Small replies cost no memory each, and one that is kept keeps no more than 64 KiB.
func TestSmallRepliesShareChunks(t *testing.T) {
	const n = 10_000
	x := requests(n)
	receive(t, x, strings.Repeat(ofSize(100, true), n))
	chunks, first := 0, 0
	for i := range n {
		if i > 0 && adjoins(x.Reply(i-1), x.Reply(i)) {
			continue
		}
		chunks++
		require.LessOrEqual(t, (i-first)*100, maxChunk)
		first = i
	}
	require.LessOrEqual(t, chunks, n*100/maxChunk+2)

	all := strings.Repeat(ofSize(100, true), 100)
	allocs := testing.AllocsPerRun(10, func() {
		x.Reset()
		x.Ends = x.Ends[:100]
		receive(t, x, all)
	})
	require.Less(t, allocs, 10.0)
}

// A reply appended to does not reach into the one behind it.
func TestRepliesDoNotReachIntoEachOther(t *testing.T) {
	x := requests(3)
	receive(t, x, "+a\r\n+b\r\n+c\r\n")
	_ = append(x.Reply(0), "overwritten"...)
	require.Equal(t, "+b\r\n", string(x.Reply(1)))
}

// A node that says that much will come, and sends little, costs little.
func TestAnAnnouncedSizeIsNotTrusted(t *testing.T) {
	x := requests(1)
	receive(t, x, "$9000000000000000000\r\nabc")
	require.LessOrEqual(t, cap(x.replies.partial), trusted)
}

// Random exchanges, used again and again, have what a plain copy has; and what may be kept
// stays as it was whatever comes later.
func TestRepliesThatAreKept(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	x := &Exchange{}
	var kept [][]byte
	var copies []string
	for range 3000 {
		x.Reset()
		n := 1 + r.IntN(2)*r.IntN(40)
		single := n == 1 && r.IntN(2) == 0
		for i := range n {
			if x.Request = append(x.Request, '*'); !single {
				x.Ends = append(x.Ends, i+1)
			}
		}
		want, stream := randomReplies(r, n)
		receive(t, x, stream, randomCuts(r, len(stream))...)
		for i, reply := range want {
			require.Equal(t, reply, string(x.Reply(i)))
			if x.Kept(i) && len(kept) < 5000 {
				kept, copies = append(kept, x.Reply(i)), append(copies, reply)
			}
		}
	}
	for i, reply := range kept {
		require.True(t, copies[i] == string(reply), "a reply of %d bytes that was kept is not what it was: %.40q, now %.40q", len(reply), copies[i], reply)
	}
}

// randomReplies returns replies, most of them small, and all of them in one.
func randomReplies(r *rand.Rand, n int) (replies []string, stream string) {
	for range n {
		size := 6 + r.IntN(60)
		if r.IntN(8) == 0 {
			size = []int{alone, alone - 1, alone + 1, 8 + r.IntN(5*alone)}[r.IntN(4)]
		}
		replies = append(replies, strings.Map(func(c rune) rune {
			if c == 's' || c == 'b' {
				return 'a' + rune(r.IntN(26))
			}
			return c
		}, ofSize(size, r.IntN(2) == 0)))
	}
	return replies, strings.Join(replies, "")
}

func randomCuts(r *rand.Rand, length int) (cuts []int) {
	most := []int{length, length, 10, alone}[r.IntN(4)]
	for at := 0; at < length && len(cuts) < 100; {
		n := 1 + r.IntN(most)
		cuts = append(cuts, n)
		at += n
	}
	return cuts
}
