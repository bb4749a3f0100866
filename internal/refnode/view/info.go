package view

import "fmt"

// Messages counts messages of the cluster bus by their type, which is the index.
type Messages [11]int64

// messageNames are the names of the types, in the order of their numbers.
var messageNames = [len(Messages{})]string{
	"ping", "pong", "meet", "fail", "publish", "auth-req", "auth-ack", "update", "mfstart", "module", "publishshard",
}

// InfoText returns the text of CLUSTER INFO. LinksOverLimit is how many bus links were
// closed because too much waited to be sent on them.
func (v *View) InfoText(sent, received Messages, linksOverLimit int64) string {
	slots := v.slotHealth()
	text := fmt.Appendf(nil, "cluster_state:%s\r\n", v.State())
	for _, line := range []struct {
		name  string
		value int
	}{
		{"slots_assigned", v.assigned},
		{"slots_ok", slots.ok},
		{"slots_pfail", slots.pfail},
		{"slots_fail", slots.fail},
		{"known_nodes", len(v.nodes)},
		{"size", v.Size()},
	} {
		text = fmt.Appendf(text, "cluster_%s:%d\r\n", line.name, line.value)
	}
	text = fmt.Appendf(text, "cluster_current_epoch:%d\r\ncluster_my_epoch:%d\r\n", v.epoch, v.shownEpoch(v.me))
	text = sent.append(text, "sent")
	text = received.append(text, "received")
	text = fmt.Appendf(text, "total_cluster_links_buffer_limit_exceeded:%d\r\n", linksOverLimit)
	return string(text)
}

// append appends a line for each type that has occurred, and one for all together.
func (m *Messages) append(text []byte, direction string) []byte {
	var total int64
	for kind, count := range m {
		if count != 0 {
			text = fmt.Appendf(text, "cluster_stats_messages_%s_%s:%d\r\n", messageNames[kind], direction, count)
		}
		total += count
	}
	return fmt.Appendf(text, "cluster_stats_messages_%s:%d\r\n", direction, total)
}

type slotHealth struct{ ok, pfail, fail int }

// slotHealth counts the assigned slots by the health of their owners.
func (v *View) slotHealth() (h slotHealth) {
	for _, n := range v.nodes {
		switch {
		case n.Fail:
			h.fail += n.slots
		case n.PFail:
			h.pfail += n.slots
		default:
			h.ok += n.slots
		}
	}
	return h
}
