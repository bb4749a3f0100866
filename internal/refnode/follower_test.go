package refnode

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
)

func pairInBubble(t *testing.T, test func(t *testing.T, m, r *Node, link *transport.Gate, master, replica *peer)) {
	synctest.Test(t, func(t *testing.T) {
		m, r, link, network := pair(t)
		master, replica := target{network, m.Addr()}.dial(t), target{network, r.Addr()}.dial(t)
		require.Equal(t, "+OK\r\n", replica.do("READONLY"))
		test(t, m, r, link, master, replica)
	})
}

// A master that waits for a follower gives up when that follows no more: it may be the
// follower that waits for the master next.
func TestMasterDoesNotWaitForWhoTookOver(t *testing.T) {
	pairInBubble(t, func(t *testing.T, m, r *Node, link *transport.Gate, master, _ *peer) {
		require.True(t, r.acquire())
		master.send("SET", "k", "v")
		synctest.Wait() // with the master's lock held, for the replica's
		r.promote()
		synctest.Wait()
		require.True(t, m.acquireUnless(nil))
		m.hear(r.says())
		m.release()
		require.Equal(t, "+OK\r\n", master.receive())
		r.release()
		require.NoError(t, r.Attach(m, link))
	})
}

func TestAttachOfWhoSaysOtherwise(t *testing.T) {
	pairInBubble(t, func(t *testing.T, m, r *Node, link *transport.Gate, master, _ *peer) {
		require.Equal(t, "+OK\r\n", master.do("SET", "k", "v"))
		require.NoError(t, r.TakeOver())
		require.ErrorIs(t, m.Attach(r, link), ErrNoReplica)
		require.True(t, r.keys.has("k"), "it is a master now, and keeps what it has")
		require.ErrorIs(t, r.Attach(m, link), ErrNoReplica, "it has not heard")
	})
}

// Closing a master does not wait for a follower that is busy.
func TestCloseWithBusyFollower(t *testing.T) {
	pairInBubble(t, func(t *testing.T, m, _ *Node, _ *transport.Gate, master, replica *peer) {
		replica.send("DEBUG", "SLEEP", "1000")
		synctest.Wait()
		master.send("SET", "k", "v")
		synctest.Wait()
		start := time.Now()
		require.NoError(t, m.Close())
		require.Equal(t, time.Duration(0), time.Since(start))
		require.Empty(t, master.receive(), "the replica does not have it")
	})
}

// A key that expired at a replica which could not be told better is there again when it
// can.
func TestReplicaThatLetTooMuchExpire(t *testing.T) {
	pairInBubble(t, func(t *testing.T, m, _ *Node, link *transport.Gate, master, replica *peer) {
		require.Equal(t, "+OK\r\n", master.do("SET", "k", "v", "EX", "10"))
		require.Equal(t, "+OK\r\n", master.do("SET", "gone", "v", "EX", "10"))
		link.Shut()
		require.Equal(t, ":1\r\n", master.do("EXPIRE", "k", "100"))
		time.Sleep(20 * time.Second)
		require.Equal(t, "$-1\r\n", replica.do("GET", "k"))
		link.Open()
		require.NoError(t, m.Redeliver())
		require.Equal(t, bulk("v"), replica.do("GET", "k"))
		require.Equal(t, ":80\r\n", replica.do("TTL", "k"))
		require.Equal(t, ":1\r\n", replica.do("DBSIZE"))
	})
}

func TestOffsetOfReplica(t *testing.T) {
	pairInBubble(t, func(t *testing.T, m, r *Node, link *transport.Gate, master, _ *peer) {
		require.Equal(t, "+OK\r\n", master.do("SET", "k", "v"))
		require.Equal(t, m.offset, r.offset)
		link.Shut()
		require.Equal(t, "+OK\r\n", master.do("SET", "k", "w"))
		require.Less(t, r.offset, m.offset)
	})
}

// What expires as WAIT begins is no reason to wait: the replica learns of it at once.
func TestWaitAfterAKeyHasExpired(t *testing.T) {
	pairInBubble(t, func(t *testing.T, _, _ *Node, _ *transport.Gate, master, _ *peer) {
		require.Equal(t, "+OK\r\n", master.do("SET", "k", "v", "PX", "100"))
		time.Sleep(time.Second)
		start := time.Now()
		require.Equal(t, ":1\r\n", master.do("WAIT", "1", "60000"))
		require.Equal(t, time.Duration(0), time.Since(start))
	})
}

// A client that was killed while it waited for its turn does not get it.
func TestKilledClientRunsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, s target, n *Node) {
		victim := s.dial(t)
		id := victim.do("CLIENT", "ID")
		killer := s.dial(t)
		killer.do("PING") // it is there, as the second
		require.True(t, n.acquire())
		victim.send("SET", "k", "v")
		synctest.Wait()
		victimSession := n.sessions.all()[0]
		require.Equal(t, id, ":"+string(rune('0'+victimSession.id))+"\r\n")
		(&request{node: n, session: n.sessions.all()[1]}).kill(victimSession)
		n.release()
		synctest.Wait()
		require.Equal(t, ":0\r\n", killer.do("EXISTS", "k"))
	})
}
