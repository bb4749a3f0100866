package refnode

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/view"
)

func TestWaitForReplicaInSync(t *testing.T) {
	m, _, _, network := pair(t)
	p := target{network, m.Addr()}.dial(t)
	p.do("SET", "k", "v")
	require.Equal(t, ":1\r\n", p.do("WAIT", "1", "0"))
}

func TestWaitEndsByTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _, _, network := pair(t)
		p := target{network, m.Addr()}.dial(t)
		p.send("WAIT", "2", "1500")
		require.Equal(t, arrival{":1\r\n", 1500 * time.Millisecond}, <-p.later(), "as many as there were")
	})
}

func TestWaitEndsWhenReplicaCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _, link, network := pair(t)
		s := target{network, m.Addr()}
		p, other := s.dial(t), s.dial(t)
		link.Shut()
		require.Equal(t, "+OK\r\n", p.do("SET", "k", "v"))
		p.send("WAIT", "1", "0")
		waited := p.later()
		time.Sleep(time.Minute)
		require.Equal(t, "+OK\r\n", other.do("SET", "x", "y"), "others go on")
		require.NoError(t, m.Change(func(v *view.View) {}), "and so may the cluster")
		link.Open()
		require.NoError(t, m.Redeliver())
		require.Equal(t, arrival{":1\r\n", time.Minute}, <-waited)
	})
}

func TestWaitInTransactionDoesNotWait(t *testing.T) {
	m, _, link, network := pair(t)
	p := target{network, m.Addr()}.dial(t)
	link.Shut()
	p.do("MULTI")
	p.do("SET", "k", "v")
	p.do("WAIT", "1", "0")
	require.Equal(t, "*2\r\n+OK\r\n:0\r\n", p.do("EXEC"))
}

func TestWaitOnReplica(t *testing.T) {
	_, replica := startPair(t)
	require.Regexp(t, "^-ERR WAIT cannot be used with replica instances\\.", replica.dial(t).do("WAIT", "1", "0"))
}

func TestUnblockOfWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _, link, network := pair(t)
		s := target{network, m.Addr()}
		p, other := s.dial(t), s.dial(t)
		id := p.do("CLIENT", "ID")
		link.Shut()
		p.do("SET", "k", "v")
		p.send("WAIT", "1", "0")
		synctest.Wait()
		require.Equal(t, ":1\r\n", other.do("CLIENT", "UNBLOCK", id[1:len(id)-2]))
		require.Equal(t, ":0\r\n", p.receive())
	})
}
