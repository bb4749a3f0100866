package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// TestModel lets callers do what callers do to a connection whose peer does what it wants,
// and then compares what they got with what the peer has noted. SLOTMESH_SEED repeats a
// run, as far as the seed decides: who runs first is the scheduler's.
func TestModel(t *testing.T) {
	first, seeds := modelSeeds(t, 20)
	for i := range seeds {
		seed := first + uint64(i)
		t.Run(fmt.Sprintf("SLOTMESH_SEED=%d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newModel(t, seed).run() })
		})
		if t.Failed() {
			return
		}
	}
}

// modelSeeds returns the first seed, and how many to run.
func modelSeeds(t *testing.T, seeds int) (first uint64, n int) {
	text := os.Getenv("SLOTMESH_SEED")
	if text == "" {
		return uint64(rand.Uint32()), seeds
	}
	first, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, "SLOTMESH_SEED")
	return first, 1
}

const (
	modelTimeout = 2 * time.Second // the read timeout
	modelSteps   = 1500            // exchanges of a run, about
)

// A model is one run.
type model struct {
	t    *testing.T
	seed uint64
	c    *Conn
	peer *scribe
	end  end

	mu    sync.Mutex
	clock int // counts Submits begun and ended
	all   []*attempt
	held  bool // HoldUp was called
}

// An end is what becomes of the connection of a run.
type end int

const (
	survives end = iota
	closedByUs
	retiredByUs
	hugeReplies // of which one that nobody wants ends it
	closedByPeer
	resetByPeer
	halfReply // and then closed
	garbage
	silence
	ends
)

// An attempt is one exchange, and what became of it.
type attempt struct {
	x            *Exchange
	ids          []string
	began, ended int // of Submit
	err          error
	answered     int
	unsent       []bool
	refused      bool // by Submit
	movable      bool
}

func newModel(t *testing.T, seed uint64) *model {
	r := rand.New(rand.NewPCG(seed, 0))
	m := &model{t: t, seed: seed}
	if r.IntN(3) > 0 {
		m.end = end(r.IntN(int(ends)))
	}
	opts := Options{ReadTimeout: modelTimeout, WriteTimeout: time.Minute, Unbuffered: r.IntN(3) == 0}
	if r.IntN(3) > 0 {
		opts.Late = m.late
	}
	c, p := connect(t, opts)
	m.c = c
	m.peer = &scribe{
		peer: p, r: rand.New(rand.NewPCG(seed, 1)), end: m.end,
		last: math.MaxInt, lazy: []int{0, 1, 10, 100}[r.IntN(4)],
	}
	if m.end >= closedByPeer {
		m.peer.last = r.IntN(modelSteps)
	}
	return m
}

func (m *model) run() {
	r := rand.New(rand.NewPCG(m.seed, 2))
	var running sync.WaitGroup
	running.Go(m.peer.serve)
	if m.end == closedByUs {
		after := time.Duration(r.Int64N(int64(3 * time.Second)))
		running.Go(func() { time.Sleep(after); m.c.Close() })
	}
	if m.end == retiredByUs {
		defer time.AfterFunc(time.Duration(r.Int64N(int64(3*time.Second))), m.c.Retire).Stop()
	}
	var callers sync.WaitGroup
	n := 1 + r.IntN(24)
	for i := range n {
		caller := &caller{m: m, name: i, r: rand.New(rand.NewPCG(m.seed, uint64(i+10)))}
		callers.Go(func() { caller.run(modelSteps / n) })
	}
	hangs := time.AfterFunc(2*time.Hour, func() { // the watcher's timer hides it from synctest
		panic(fmt.Sprintf("SLOTMESH_SEED=%d: somebody hangs", m.seed))
	})
	callers.Wait()
	m.checkConn()
	m.c.Close()
	require.Zero(m.t, m.c.Unanswered())
	running.Wait()
	hangs.Stop()
	m.checkPeer()
}

// checkConn checks what became of the connection: cancellations alone do not end it.
func (m *model) checkConn() {
	switch {
	case m.end == closedByUs || m.end >= closedByPeer && m.peer.overdue():
		return
	case m.c.Gone() && (m.end == retiredByUs || m.end == hugeReplies):
		require.ErrorIs(m.t, m.c.Err(), ErrClosed, "nobody waits any more")
		return
	}
	require.NoError(m.t, m.c.Err(), "nothing has ended it")
	x := &Exchange{}
	x.Request, _ = resp.AppendRequest(nil, []any{"ECHO", "last", 1, ""})
	x.Ends = []int{len(x.Request)}
	m.peer.live()
	require.NoError(m.t, do(m.t.Context(), m.c, x))
	require.Equal(m.t, answer("last", 1), string(x.Reply(0)))
}

// late holds the connection up, now or later.
func (m *model) late(c *Conn, turn int64) {
	after := []time.Duration{0, time.Microsecond, 50 * time.Millisecond}[rand.IntN(3)]
	time.AfterFunc(after, func() {
		m.mu.Lock()
		m.held = true
		m.mu.Unlock()
		c.HoldUp(turn)
	})
}

// checkPeer compares what the callers know with what the peer has executed.
func (m *model) checkPeer() {
	at := make(map[string]int)
	for i, id := range m.peer.executed {
		if _, twice := at[id]; twice {
			m.t.Errorf("%s was executed twice", id)
		}
		at[id] = i
	}
	var ran []*attempt
	for _, a := range m.all {
		for i, id := range a.ids {
			where, executed := at[id]
			switch {
			case i < a.answered:
				require.True(m.t, executed, "%s was answered", id)
			case a.refused || a.err != nil && (a.unsent[i] || m.c.Unsent(a.x, i)):
				require.False(m.t, executed, "%s was unsent", id)
			}
			if executed && i > 0 {
				require.Equal(m.t, at[a.ids[i-1]]+1, where, "%s: an exchange is not torn", id)
			}
		}
		if _, executed := at[a.ids[0]]; executed {
			ran = append(ran, a)
		}
	}
	slices.SortFunc(ran, func(a, b *attempt) int { return at[a.ids[0]] - at[b.ids[0]] })
	earliest := math.MaxInt // end of a Submit of what was executed later
	for _, a := range slices.Backward(ran) {
		require.Less(m.t, a.began, earliest, "%s: not in the order of submission", a.ids[0])
		earliest = min(earliest, a.ended)
	}
}

// A caller is one of those who share the connection.
type caller struct {
	m    *model
	name int
	r    *rand.Rand
	made int
	used []*Exchange // that are over, to be used again
}

func (c *caller) run(steps int) {
	defer func() {
		if p := recover(); p != nil { // else it does not tell the seed
			c.m.t.Errorf("%v\n%s", p, debug.Stack())
		}
	}()
	for c.made < steps && !c.m.t.Failed() {
		switch n := c.r.IntN(20); {
		case n < 8:
			c.wait(context.Background(), c.submit(true))
		case n < 14:
			c.giveUp()
		case n < 16:
			c.wait(context.WithoutCancel(c.m.t.Context()), c.submit(true))
			c.pause(5 * time.Millisecond)
		case n < 19:
			c.waitLater()
		default:
			c.pause(300 * time.Millisecond)
		}
	}
}

func (c *caller) pause(most time.Duration) { time.Sleep(time.Duration(c.r.Int64N(int64(most)))) }

// giveUp waits with a context that may end, at any point of the exchange.
func (c *caller) giveUp() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	after := []time.Duration{0, time.Nanosecond, 300 * time.Microsecond, 10 * time.Millisecond, time.Second}[c.r.IntN(5)]
	switch c.r.IntN(4) {
	case 0:
		cancel()
	case 1:
		go cancel()
	case 2:
		defer time.AfterFunc(after, cancel).Stop()
	case 3:
		ctx, cancel = context.WithTimeout(ctx, after)
		defer cancel()
	}
	c.wait(ctx, c.submit(true))
}

// waitLater submits, as a batch does, and waits in any order when it has waited elsewhere.
func (c *caller) waitLater() {
	var attempts []*attempt
	for range c.r.IntN(4) + 1 {
		attempts = append(attempts, c.submit(false))
		if c.r.IntN(4) == 0 {
			c.pause(time.Millisecond)
		}
	}
	c.pause([]time.Duration{1, time.Millisecond, 200 * time.Millisecond, 2 * modelTimeout}[c.r.IntN(4)])
	c.r.Shuffle(len(attempts), func(i, j int) { attempts[i], attempts[j] = attempts[j], attempts[i] })
	ctx := context.Background()
	if c.r.IntN(3) == 0 {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, time.Duration(c.r.Int64N(int64(5*time.Millisecond))))
		defer cancel()
	}
	for _, a := range attempts {
		c.wait(ctx, a)
	}
}

// size returns a length: mostly tiny, sometimes up to large.
func (c *caller) size(large int) int {
	switch n := c.r.IntN(100); {
	case n < 85:
		return c.r.IntN(40)
	case n < 98:
		return c.r.IntN(4000)
	default:
		return c.r.IntN(large)
	}
}

func (c *caller) submit(waitsNext bool) *attempt {
	c.made++
	a := &attempt{x: c.take(), movable: c.r.IntN(2) == 0}
	a.x.Movable, a.x.Prompt = a.movable, waitsNext && c.r.IntN(2) == 0
	large := c.r.IntN(200) == 0 // more than is written at once
	for i := range c.r.IntN(5) + 1 {
		id := fmt.Sprintf("%d:%d:%d", c.name, c.made, i)
		a.ids = append(a.ids, id)
		size := c.size(200 << 10)
		if large {
			size = 100<<10 + c.r.IntN(100<<10)
		}
		a.x.Request, _ = resp.AppendRequest(a.x.Request, []any{"ECHO", id, c.replySize(id), strings.Repeat("x", size)})
		a.x.Ends = append(a.x.Ends, len(a.x.Request))
	}
	a.began = c.m.tick(a)
	a.err = c.m.c.Submit(a.x)
	a.ended = c.m.tick(nil)
	a.refused = a.err != nil
	return a
}

// take returns an exchange, a new one or one that was used.
func (c *caller) take() *Exchange {
	n := len(c.used)
	if n == 0 || c.r.IntN(4) == 0 {
		return &Exchange{}
	}
	x := c.used[n-1]
	c.used = c.used[:n-1]
	x.Reset()
	return x
}

// replySize returns how long the reply to a request is to be, by its name.
func (c *caller) replySize(id string) int {
	h := uint32(2166136261)
	for _, b := range []byte(id) {
		h = (h ^ uint32(b)) * 16777619
	}
	r := rand.New(rand.NewPCG(uint64(h), c.m.seed))
	if c.m.end == hugeReplies && r.IntN(300) == 0 {
		return (huge + r.IntN(2*huge)) &^ 3 // a bulk
	}
	return (&caller{r: r}).size(300 << 10)
}

// tick returns the time of the model, and notes an attempt.
func (m *model) tick(a *attempt) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a != nil {
		m.all = append(m.all, a)
	}
	m.clock++
	return m.clock
}

// wait waits for an attempt, and checks what it brings.
func (c *caller) wait(ctx context.Context, a *attempt) {
	if a.refused {
		leaves := c.m.end == retiredByUs || c.m.end == hugeReplies
		heldUp := a.x.Movable && errors.Is(a.err, ErrHeldUp)
		if !errors.Is(a.err, c.m.c.Err()) && !(leaves && errors.Is(a.err, ErrClosed)) && !heldUp {
			c.m.t.Errorf("refused with %v", a.err)
		}
		return
	}
	var over time.Time // when ctx ended
	noted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { over = time.Now(); close(noted) })
	a.err = c.m.c.Wait(ctx, a.x)
	returned := time.Now()
	if !stop() && ctx.Err() != nil {
		<-noted
		if late := returned.Sub(over); late > 2*patience {
			c.m.t.Errorf("%s was given up %v late", a.ids[0], late)
		}
	}
	a.answered = a.x.Answered()
	for i := range a.answered {
		if got := string(a.x.Reply(i)); got != answer(a.ids[i], c.replySize(a.ids[i])) {
			c.m.t.Errorf("%s got %.60q", a.ids[i], got)
		}
	}
	if a.x.Request[0] != '*' || a.x.Request[len(a.x.Request)-1] != '\n' {
		c.m.t.Errorf("%s: the caller's request was changed", a.ids[0])
	}
	for i := range a.ids {
		a.unsent = append(a.unsent, a.err != nil && c.m.c.Unsent(a.x, i))
	}
	switch {
	case a.err == nil && a.answered != len(a.ids):
		c.m.t.Errorf("%s: %d of %d replies, and no error", a.ids[0], a.answered, len(a.ids))
	case a.err == nil:
		c.used, a.x = append(c.used, a.x), nil
	case ctx.Err() != nil && errors.Is(a.err, ctx.Err()):
	case errors.Is(a.err, ErrHeldUp):
		if !a.movable || !c.m.wasHeld() {
			c.m.t.Errorf("%s was sent away", a.ids[0])
		}
	case c.m.end == retiredByUs || c.m.end == hugeReplies:
		c.m.t.Errorf("%s ended with %v, though it waited", a.ids[0], a.err)
	case c.m.c.Err() == nil || !errors.Is(a.err, c.m.c.Err()):
		c.m.t.Errorf("%s ended with %v, the connection with %v", a.ids[0], a.err, c.m.c.Err())
	}
}

func (m *model) wasHeld() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.held
}

// answer is the peer's reply to a request: about so long, and of a type that the length
// decides.
func answer(id string, size int) string {
	text := strings.Repeat(id+" ", size/len(id)+1)
	switch size % 4 {
	case 0:
		return bulk(text)
	case 1:
		return "+" + text + "\r\n"
	case 2:
		return "*2\r\n" + bulk(id) + "*2\r\n:1\r\n" + bulk(text)
	default:
		return "|1\r\n+ttl\r\n:1\r\n" + bulk(text)
	}
}

// A scribe is a peer that notes what it executes.
type scribe struct {
	*peer
	r        *rand.Rand
	lazy     int // in a thousand replies, how many it is slow with
	executed []string

	mu   sync.Mutex
	end  end
	last int // after so many requests comes the end
}

// overdue reports whether the peer's end has come.
func (s *scribe) overdue() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.executed) > s.last
}

// live makes the peer go on for ever.
func (s *scribe) live() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = math.MaxInt
}

// next notes a request, and reports whether it is the last.
func (s *scribe) next(id string) (last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.executed = append(s.executed, id)
	return len(s.executed) > s.last
}

func (s *scribe) serve() {
	defer s.Close()
	for {
		args := s.request()
		if args == nil {
			return
		}
		last := s.next(args[1])
		size, _ := strconv.Atoi(args[2])
		s.dawdle()
		if last {
			s.finish(answer(args[1], size))
			return
		}
		s.answer(answer(args[1], size))
	}
}

// dawdle lets time pass, or pushes something.
func (s *scribe) dawdle() {
	switch n := s.r.IntN(1000); {
	case n < s.lazy:
		time.Sleep(time.Duration(s.r.Int64N(int64(200 * time.Millisecond))))
	case n < 4*s.lazy:
		time.Sleep(time.Duration(s.r.Int64N(int64(2 * time.Millisecond))))
	case n < 500:
	case n < 520:
		s.inParts(">3\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n" + bulk(strings.Repeat("p", s.r.IntN(3000))))
	}
}

func (s *scribe) answer(text string) {
	if s.r.IntN(20) == 0 {
		s.inParts(text)
		return
	}
	s.reply(text)
}

// inParts writes a text in parts, with time between them.
func (s *scribe) inParts(text string) {
	for len(text) > 0 {
		n := 1 + s.r.IntN(len(text))
		s.reply(text[:n])
		text = text[n:]
		if s.r.IntN(4) > 0 {
			time.Sleep(time.Duration(s.r.Int64N(int64(time.Millisecond))))
		}
		s.linger()
	}
}

// linger now and then makes a part late enough for the watcher.
func (s *scribe) linger() {
	if s.r.IntN(1000) < s.lazy {
		time.Sleep(time.Duration(s.r.Int64N(int64(300 * time.Millisecond))))
	}
}

// finish ends the connection.
func (s *scribe) finish(text string) {
	switch s.end {
	case resetByPeer:
		_ = transport.Reset(s.Conn)
	case halfReply:
		s.reply(text[:s.r.IntN(len(text))])
	case garbage:
		s.reply("$x\r\n")
		_, _ = io.Copy(io.Discard, s)
	case silence:
		time.Sleep(10 * modelTimeout)
	}
}
