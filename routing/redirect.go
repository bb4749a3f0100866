package routing

import (
	"net"
	"strconv"
	"strings"
)

// reply is an error reply of a node, read once: nothing above looks at its text.
type reply struct {
	fault Fault
	exact bool   // well formed, in the server's own words
	slot  uint16 // of a redirection
	host  string // of a redirection: "" is the node that answered, "?" is unknown
	port  string
}

// prefixes are the error codes that mean more to a router than an answer. A code
// counts as exact when the rest of the text is one of words, or begins with the
// first of them where the server names itself.
var prefixes = []struct {
	code  string
	fault Fault
	words []string
}{
	{"TRYAGAIN ", FaultTryAgain, []string{"Multiple keys request during rehashing of slot"}},
	{"CLUSTERDOWN ", FaultClusterDown, []string{
		"Hash slot not served",
		"The cluster is down",
		"The cluster is down and only accepts read commands",
	}},
	{"LOADING ", FaultLoading, []string{
		"Redis is loading the dataset in memory",
		"Valkey is loading the dataset in memory",
	}},
	{"MASTERDOWN ", FaultMasterDown, []string{
		"Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
	}},
	{"READONLY ", FaultReadOnly, []string{"You can't write against a read only replica."}},
	{"BUSY ", FaultBusy, []string{
		"Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
		"Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
		"Valkey is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
		"Valkey is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
	}},
	{"ERR max number of clients", FaultMaxClients, []string{" reached", " + cluster connections reached"}},
	{"NOAUTH ", FaultNoAuth, nil},
	{"WRONGPASS ", FaultRefused, nil},
	{"NOPERM ", FaultRefused, nil},
	{"EXECABORT ", FaultRefused, nil},
	{"CROSSSLOT ", FaultRefused, nil},
	{"OOM ", FaultRefused, nil},
	{"MISCONF ", FaultRefused, nil},
	{"NOREPLICAS ", FaultRefused, nil},
	{"UNBLOCKED ", FaultRefused, nil},
}

// parseReply reads the text of an error reply. What is no refusal of the node is
// an answer: FaultReply.
func parseReply(text string) reply {
	if rest, ok := strings.CutPrefix(text, "MOVED "); ok {
		return parseRedirect(FaultMoved, rest)
	}
	if rest, ok := strings.CutPrefix(text, "ASK "); ok {
		return parseRedirect(FaultAsk, rest)
	}
	for i := range prefixes {
		p := &prefixes[i]
		rest, ok := strings.CutPrefix(text, p.code)
		if !ok {
			continue
		}
		r := reply{fault: p.fault}
		for _, w := range p.words {
			r.exact = r.exact || rest == w
		}
		return r
	}
	return reply{fault: FaultReply}
}

// parseRedirect reads "<slot> <host>:<port>", where an IPv6 host has no brackets.
// A text that only looks like a redirection is an answer.
func parseRedirect(f Fault, rest string) reply {
	slotText, addr, ok := strings.Cut(rest, " ")
	if !ok {
		return reply{fault: FaultReply}
	}
	slot, err := strconv.ParseUint(slotText, 10, 14)
	colon := strings.LastIndexByte(addr, ':')
	if err != nil || colon < 0 || strings.ContainsAny(addr, " \r\n") {
		return reply{fault: FaultReply}
	}
	host, port := addr[:colon], addr[colon+1:]
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return reply{fault: FaultReply}
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return reply{fault: f, exact: true, slot: uint16(slot), host: host, port: port}
}

// names reports whether r is in the server's own words, and a redirection, if it is one, of
// slot.
func (r reply) names(slot int) bool {
	return r.exact && (!rules[r.fault].follow || int(r.slot) == slot)
}

// target returns the address that a redirection names, or "" when the node that
// answered did not know it. An empty host means the host of that node, origin.
func (r reply) target(origin string) string {
	switch r.host {
	case "?":
		return ""
	case "":
		host, _, err := net.SplitHostPort(origin)
		if err != nil {
			return ""
		}
		return net.JoinHostPort(host, r.port)
	default:
		return net.JoinHostPort(r.host, r.port)
	}
}
