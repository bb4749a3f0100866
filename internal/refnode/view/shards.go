package view

import "github.com/slotmesh/slotmesh/internal/resp"

// AppendShards appends the reply of CLUSTER SHARDS to dst: a shard for every master,
// with or without slots, in the order of [View.Nodes].
func (v *View) AppendShards(dst []byte, proto resp.Protocol) []byte {
	masters := make([]*Node, 0, len(v.nodes))
	for _, n := range v.nodes {
		if n.IsMaster() {
			masters = append(masters, n)
		}
	}
	ranges, replicas := v.rangesByOwner(), v.replicasByMaster()
	dst = resp.AppendArray(dst, len(masters))
	for _, n := range masters {
		dst = v.appendShard(dst, proto, n, ranges[n], replicas[n.ID])
	}
	return dst
}

func (v *View) appendShard(dst []byte, proto resp.Protocol, master *Node, ranges []Range, replicas []*Node) []byte {
	dst = proto.AppendMap(dst, 2)
	dst = resp.AppendBulk(dst, "slots")
	dst = resp.AppendArray(dst, 2*len(ranges))
	for _, r := range ranges {
		dst = resp.AppendInt(dst, int64(r.First))
		dst = resp.AppendInt(dst, int64(r.Last))
	}
	dst = resp.AppendBulk(dst, "nodes")
	dst = resp.AppendArray(dst, 1+len(replicas))
	dst = v.appendMember(dst, proto, master)
	for _, n := range replicas {
		dst = v.appendMember(dst, proto, n)
	}
	return dst
}

func (v *View) appendMember(dst []byte, proto resp.Protocol, n *Node) []byte {
	var f fields
	f.text("id", n.ID)
	if n.Port != 0 {
		f.int("port", int64(n.Port))
	}
	f.text("ip", n.IP)
	f.text("endpoint", v.endpoint(n))
	if n.Hostname != "" {
		f.text("hostname", n.Hostname)
	}
	f.text("role", role(n))
	f.int("replication-offset", n.Offset)
	f.text("health", health(n))
	return f.append(dst, proto)
}

func role(n *Node) string {
	if n.IsReplica() {
		return "replica"
	}
	return "master"
}

func health(n *Node) string {
	switch {
	case n.Fail:
		return "fail"
	case n.IsReplica() && n.Offset == 0:
		return "loading"
	default:
		return "online"
	}
}
