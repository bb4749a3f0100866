package slotmesh_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/internal/realcluster"
	"github.com/slotmesh/slotmesh/routing"
)

// resetter dials connections, and resets them.
type resetter struct {
	mu     sync.Mutex
	open   []*net.TCPConn
	random *rand.Rand
	resets int
}

func (r *resetter) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = append(r.open, conn.(*net.TCPConn))
	return conn, nil
}

// reset resets one of the connections that are open.
func (r *resetter) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.open) > 0 {
		i, last := r.random.IntN(len(r.open)), len(r.open)-1
		conn := r.open[i]
		r.open[i], r.open = r.open[last], r.open[:last]
		if conn.SetLinger(0) != nil {
			continue // the client has closed it
		}
		_ = conn.Close()
		r.resets++
		return
	}
}

// soaker is one caller under load, with keys of its own on one node, and what is known of
// them.
type soaker struct {
	t      *testing.T
	client *slotmesh.Client
	random *rand.Rand
	key    string

	calls           int
	value           string          // what SET has stored last
	perhaps         map[string]bool // what SET may have stored
	n, pushes, pops counts
}

// counts are how many writes have run, and how many may have.
type counts struct{ done, perhaps int }

// add counts a write by its error. Of the errors of the client only one is allowed: that it
// is unknown whether it ran.
func (c *counts) add(s *soaker, err error) {
	var failed *slotmesh.Error
	switch {
	case err == nil:
		c.done++
	case errors.As(err, &failed) && failed.Outcome == routing.Unknown:
		c.perhaps++
	default:
		s.t.Errorf("a write: %v", err)
	}
}

// run works until ctx ends.
func (s *soaker) run(ctx context.Context) {
	ways := []func(context.Context){s.set, s.get, s.mget, s.incr, s.pipeline, s.transaction, s.list}
	for ctx.Err() == nil {
		ways[s.random.IntN(len(ways))](s.t.Context())
		s.calls++
	}
}

func (s *soaker) set(ctx context.Context) {
	value := fmt.Sprint(s.random.Uint64())
	var c counts
	if c.add(s, s.client.Set(ctx, s.key+"value", value, 0).Err()); c.done == 1 {
		s.value = value
	} else {
		s.perhaps[value] = true
	}
}

func (s *soaker) get(ctx context.Context) {
	got, err := s.client.Get(ctx, s.key+"value").Result()
	if err != nil && !(err == redis.Nil && s.value == "") {
		s.t.Errorf("a read: %v", err)
	}
	s.stored(got)
}

func (s *soaker) mget(ctx context.Context) {
	values, err := s.client.MGet(ctx, s.key+"value", keyOn(0, "soak"), keyOn(1, "soak"), keyOn(2, "soak")).Result()
	if err != nil {
		s.t.Errorf("a read: %v", err)
		return
	}
	got, _ := values[0].(string)
	s.stored(got)
	for i, value := range values[1:] {
		if value != keyOn(i, "soak") {
			s.t.Errorf("MGET: %q for %q", value, keyOn(i, "soak"))
		}
	}
}

// stored checks a value: one that may have been stored may also be stored later.
func (s *soaker) stored(got string) {
	if got != s.value && !s.perhaps[got] {
		s.t.Errorf("%s is %q, want %q, or one of %d others", s.key, got, s.value, len(s.perhaps))
	}
}

func (s *soaker) incr(ctx context.Context) { s.n.add(s, s.client.Incr(ctx, s.key+"n").Err()) }

func (s *soaker) incrs(p redis.Pipeliner) error {
	for range 3 {
		p.Incr(context.Background(), s.key+"n")
	}
	return nil
}

func (s *soaker) pipeline(ctx context.Context) {
	cmds, _ := s.client.Pipelined(ctx, s.incrs)
	for _, cmd := range cmds {
		s.n.add(s, cmd.Err())
	}
}

func (s *soaker) transaction(ctx context.Context) {
	cmds, _ := s.client.TxPipelined(ctx, s.incrs)
	for _, cmd := range cmds {
		s.n.add(s, cmd.Err())
	}
}

// list pushes an element and pops one, if there is one.
func (s *soaker) list(ctx context.Context) {
	s.pushes.add(s, s.client.RPush(ctx, s.key+"list", "x").Err())
	if err := s.client.BLPop(ctx, time.Second, s.key+"list").Err(); err != redis.Nil {
		s.pops.add(s, err)
	}
}

// settled checks what is there in the end against what was told.
func (s *soaker) settled(ctx context.Context) {
	n, err := s.client.Get(ctx, s.key+"n").Int()
	require.NoError(s.t, err)
	require.GreaterOrEqual(s.t, n, s.n.done, "none is lost")
	require.LessOrEqual(s.t, n, s.n.done+s.n.perhaps, "none is doubled")
	left, err := s.client.LLen(ctx, s.key+"list").Result()
	require.NoError(s.t, err)
	require.GreaterOrEqual(s.t, int(left), s.pushes.done-s.pops.done-s.pops.perhaps)
	require.LessOrEqual(s.t, int(left), s.pushes.done+s.pushes.perhaps-s.pops.done)
}

// Whatever connection is reset, and when: reads do not fail, what is told of writes is true,
// and in the end nothing is left. With SLOTMESH_SOAK=1 it takes five minutes.
func TestSoak(t *testing.T) {
	lasts := 3 * time.Second
	if soaks() {
		lasts = 5 * time.Minute
	}
	c := cluster{realcluster.Start(t, realcluster.Config{})}
	soak(t, c, time.Second/2)
	before := measure()
	soak(t, c, lasts)
	requireNoMore(t, before)
}

func soak(t *testing.T, c cluster, lasts time.Duration) {
	seed := rand.Uint64()
	r := &resetter{random: rand.New(rand.NewPCG(seed, 0))}
	client, err := slotmesh.New(testContext(t), slotmesh.Options{Addrs: c.Addrs(), Dialer: r.dial})
	require.NoError(t, err)
	defer func() { require.NoError(t, client.Close()) }()
	for i := range 3 {
		require.NoError(t, client.Set(t.Context(), keyOn(i, "soak"), keyOn(i, "soak"), 0).Err())
	}

	ctx, stop := context.WithTimeout(t.Context(), lasts)
	defer stop()
	var callers sync.WaitGroup
	soakers := make([]*soaker, 24)
	for i := range soakers {
		soakers[i] = &soaker{
			t: t, client: client, random: rand.New(rand.NewPCG(seed, uint64(i+1))),
			key: keyOn(i%3, fmt.Sprintf("%d:%d:", seed, i)), perhaps: make(map[string]bool),
		}
		callers.Go(func() { soakers[i].run(ctx) })
	}
	tick := time.Tick(100 * time.Millisecond)
	for n := 1; ctx.Err() == nil; n++ {
		if r.reset(); n%10 == 0 { // the server has its turn too
			_, err := c.Do(t.Context(), c.Addrs()[n%len(c.Addrs())], "client", "kill", "type", "normal")
			require.NoError(t, err)
		}
		<-tick
	}
	callers.Wait()

	var calls, unknown int
	for _, s := range soakers {
		s.settled(t.Context())
		calls += s.calls
		unknown += s.n.perhaps + s.pushes.perhaps + s.pops.perhaps + len(s.perhaps)
	}
	t.Logf("the seed is %d: %d calls, %d resets, %d writes unknown; %+v", seed, calls, r.resets, unknown, client.Stats())
}
