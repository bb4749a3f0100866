package conformance

import "testing"

// What a node answers instead of serving a command, where no address is in it.
const (
	crossSlot   = "-CROSSSLOT Keys in request don't hash to the same slot"
	tryAgain    = "-TRYAGAIN Multiple keys request during rehashing of slot"
	notServed   = "-CLUSTERDOWN Hash slot not served"
	clusterDown = "-CLUSTERDOWN The cluster is down"
	readsOnly   = "-CLUSTERDOWN The cluster is down and only accepts read commands"
	readOnly    = "-READONLY You can't write against a read only replica."
	execAbort   = "-EXECABORT Transaction discarded because of previous errors."
	noMulti     = "-ERR EXEC without MULTI"
)

// Protocol checks on c, byte for byte, how a node answers a client that speaks to it
// without a library, and leaves c as it was.
//
// When all keys of a command, or of the commands that EXEC is to run, lie in one slot and
// somebody serves it, the first of these rules that applies decides:
//
//  1. No key: served.
//  2. The node is in the state fail: CLUSTERDOWN, but for what its configuration lets through.
//  3. MIGRATE, of a slot that is open here: served.
//  4. The slot is migrating and a key is missing: ASK, or TRYAGAIN if another key is there.
//  5. The slot is importing and the client is ASKING: served, or TRYAGAIN if of several
//     keys one is missing.
//  6. The node is a replica of the slot's master, and the client is READONLY and does not
//     write: served.
//  7. The node is the slot's master: served. If not: MOVED.
//
// Rule 6 is checked where c has replicas.
func Protocol(t *testing.T, c Cluster) {
	t.Run("FirstScan", func(t *testing.T) { testFirstScan(t, c) })
	t.Run("Rule1 NoKey", func(t *testing.T) { testNoKey(t, c) })
	t.Run("Rule2 Down", func(t *testing.T) { testDown(t, c) })
	t.Run("Rule3 Migrate", func(t *testing.T) { testMigrateServed(t, c) })
	t.Run("Rule4 Migrating", func(t *testing.T) { testMigrating(t, c) })
	t.Run("Rule5 Importing", func(t *testing.T) { testImporting(t, c) })
	if len(c.Addrs()) > len(c.Masters()) {
		t.Run("Rule6 Readonly", func(t *testing.T) { testReadonly(t, c) })
		t.Run("Rule6 Demotion", func(t *testing.T) { testDemotion(t, c) })
	}
	t.Run("Rule7 MovedOrServed", func(t *testing.T) { testMovedOrServed(t, c) })
	t.Run("Transaction", func(t *testing.T) { testTransaction(t, c) })
	t.Run("Script", func(t *testing.T) { testScript(t, c) })
	t.Run("Blocked", func(t *testing.T) { testBlocked(t, c) })
	t.Run("OrderOfChecks", func(t *testing.T) { testOrderOfChecks(t, c) })
	t.Run("Migrate", func(t *testing.T) { testMigrate(t, c) })
	t.Run("Restore", func(t *testing.T) { testRestore(t, c) })
}
