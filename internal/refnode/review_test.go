package refnode

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(3 * time.Second):
		t.Fatal("hangs: " + what)
	}
}

func TestReviewGroupLoop(t *testing.T) {
	s, _ := startTarget(t, Config{})
	c, a, b := s.dial(t), s.dial(t), s.dial(t)
	require.Equal(t, "+OK\r\n", c.do("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"))
	a.send("XREADGROUP", "GROUP", "g", "a", "BLOCK", "0", "STREAMS", "s", ">")
	time.Sleep(50 * time.Millisecond)
	b.send("XREADGROUP", "GROUP", "g", "b", "BLOCK", "0", "STREAMS", "s", ">")
	time.Sleep(50 * time.Millisecond)
	within(t, "xadd", func() { t.Log(c.do("XADD", "s", "1-1", "f", "v")) })
	within(t, "a", func() { t.Log(a.receive()) })
}

func TestReviewEmptyStream(t *testing.T) {
	s, _ := startTarget(t, Config{})
	c := s.dial(t)
	require.Equal(t, "+OK\r\n", c.do("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"))
	t.Logf("%q", c.do("XINFO", "STREAM", "s"))
	within(t, "xread", func() { t.Logf("%q", c.do("XREAD", "BLOCK", "10", "STREAMS", "s", "$")) })
}

func TestReviewScriptBlock(t *testing.T) {
	s, _ := startTarget(t, Config{})
	c := s.dial(t)
	within(t, "script", func() {
		t.Logf("%q", c.do("EVAL", "return redis.call('xread','block','1500','streams','s','$')", "1", "s"))
	})
	start := time.Now()
	within(t, "script2", func() {
		t.Logf("%q", c.do("EVAL", "return redis.call('xread','block','1500','streams','s','$')", "1", "s"))
	})
	require.Less(t, time.Since(start), time.Second)
}

func TestReviewTwoBlocks(t *testing.T) {
	s, _ := startTarget(t, Config{})
	c, d := s.dial(t), s.dial(t)
	c.send("XREAD", "BLOCK", "0", "BLOCK", "2500", "STREAMS", "s", "0")
	start := time.Now()
	within(t, "ping", func() { t.Logf("%q", d.do("PING")) })
	require.Less(t, time.Since(start), time.Second)
	e := s.dial(t)
	t.Logf("%q", e.do("XGROUP", "CREATE", "q", "streams", "$", "MKSTREAM"))
	e.send("XREADGROUP", "GROUP", "streams", "a", "BLOCK", "2500", "STREAMS", "q", ">")
	time.Sleep(50 * time.Millisecond)
	start = time.Now()
	within(t, "ping", func() { t.Logf("%q", d.do("PING")) })
	require.Less(t, time.Since(start), time.Second)
	t.Logf("%q", e.do("XGROUP", "CREATE", "q", "block", "$", "MKSTREAM"))
	r := e.do("XREADGROUP", "GROUP", "block", "a", "STREAMS", "q", ">")
	require.False(t, strings.HasPrefix(r, "-"), r)
}
