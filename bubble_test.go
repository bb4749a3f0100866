package slotmesh_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/clustertest"
	"github.com/slotmesh/slotmesh/hashtag"
)

// scene is a cluster in virtual time and a client of it, whose dials can be held. Other
// callers play in it while a test looks at one.
type scene struct {
	t *testing.T
	*clustertest.Cluster
	client *slotmesh.Client
	others sync.WaitGroup
	kept   *clustertest.Held

	mu    sync.Mutex
	holds bool            // new dials wait
	held  []chan struct{} // those that do, until it is closed
}

// inBubble plays a scene. That it leaves nothing the bubble checks when it ends.
func inBubble(t *testing.T, play func(s *scene), change ...func(*slotmesh.Options)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &scene{t: t, Cluster: clustertest.Start(t, clustertest.Config{InMemory: true})}
		t.Cleanup(s.others.Wait)
		s.client = s.connect(change...)
		t.Cleanup(s.letDial)
		s.fill()
		play(s)
		s.others.Wait()
	})
}

func (s *scene) connect(change ...func(*slotmesh.Options)) *slotmesh.Client {
	s.t.Helper()
	o := slotmesh.Options{Addrs: s.Addrs(), Dialer: s.dial, RefreshInterval: -1}
	for _, f := range change {
		f(&o)
	}
	client, err := slotmesh.New(s.t.Context(), o)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { require.NoError(s.t, client.Close()) })
	return client
}

// holdDials makes dials wait until letDial, whatever becomes of their contexts, or lets new
// ones go on.
func (s *scene) holdDials(holds bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holds = holds
}

// letDial lets all dials go on.
func (s *scene) letDial() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holds = false
	for _, held := range s.held {
		close(held)
	}
	s.held = nil
}

func (s *scene) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if held := s.hold(); held != nil {
		<-held
	}
	return s.Dialer(context.WithoutCancel(ctx), network, addr)
}

// hold returns what a new dial waits for, nil if it does not.
func (s *scene) hold() chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.holds {
		return nil
	}
	held := make(chan struct{})
	s.held = append(s.held, held)
	return held
}

// keyOn returns a key of the i-th master.
func keyOn(i int, name string) string {
	return fmt.Sprintf("{%s}%s", hashtag.ForSlot(uint16(i*6000)), name)
}

// fill gives the keys of the scene on each node their values: what the key is called.
func (s *scene) fill() {
	s.t.Helper()
	for i, addr := range s.Masters() {
		for n := range readers {
			key := keyOn(i, fmt.Sprint(n))
			_, err := s.Do(s.t.Context(), addr, "SET", key, key)
			require.NoError(s.t, err)
		}
	}
}

// readers is how many keys fill gives a value on each node.
const readers = 8

// warm opens the shared connections to all nodes.
func (s *scene) warm() {
	s.t.Helper()
	for i := range s.Masters() {
		require.NoError(s.t, s.reads(s.t.Context(), i, 0))
	}
}

// reads reads the n-th key of the i-th master.
func (s *scene) reads(ctx context.Context, i, n int) error {
	key := keyOn(i, fmt.Sprint(n))
	got, err := s.client.Get(ctx, key).Result()
	if err == nil && got != key {
		err = fmt.Errorf("GET %s: got %q", key, got)
	}
	return err
}

// other starts a caller who must succeed in the end.
func (s *scene) other(call func(ctx context.Context) error) {
	s.others.Go(func() {
		if err := call(s.t.Context()); err != nil {
			s.t.Errorf("another caller: %v", err)
		}
	})
	synctest.Wait()
}

// read starts callers who read, each another key of the i-th master.
func (s *scene) read(i int) {
	for n := range readers {
		s.other(func(ctx context.Context) error { return s.reads(ctx, i, n) })
	}
}
