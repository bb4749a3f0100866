package refnode

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/refnode/transport"
	"github.com/slotmesh/slotmesh/internal/refnode/view"
)

// pair starts a master of every slot and its replica, and returns the link between them.
func pair(t *testing.T) (master, replica *Node, link *transport.Gate, network transport.Network) {
	network, link = transport.NewMemory(), transport.NewGate()
	s, master := startTarget(t, Config{Network: network})
	replica, err := Start(context.Background(), Config{Network: network})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, replica.Close()) })
	var me view.Node
	require.NoError(t, master.Change(func(v *view.View) {
		_, port := splitAddr(s.addr)
		v.Myself().Port, _ = strconv.Atoi(port)
		me = *v.Myself()
	}))
	require.NoError(t, replica.Change(func(v *view.View) {
		v.Meet(me)
		all := view.SlotSet{}
		for slot := range uint16(len(all) * 8) {
			all.Add(slot)
		}
		v.Claim(me.ID, me.ConfigEpoch, &all, func(uint16) bool { return false })
		require.NoError(t, v.Replicate(me.ID, false))
	}))
	require.NoError(t, master.Attach(replica, link))
	return master, replica, link, network
}

func startPair(t *testing.T) (master, replica target) {
	m, r, _, network := pair(t)
	return target{network, m.Addr()}, target{network, r.Addr()}
}

// number returns the integer that a reply is.
func number(t *testing.T, reply string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.Trim(reply, ":\r\n"))
	require.NoError(t, err, "%q", reply)
	return n
}

func bulk(text string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(text), text) }

func TestRole(t *testing.T) {
	m, r, _, network := pair(t)
	master, replica := target{network, m.Addr()}.dial(t), target{network, r.Addr()}.dial(t)
	_, masterPort := splitAddr(m.Addr())
	_, replicaPort := splitAddr(r.Addr())

	require.Equal(t, "*3\r\n$6\r\nmaster\r\n:1\r\n*1\r\n*3\r\n"+bulk("127.0.0.1")+bulk(replicaPort)+bulk("1"), master.do("ROLE"))
	require.Equal(t, "*5\r\n$5\r\nslave\r\n"+bulk("127.0.0.1")+":"+masterPort+"\r\n$9\r\nconnected\r\n:1\r\n", replica.do("ROLE"))
}

// A replica that is cut off stays listed, with how far it came.
func TestRoleOfMasterShowsLag(t *testing.T) {
	m, r, link, network := pair(t)
	master := target{network, m.Addr()}.dial(t)
	_, replicaPort := splitAddr(r.Addr())
	link.Shut()
	require.Equal(t, "+OK\r\n", master.do("SET", "k", "v"))

	reply := master.do("ROLE")
	require.Contains(t, reply, bulk(replicaPort)+bulk("1"))
	require.NotContains(t, reply, "master\r\n:1\r\n")
	info := master.do("INFO", "replication")
	require.Contains(t, info, "slave0:ip=127.0.0.1,port="+replicaPort+",state=online,offset=1,lag=0\r\n")
	require.NotContains(t, info, "master_repl_offset:1\r\n")
}

func TestInfoReplicationOfReplica(t *testing.T) {
	m, r, _, network := pair(t)
	_, masterPort := splitAddr(m.Addr())
	info := target{network, r.Addr()}.dial(t).do("INFO", "replication")
	require.Contains(t, info, "role:slave\r\nmaster_host:127.0.0.1\r\nmaster_port:"+masterPort+"\r\nmaster_link_status:up\r\n")
	require.Contains(t, info, "master_replid:"+m.runID+"\r\n", "the name of the history is the master's")
}
