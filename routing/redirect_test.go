package routing

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// What servers say, word for word (NODE-SPEC B.3 and B.4, redis 7 and valkey 8), is
// known for what it means, and counts as their own words.
func TestParseReplyKnowsTheServersWords(t *testing.T) {
	for text, want := range map[string]Fault{
		tryAgain:                          FaultTryAgain,
		clusterDown:                       FaultClusterDown,
		"CLUSTERDOWN The cluster is down": FaultClusterDown,
		"CLUSTERDOWN The cluster is down and only accepts read commands": FaultClusterDown,
		loading: FaultLoading,
		"LOADING Valkey is loading the dataset in memory": FaultLoading,
		masterDown: FaultMasterDown,
		readOnly:   FaultReadOnly,
		busy:       FaultBusy,
		"BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.": FaultBusy,
		maxClients: FaultMaxClients,
		"ERR max number of clients + cluster connections reached": FaultMaxClients,
	} {
		require.Equal(t, reply{fault: want, exact: true}, parseReply(text), text)
	}
}

// The same code with other words is the same refusal, but no proof: a script may have
// said it.
func TestParseReplyDoubtsOtherWords(t *testing.T) {
	for text, want := range map[string]Fault{
		tryAgain + " ":   FaultTryAgain,
		"TRYAGAIN later": FaultTryAgain,
		readOnly + " script: 0a1b, on @user_script:1.":                                                 FaultReadOnly,
		"BUSY my own words":                                                                            FaultBusy,
		"CLUSTERDOWN ":                                                                                 FaultClusterDown,
		"NOAUTH Authentication required.":                                                              FaultNoAuth,
		"WRONGPASS invalid username-password pair or user is disabled.":                                FaultRefused,
		"NOPERM this user has no permissions to run the 'get' command":                                 FaultRefused,
		"EXECABORT Transaction discarded because of previous errors.":                                  FaultRefused,
		"CROSSSLOT Keys in request don't hash to the same slot":                                        FaultRefused,
		"OOM command not allowed when used memory > 'maxmemory'.":                                      FaultRefused,
		"MISCONF Redis is configured to save RDB snapshots":                                            FaultRefused,
		"NOREPLICAS Not enough good replicas to write.":                                                FaultRefused,
		"UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)": FaultRefused,
	} {
		require.Equal(t, reply{fault: want}, parseReply(text), text)
	}
}

// An error of the data is an answer, whatever it resembles.
func TestParseReplyLeavesAnswersAlone(t *testing.T) {
	for _, text := range []string{
		"", " ", "ERR syntax error", "WRONGTYPE Operation against a key holding the wrong kind of value",
		"BUSYGROUP Consumer Group name already exists", "BUSYKEY Target key name already exists.",
		"NOSCRIPT No matching script. Please use EVAL.", "MOVED", "ASK", "TRYAGAIN", "LOADING",
		"moved 1 h:1", "ERR MOVED 1 h:1", " MOVED 1 h:1", "ASKING 1 h:1", "MOVEDX 1 h:1",
		"MOVED 1", "MOVED 1 ", "MOVED  1 h:1", "MOVED 1  h:1", "MOVED h:1", "MOVED 1h:1",
		"MOVED 16384 h:1", "MOVED 99999999999999999999 h:1", "MOVED -1 h:1", "MOVED +1 h:1", "MOVED 1.0 h:1", "MOVED x h:1", "MOVED 0x1 h:1", "MOVED 1_0 h:1",
		"MOVED 1 h", "MOVED 1 h:", "MOVED 1 h:0", "MOVED 1 h:65536", "MOVED 1 h:-1", "MOVED 1 h:+1", "MOVED 1 h:x", "MOVED 1 h: 1",
		"MOVED 1 h:1 ", "MOVED 1 h:1 junk", "MOVED 1 h:1\r\n", "MOVED 1 h:1@17000", "MOVED 1 h:1,name", "ASK 1 h:1 junk",
	} {
		require.Equal(t, reply{fault: FaultReply}, parseReply(text), "%q", text)
	}
}

// An empty host is that of the node that answered, "?" is nobody, and the rest is
// where to go.
func TestRedirectTargets(t *testing.T) {
	for text, want := range map[string]string{
		"12182 127.0.0.1:23212":  "127.0.0.1:23212",
		"12182 :23212":           "10.0.0.9:23212",
		"12182 ?:23212":          "",
		"12182 b.example:23212":  "b.example:23212",
		"12182 ::1:23212":        "[::1]:23212",
		"12182 fe80::1%lo:23212": "[fe80::1%lo]:23212",
		"12182 [fe80::1]:23212":  "[fe80::1]:23212",
		"12182 h:65535":          "h:65535",
	} {
		for code, fault := range map[string]Fault{"MOVED ": FaultMoved, "ASK ": FaultAsk} {
			r := parseReply(code + text)
			require.Equal(t, fault, r.fault, text)
			require.True(t, r.exact)
			require.Equal(t, uint16(12182), r.slot)
			require.Equal(t, want, r.target("10.0.0.9:7000"), text)
		}
	}
	empty := parseReply("MOVED 1 :7001")
	require.Equal(t, "[::1]:7001", empty.target("[::1]:7000"))
	require.Equal(t, "", empty.target("no address"), "of a node without an address nothing is known")
	require.Equal(t, "", empty.target(""))
	require.Equal(t, uint16(0), parseReply("MOVED 0 h:1").slot)
	require.Equal(t, uint16(16383), parseReply("MOVED 16383 h:1").slot)
}

func FuzzParseReply(f *testing.F) {
	for _, seed := range []string{
		"MOVED 1 h:1", "ASK 16383 ::1:7000", "MOVED 1 ?:1", "MOVED 1 :1", "MOVED 1 [::1]:80", "MOVED 1 h:1 x", "MOVED 16384 h:1", "ASK 1 h:0",
		tryAgain, clusterDown, loading, busy, maxClients, "", "ERR", "MOVED 1 []:1", "MOVED 1 [:1",
	} {
		f.Add(seed, "10.0.0.1:7000")
	}
	f.Fuzz(func(t *testing.T, text, origin string) {
		r := parseReply(text)
		require.Less(t, r.fault, faults)
		if r.fault != FaultMoved && r.fault != FaultAsk {
			require.Empty(t, r.host+r.port)
			return
		}
		require.True(t, r.exact)
		require.Less(t, int(r.slot), 16384)
		port, err := strconv.Atoi(r.port)
		require.NoError(t, err)
		require.Positive(t, port)
		require.Less(t, port, 65536)
		r.target(origin)
	})
}
