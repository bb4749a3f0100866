package view

import "github.com/slotmesh/slotmesh/internal/resp"

// AppendSlots appends the reply of CLUSTER SLOTS to dst.
func (v *View) AppendSlots(dst []byte, proto resp.Protocol) []byte {
	n := 0
	for range v.runs() {
		n++
	}
	dst = resp.AppendArray(dst, n)
	replicas := v.replicasByMaster()
	for r, owner := range v.runs() {
		dst = v.appendRun(dst, proto, r, owner, replicas[owner.ID])
	}
	return dst
}

func (v *View) replicasByMaster() map[string][]*Node {
	replicas := map[string][]*Node{}
	for _, n := range v.nodes {
		if n.IsReplica() {
			replicas[n.MasterID] = append(replicas[n.MasterID], n)
		}
	}
	return replicas
}

func (v *View) appendRun(dst []byte, proto resp.Protocol, r Range, owner *Node, replicas []*Node) []byte {
	nodes := []*Node{owner}
	for _, n := range replicas {
		if n.listed() {
			nodes = append(nodes, n)
		}
	}
	dst = resp.AppendArray(dst, 2+len(nodes))
	dst = resp.AppendInt(dst, int64(r.First))
	dst = resp.AppendInt(dst, int64(r.Last))
	for _, n := range nodes {
		dst = v.appendAddress(dst, proto, n)
	}
	return dst
}

// appendAddress appends how clients reach n: the preferred name, and as metadata the
// names that are not.
func (v *View) appendAddress(dst []byte, proto resp.Protocol, n *Node) []byte {
	preferred := v.settings.Endpoint
	dst = resp.AppendArray(dst, 4)
	if preferred == Unknown {
		dst = proto.AppendNull(dst)
	} else {
		dst = resp.AppendBulk(dst, v.endpoint(n))
	}
	dst = resp.AppendInt(dst, int64(n.Port))
	dst = resp.AppendBulk(dst, n.ID)

	var metadata fields
	if preferred != IP {
		metadata.text("ip", n.IP)
	}
	if preferred != Hostname && n.Hostname != "" {
		metadata.text("hostname", n.Hostname)
	}
	return metadata.append(dst, proto)
}

// fields gathers a map whose size depends on what there is to say.
type fields struct {
	n    int
	body []byte
}

func (f *fields) text(name, value string) {
	f.n++
	f.body = resp.AppendBulk(resp.AppendBulk(f.body, name), value)
}

func (f *fields) int(name string, value int64) {
	f.n++
	f.body = resp.AppendInt(resp.AppendBulk(f.body, name), value)
}

func (f *fields) append(dst []byte, proto resp.Protocol) []byte {
	return append(proto.AppendMap(dst, f.n), f.body...)
}
